"""Counts of decisions: what became of each limit alarm that was not told of."""

import numpy as np
import pytest

from agents.judging.reasons import Reason
from agents.judging.verdict import Tally
from clinical.lifecycle import ACTIVE, DELAYED, NORMAL, SUPPRESSED

YES, NO = [[True], [True]], [[False], [False]]


def counted(before, after, by_pause=None, by_sensor=None, by_rate=None):
    tally = Tally()
    before, after = np.array(before, np.uint8), np.array(after, np.uint8)
    nothing = np.zeros(after.shape, dtype=np.bool_)
    suppressed = [nothing if by is None else np.array(by) for by in (by_pause, by_sensor, by_rate)]
    tally.count_limits(before, after, lambda: suppressed)
    return tally.reasons


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([[DELAYED, NORMAL]], [[NORMAL, NORMAL]], {Reason.ENDED_IN_DELAY: 1}),
        (
            [[SUPPRESSED], [DELAYED]],
            [[NORMAL], [NORMAL]],
            {Reason.ENDED_SUPPRESSED: 1, Reason.ENDED_IN_DELAY: 1},
        ),
        ([[ACTIVE, DELAYED]], [[NORMAL, ACTIVE]], {}),
        ([[SUPPRESSED, DELAYED]], [[SUPPRESSED, DELAYED]], {}),
    ],
)
def test_an_alarm_that_is_over_before_it_was_told_counts_once(before, after, found):
    assert counted(before, after) == found


@pytest.mark.parametrize(
    ("by_pause", "by_sensor", "by_rate", "found"),
    [
        (NO, NO, NO, {Reason.LESS_SEVERE: 2}),
        (NO, YES, YES, {Reason.SENSOR_IN_DOUBT: 2}),
        (YES, YES, YES, {Reason.PAUSED: 2}),
        ([[True], [False]], NO, NO, {Reason.PAUSED: 1, Reason.LESS_SEVERE: 1}),
        (NO, [[False], [True]], NO, {Reason.SENSOR_IN_DOUBT: 1, Reason.LESS_SEVERE: 1}),
        (NO, NO, [[False], [True]], {Reason.RATE_TOLD: 1, Reason.LESS_SEVERE: 1}),
    ],
)
def test_an_alarm_that_is_suppressed_counts_by_what_suppresses_it_a_pause_before_a_sensor_before_a_rate(
    by_pause, by_sensor, by_rate, found
):
    assert counted([[NORMAL], [DELAYED]], [[SUPPRESSED], [SUPPRESSED]], by_pause, by_sensor, by_rate) == found


def test_tallies_are_added_count_by_count():
    first, second = Tally(judged=3, ticks=1), Tally(judged=4)
    first.count(Reason.DUPLICATE, 2)
    second.count(Reason.DUPLICATE)
    second.count(Reason.HISTORIC, 5)
    first.add(second)
    assert (first.judged, first.ticks, first.frames) == (7, 1, 15)
    assert first.reasons == {Reason.DUPLICATE: 3, Reason.HISTORIC: 5}


def test_nothing_is_no_reason():
    tally = Tally()
    tally.count(Reason.PAUSED, 0)
    assert (tally.reasons, tally.of(Reason.PAUSED)) == ({}, 0)
