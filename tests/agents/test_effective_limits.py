"""Effective limits: the patient's own, else the age band's, and never beyond the bounds."""

import numpy as np
import pytest
from judged_rows import OneRow

from clinical.rules import LimitRule, RuleSet

RULES = RuleSet((LimitRule("hr-high", "hr", high=120), LimitRule("spo2-low", "spo2", low=90)))


@pytest.fixture
def one():
    return OneRow(RULES)


def sides(one):
    low, high = one.parts.limits.sides(one.table, np.array([one.row]))
    return low[0].tolist(), high[0].tolist()


def test_without_limits_of_ones_own_those_of_the_rules_hold_for_all_at_once(one):
    limits = one.parts.limits
    assert limits.of(one.table, np.array([one.row])) is limits.rules
    assert sides(one) == ([-np.inf, 90], [120, np.inf])


def test_limits_of_ones_own_hold_and_are_wider_on_the_side_that_they_leave(one):
    one.table.alarm_high[one.row, 0], one.table.own_limits[one.row] = 130, True
    assert sides(one)[1][0] == 130
    low, high = one.parts.limits.wider(one.table, np.array([one.row]))
    assert (low.tolist(), high.tolist()) == ([[False, False]], [[True, False]])


def test_limits_of_ones_own_hold_as_far_as_the_bound(one):
    one.table.alarm_high[one.row, 0], one.table.own_limits[one.row] = 10_000, True
    bound = one.parts.limits.bounds(0)[1][0]
    assert sides(one)[1][0] == bound < 10_000


def test_what_breaks_a_limit_of_ones_own_does_so_for_this_patient_alone(one):
    other = one.table.row("bed-2")
    one.table.alarm_high[one.row, 0], one.table.own_limits[one.row] = 100, True
    values = np.full((2, 64), np.nan)[:, : one.table.devices.value.shape[1]]
    values[:, one.parts.limits.rules.signal[0]] = 110
    broken = one.parts.limits.violated(one.table, np.array([one.row, other]), values)
    assert broken[:, 0].tolist() == [True, False]
