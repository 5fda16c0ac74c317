"""Alarm load: each alarm counts once, in the shift in which it was told, with the time until somebody knew of it."""

import pytest
from ledger_model import row_of

from edge.history.ledger_load import HOUR_MS, alarm_load, shift_of
from edge.history.sqlite_ledger import SqliteLedger
from edge.history.typed_times import length_s, moment_ms
from streams.errors import UsageError


@pytest.fixture
def ledger(tmp_path):
    opened = SqliteLedger(tmp_path / "ledger.sqlite", for_writing=True)
    yield opened
    opened.close()


def put(ledger, *events):
    """Put alerts: (bed, episode, phase, hours, more)."""
    known = len(list(ledger.rows()))
    ledger.append(
        row_of(
            known + n,
            patient=bed,
            episode=episode,
            phase=phase,
            event_ts_ms=round(hours * HOUR_MS),
            **({"priority": "medium", "type": "physiological", "rule": "spo2-low"} | more),
        )
        for n, (bed, episode, phase, hours, more) in enumerate(events)
    )


def test_alarms_are_counted_by_bed_shift_and_priority(ledger):
    put(
        ledger,
        ("bed-1", "a", "start", 1, {"priority": "high"}),
        ("bed-1", "a", "start", 1, {"priority": "high"}),  # the same event a second time
        ("bed-1", "a", "continue", 2, {}),
        ("bed-1", "b", "start", 3, {"type": "technical"}),
        ("bed-1", "c", "start", 9, {}),
        ("bed-2", "d", "start", 2, {"priority": "low"}),
        ("vigil-canary-3", "e", "start", 2, {}),
        ("bed-2", "f", "start", 30, {}),
    )
    loads = alarm_load(ledger, 0, 24 * HOUR_MS)
    assert [(load.patient, load.shift_ts_ms // HOUR_MS, load.count) for load in loads] == [
        ("bed-1", 0, 2),
        ("bed-2", 0, 1),
        ("bed-1", 8, 1),
    ]
    assert loads[0].alarms == {"high": 1, "medium": 1, "low": 0}
    assert loads[0].technical == 1
    assert loads[0].rules == {"spo2-low": 2}


def test_the_time_to_the_first_acknowledgement_counts_also_when_it_comes_in_the_next_shift(ledger):
    put(
        ledger,
        ("bed-1", "a", "start", 7.99, {}),
        ("bed-1", "a", "escalate", 8.0, {}),
        ("bed-1", "a", "update", 8.01, {"acknowledged_by": "nurse-1"}),
        ("bed-1", "a", "update", 9, {"acknowledged_by": "nurse-2"}),
        ("bed-1", "b", "start", 1, {}),
    )
    (load,) = alarm_load(ledger, 0, 8 * HOUR_MS)
    assert (load.count, load.acknowledged, load.escalated) == (2, 1, 1)
    assert load.median_ack_s == pytest.approx(72)


def test_an_alarm_whose_start_is_before_the_time_asked_for_is_none_of_it(ledger):
    put(ledger, ("bed-1", "a", "start", 1, {}), ("bed-1", "a", "continue", 9, {}))
    assert alarm_load(ledger, 8 * HOUR_MS, 16 * HOUR_MS) == []


def test_shifts_begin_when_a_wards_day_does():
    assert shift_of(7 * HOUR_MS, 8) == 0
    assert shift_of(7 * HOUR_MS, 8, 6 * HOUR_MS) == 6 * HOUR_MS
    assert shift_of(5 * HOUR_MS, 8, 6 * HOUR_MS) == -2 * HOUR_MS


def test_moments_and_lengths_are_said_as_people_say_them():
    now_ms = 1_760_000_000_000
    assert moment_ms("now", now_ms) == now_ms
    assert moment_ms("2h", now_ms) == now_ms - 7_200_000
    assert moment_ms("1760000000123", now_ms) == 1_760_000_000_123
    assert moment_ms("2025-10-09T08:53:20", now_ms) == now_ms
    assert moment_ms("2025-10-09T10:53:20+02:00", now_ms) == now_ms
    assert length_s("15m") == 900
    for wrong in ("yesterday", ""):
        with pytest.raises(UsageError):
            moment_ms(wrong, now_ms)
    for wrong in ("0s", "5", "400d"):
        with pytest.raises(UsageError):
            length_s(wrong)
