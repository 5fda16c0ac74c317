"""Whose clock counts: event time, append time, or neither."""

import numpy as np
import pytest

from clinical.clock import PACE_MS, TimeRules, judge_recorded, judge_time
from clinical.limits import NEVER

LIVE = TimeRules()
NOW = 1_600_000_000_000


def judged(event_ms, append_ms=NOW, event_before_ms=NEVER, append_before_ms=NEVER, comes_next=True):
    """Return (time that counts, arrival, suspect, historic) of one frame."""
    columns = (np.array([ms], np.int64) for ms in (event_ms, append_ms, event_before_ms, append_before_ms))
    time = judge_time(LIVE, *columns, np.array([comes_next]))
    return int(time.now_ms[0]), int(time.arrival_ms[0]), bool(time.suspect[0]), bool(time.historic[0])


@pytest.mark.parametrize("behind_ms", [0, 1, 60_000, -1, -5_000])
def test_a_frame_within_the_bounds_counts_by_its_own_time(behind_ms):
    assert judged(NOW - behind_ms) == (NOW - behind_ms, NOW, False, False)


def test_a_frame_from_the_future_is_suspect_and_counts_by_its_arrival():
    assert judged(NOW + 5_001) == (NOW, NOW, True, False)


def test_a_device_s_first_frame_from_the_past_is_suspect_and_counts_by_its_arrival():
    assert judged(NOW - 60_001) == (NOW, NOW, True, False)


def test_an_old_frame_that_came_at_the_pace_of_its_measuring_is_suspect():
    late = NOW - 600_000
    assert judged(late, NOW, late - 1_000, NOW - 1_000) == (NOW, NOW, True, False)


def test_an_old_frame_that_came_faster_than_it_was_measured_is_historic():
    late = NOW - 600_000
    assert judged(late, NOW, late - 10_000, NOW - 10) == (late, NOW, False, True)


@pytest.mark.parametrize(
    ("delivered_ms", "steady"),
    [(1_000 + PACE_MS + 500, True), (1_001 + PACE_MS + 500, False), (1, True), (0, False)],
)
def test_the_pace_may_differ_by_half_the_distance_and_some_jitter(delivered_ms, steady):
    late = NOW - 600_000
    _, _, suspect, historic = judged(late, NOW, late - 1_000, NOW - delivered_ms)
    assert (suspect, historic) == (steady, not steady)


def test_an_old_frame_that_comes_next_with_an_earlier_time_is_of_a_clock_that_stepped_back():
    late = NOW - 600_000
    assert judged(late, NOW, late + 1, NOW - 1_000) == (NOW, NOW, True, False)


def test_an_old_frame_that_was_overtaken_by_the_one_before_is_historic():
    late = NOW - 600_000
    assert judged(late, NOW, late + 1, NOW - 1_000, comes_next=False) == (late, NOW, False, True)


def test_an_old_frame_of_the_same_moment_as_the_one_before_is_historic():
    late = NOW - 600_000
    assert judged(late, NOW, late, NOW - 1_000) == (late, NOW, False, True)


def test_a_recording_is_its_own_clock():
    event = np.array([5, NOW + 10**9])
    time = judge_recorded(event)
    assert time.now_ms.tolist() == time.arrival_ms.tolist() == event.tolist()
    assert not (time.suspect | time.historic).any()


def test_frames_are_judged_apart():
    event = np.array([NOW, NOW + 10_000, NOW - 100_000], np.int64)
    event_before, append_before = event - 60_000, np.full(3, NOW - 10, np.int64)
    time = judge_time(LIVE, event, np.full(3, NOW), event_before, append_before, np.ones(3, np.bool_))
    assert time.now_ms.tolist() == [NOW, NOW, NOW - 100_000]
    assert time.suspect.tolist() == [False, True, False]
    assert time.historic.tolist() == [False, False, True]
