"""What an evaluation shows at a glance, on episodes and series made by hand."""

import numpy as np
import pytest

from clinical.rules import LimitRule
from edge.evaluation.glance import high_alarms
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.restarts import Restart, restarts
from edge.evaluation.series import Series

DELAYS = {"spo2-desat": 5.0, "spo2-low": 15.0, "asystole": 0.0}
INTERVALS = {"p1": 1_000, "p2": 1_000}
LOW = LimitRule("abp-sys-low", "abp_sys", low=90, delay_s=10)


def outside_s(one):
    return one.duration_s - 1


def episode(
    onset_s, start_s, end_s, rule="spo2-desat", priority="high", patient="p1", ended=True, signal="spo2"
):
    ms = (round(s * 1000) for s in (onset_s, start_s, end_s))
    return Episode(patient, rule, "physiological", priority, signal, *ms, ended, 70.0)


DESAT = episode(100, 100, 160)


@pytest.mark.parametrize(
    "other",
    [
        episode(100, 105, 160),
        episode(100, 115, 160, "spo2-low", "medium"),  # the same signal
        episode(100, 100, 160, "asystole", "high", signal="asystole"),  # as urgent
        episode(20, 35, 300, "spo2-low", "medium"),  # open already
    ],
)
def test_a_high_alarm_is_told_by_one_of_its_signal_or_its_urgency(other):
    found = high_alarms([DESAT], [other], DELAYS, INTERVALS, outside_s)
    assert (found.alarms, found.missing, found.late, found.brief) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "others",
    [
        [],
        [episode(100, 105, 160, patient="p2")],
        [episode(200, 205, 260)],
        [episode(100, 105, 160, "hr-low", "medium", signal="hr")],
    ],
)
def test_a_high_alarm_without_a_counterpart_is_missing_and_named(others):
    found = high_alarms([DESAT], others, DELAYS, INTERVALS, outside_s)
    assert (found.missing, found.first_missing) == (1, ["p1 spo2-desat at 100 s"])


def test_a_counterpart_that_starts_more_than_its_delay_and_a_reading_later_is_late():
    assert high_alarms([DESAT], [episode(100, 106, 160)], DELAYS, INTERVALS, outside_s).late == 0
    assert high_alarms([DESAT], [episode(100, 106.5, 160)], DELAYS, INTERVALS, outside_s).late == 1
    both = [episode(100, 140, 160), episode(100, 115, 160, "spo2-low", "medium")]
    assert high_alarms([DESAT], both, DELAYS, INTERVALS, outside_s).late == 0


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(("lasted_s", "counted"), [(4.0, (1, 0)), (5.0, (0, 1))])
def test_a_high_alarm_whose_last_reading_outside_came_before_the_delay_is_brief_and_not_missing(
    lasted_s, counted, ended
):
    alarm = episode(100, 100, 160, ended=ended)
    found = high_alarms([alarm], [], DELAYS, INTERVALS, lambda one: lasted_s)
    assert (found.brief, found.missing) == counted


def test_alarms_that_are_not_high_are_not_counted():
    assert high_alarms([episode(0, 0, 9, priority="medium")], [], DELAYS, INTERVALS, outside_s).alarms == 0


def pressure(values):
    return {"p1": {"abp_sys": Series(np.arange(len(values)) * 1000, np.array(values, float))}}


def test_a_limit_that_is_violated_again_and_again_without_an_alarm_is_listed_with_both_lengths():
    nan = np.nan
    values = [80] * 8 + [95] + [80] * 3 + [nan] * 2 + [80] * 4 + [95] + [80] * 2 + [95]
    found = restarts(pressure(values), [LOW], [])
    assert found == [
        Restart("p1", "abp-sys-low", 10, violations=3, samples=17, unbroken_s=7.0, bridged_s=8.0)
    ]


def test_what_an_alarm_told_or_happened_once_or_waits_for_nothing_is_not_listed():
    values = [80] * 8 + [95] + [80] * 20 + [95]
    told = [
        Episode("p1", "abp-sys-low", "physiological", "medium", "abp_sys", 9_000, 19_000, 29_000, True, 80.0)
    ]
    assert restarts(pressure(values), [LOW], told) == []
    assert len(restarts(pressure(values), [LOW], [])) == 1
    at_once = LimitRule("abp-sys-low", "abp_sys", low=90, delay_s=0)
    assert restarts(pressure(values), [at_once], []) == []
