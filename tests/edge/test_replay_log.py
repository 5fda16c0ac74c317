"""The log that a replay writes: ticks between frames and in gaps, and recordings of one patient side by side."""

from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest

from edge.readers import open_recording, parse_columns
from edge.replay_log import check_recordings, replay_entries, side_by_side
from edge.replaying import first_refused
from streams.errors import UsageError


@pytest.fixture
def recording(tmp_path):
    def write(times_s, name="p1", column="time_s"):
        path = tmp_path / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("t,spo2\n" + "".join(f"{t_s},97\n" for t_s in times_s))
        return open_recording(path, parse_columns(f"{column}=t,spo2=spo2"))

    return write


def ticks_s(recordings):
    return [entry.ts_ms / 1000 for entry in replay_entries(recordings) if entry.is_tick]


def told(recordings):
    """(patient, device, time in s) of every frame."""
    frames = (msgspec.json.decode(entry.value) for entry in replay_entries(recordings) if not entry.is_tick)
    return [(one["patient"], one["device"], one["event_ts_ms"] / 1000) for one in frames]


def test_ticks_come_once_a_second_up_to_a_gap_of_a_day(recording):
    assert ticks_s([recording([0, 1, 2, 3])]) == [1, 2, 3]
    assert len(ticks_s([recording([0, 1, 2, 86_402])])) == 86_402


@pytest.mark.parametrize("gap_s", [86_401, 365 * 86_400, 56 * 365 * 86_400])
def test_a_longer_gap_costs_no_tick_a_second(recording, gap_s):
    found = ticks_s([recording([0, 1, 2, 2 + gap_s])])
    assert len(found) < 3_600 + 1_440 + 60
    assert found == sorted(set(found))
    assert found[:3600] == list(range(1, 3601))  # silence and losses are told as ever
    assert max(b - a for a, b in pairwise(found) if a < 86_400) <= 60
    assert found[-2:] == [1 + gap_s, 2 + gap_s]  # the last second before the next frame, and the end


def test_a_patient_who_is_read_meanwhile_keeps_his_ticks(recording):
    other = recording([0, 90_000], "p2")
    assert ticks_s([recording(range(0, 90_001, 10)), other])[:9_000] == list(range(10, 90_001, 10))


def test_two_recordings_of_one_name_are_refused_unless_they_are_said_to_be_of_one_patient(recording):
    both = [recording([0, 1], "a/p1"), recording([0, 1], "b/p1")]
    with pytest.raises(UsageError, match=r"are both patient 'p1': rename one, or give --patient"):
        check_recordings(both)
    together = side_by_side(both, "p1")
    check_recordings(together)
    assert told(together) == [("p1", "1-p1", 0), ("p1", "2-p1", 0), ("p1", "1-p1", 1), ("p1", "2-p1", 1)]


def test_devices_of_one_patient_begin_as_far_apart_as_their_recordings_say(recording):
    monitor = recording(["2026-01-01T10:00:05", "2026-01-01T10:00:06"], "monitor", "time_iso")
    oximeter = recording(["2026-01-01T10:00:00", "2026-01-01T10:00:04"], "oximeter", "time_iso")
    assert told(side_by_side([monitor, oximeter], "bed-7")) == [
        ("bed-7", "oximeter", 0),
        ("bed-7", "oximeter", 4),
        ("bed-7", "monitor", 5),
        ("bed-7", "monitor", 6),
    ]


def test_devices_of_one_patient_begin_together_where_one_does_not_say_when_it_began(recording):
    dated = recording(["2026-01-01T10:00:05"], "monitor", "time_iso")
    assert told(side_by_side([dated, recording([0, 1], "oximeter")], "bed-7"))[:2] == [
        ("bed-7", "monitor", 0),
        ("bed-7", "oximeter", 0),
    ]


def letter(detail, at_ms=None, reason="bad-frame"):
    value = b"{" if at_ms is None else msgspec.json.encode({"event_ts_ms": at_ms})
    headers = [("reason", reason.encode()), ("detail", detail.encode())]
    return SimpleNamespace(key=b"p1", value=value, headers=headers)


def test_of_the_frames_that_a_worker_refused_the_first_is_told_with_its_reason():
    letters = [letter("asystole: not a bool", 7_500), letter("hr: too large", 6_000), letter("no JSON")]
    assert first_refused(letters, 5_000) == "the first, of p1 at 1 s: bad-frame: hr: too large"
    assert first_refused(letters[2:], 5_000).endswith("bad-frame: no JSON")
