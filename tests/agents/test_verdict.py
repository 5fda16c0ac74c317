"""Counts of decisions: what became of each limit alarm that was not told of."""

import numpy as np
import pytest

from agents.judging.verdict import Tally
from clinical.lifecycle import ACTIVE, DELAYED, NORMAL, SUPPRESSED

YES, NO = [[True], [True]], [[False], [False]]


def counted(before, after, by_pause=None, by_sensor=None, by_rate=None):
    tally, untouched = Tally(), Tally()
    before, after = np.array(before, np.uint8), np.array(after, np.uint8)
    nothing = np.zeros(after.shape, dtype=np.bool_)
    withheld = [nothing if by is None else np.array(by) for by in (by_pause, by_sensor, by_rate)]
    tally.count_limits(before, after, lambda: withheld)
    names = Tally.__slots__
    return {n: getattr(tally, n) for n in names if getattr(tally, n) != getattr(untouched, n)}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([[DELAYED, NORMAL]], [[NORMAL, NORMAL]], {"ended_in_delay": 1}),
        ([[SUPPRESSED], [DELAYED]], [[NORMAL], [NORMAL]], {"ended_withheld": 1, "ended_in_delay": 1}),
        ([[ACTIVE, DELAYED]], [[NORMAL, ACTIVE]], {}),
        ([[SUPPRESSED, DELAYED]], [[SUPPRESSED, DELAYED]], {}),
    ],
)
def test_an_alarm_that_is_over_before_it_was_told_counts_once(before, after, found):
    assert counted(before, after) == found


@pytest.mark.parametrize(
    ("by_pause", "by_sensor", "by_rate", "found"),
    [
        (NO, NO, NO, {"withheld_by_severity": 2}),
        (NO, YES, YES, {"withheld_by_sensor": 2}),
        (YES, YES, YES, {"withheld_by_pause": 2}),
        ([[True], [False]], NO, NO, {"withheld_by_pause": 1, "withheld_by_severity": 1}),
        (NO, [[False], [True]], NO, {"withheld_by_sensor": 1, "withheld_by_severity": 1}),
        (NO, NO, [[False], [True]], {"withheld_by_rate": 1, "withheld_by_severity": 1}),
    ],
)
def test_an_alarm_that_is_withheld_counts_by_what_withholds_it_a_pause_before_a_sensor_before_a_rate(
    by_pause, by_sensor, by_rate, found
):
    assert counted([[NORMAL], [DELAYED]], [[SUPPRESSED], [SUPPRESSED]], by_pause, by_sensor, by_rate) == found
