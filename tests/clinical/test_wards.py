"""A ward that falls silent as a whole is one loss, by what each of its partitions counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.lifecycle import Event, State
from clinical.limits import NEVER
from clinical.wards import (
    MISSED,
    RENEW_MS,
    REST_MS,
    WAIT_MS,
    Count,
    Loss,
    counted,
    event_of,
    held_until,
    is_lost,
    newest,
    onset,
)

NOW = 1_000_000


def count(patients, silent, first_ms=NOW - 15_000, last_ms=NOW - 15_000, tick_ms=NOW):
    return Count(patients, silent, first_ms if silent else NEVER, last_ms if silent else NEVER, tick_ms)


@pytest.mark.parametrize(
    ("counts", "lost"),
    [
        ([], False),
        ([(3, 3)], True),
        ([(2, 2)], False),
        ([(1, 1), (1, 1), (1, 1)], True),
        ([(1, 1), (1, 1), (1, 1), (3, 0)], True),
        ([(1, 1), (1, 1), (1, 1), (4, 0)], False),
        ([(30, 14)], False),
        ([(30, 15)], True),
    ],
)
def test_a_ward_is_lost_when_three_and_half_of_its_patients_are_silent_wherever_they_are(counts, lost):
    assert is_lost([count(*one) for one in counts]) is lost


def test_who_falls_silent_waits_and_who_is_heard_waits_no_more():
    silent = np.array([True, True, False, False])
    until = np.array([NEVER, NOW + 20_000, NOW + 20_000, NEVER])
    assert held_until(NOW, silent, until).tolist() == [NOW + WAIT_MS, NOW + 20_000, NEVER, NEVER]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"", b"er", b"icu"]), st.booleans(), st.booleans(), st.integers(0, 100)),
        max_size=20,
    )
)
def test_patients_are_counted_by_ward(patients):
    ward, known, silent, since = (
        (list(column) for column in zip(*patients, strict=True)) if patients else ([], [], [], [])
    )
    silent = [is_known and is_silent for is_known, is_silent in zip(known, silent, strict=True)]
    found = counted(
        NOW,
        np.array(ward, "S64"),
        np.array(known, bool),
        np.array(silent, bool),
        np.array(since, np.int64),
    )
    expected = {}
    for name, is_known, is_silent, since_ms in zip(ward, known, silent, since, strict=True):
        if name and is_known:
            expected.setdefault(name.decode(), []).append(since_ms if is_silent else None)
    plain = []
    for name, times in sorted(expected.items()):
        quiet = [time for time in times if time is not None]
        plain.append(
            (name, Count(len(times), len(quiet), min(quiet, default=NEVER), max(quiet, default=NEVER), NOW))
        )
    assert found == plain


def test_a_count_holds_until_it_was_not_said_again_for_three_turns():
    for silent, turn_ms in ((1, RENEW_MS), (0, REST_MS)):
        one = count(4, silent, tick_ms=NOW)
        assert one.holds(NOW + MISSED * turn_ms)
        assert not one.holds(NOW + MISSED * turn_ms + 1)


@pytest.mark.parametrize(
    ("loss", "counts", "event"),
    [
        (Loss(), [count(3, 2)], Event.CLEAR),
        (Loss(), [count(3, 3)], Event.DUE),
        (Loss(State.ACTIVE, told_ms=NOW - 59_999), [count(3, 3)], Event.DUE),
        (Loss(State.ACTIVE, told_ms=NOW - 60_000), [count(3, 3)], Event.REMIND),
        (Loss(State.ACTIVE), [count(3, 2)], Event.CLEAR),
        (Loss(State.ACKNOWLEDGED, known_ms=NOW - 15_000), [count(3, 3)], Event.DUE),
        (Loss(State.ACKNOWLEDGED, known_ms=NOW - 15_001), [count(3, 3)], Event.WORSE),
        (Loss(State.ACKNOWLEDGED), [count(3, 2)], Event.CLEAR),
    ],
)
def test_what_counts_mean_for_the_alarm(loss, counts, event):
    assert event_of(loss, counts, NOW) == event


def test_the_onset_is_the_oldest_last_frame_but_never_that_of_the_loss_before():
    counts = [count(1, 1, NOW - 17_000), count(2, 2, NOW - 16_000), count(4, 0)]
    assert onset(Loss(), counts) == NOW - 17_000
    assert onset(Loss(onset_ms=NOW - 17_000), counts) == NOW - 16_999
    assert newest([*counts, count(1, 1, NOW - 17_000, NOW - 14_000)]) == NOW - 14_000
    assert newest([]) == NEVER
