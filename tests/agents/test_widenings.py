"""Limits wider than the unit's: an advisory alarm as long as they hold, emitted again when they change."""

import pytest
from judged_rows import OneRow

from agents.judging.verdict import Verdict
from clinical.lifecycle import Phase
from clinical.rules import LimitRule, RuleSet

RULES = RuleSet((LimitRule("hr-high", "hr", high=120),))


@pytest.fixture
def one():
    return OneRow(RULES)


def tick(one, now_ms, high):
    one.table.alarm_high[one.row, 0], one.table.own_limits[one.row] = high, True
    out = Verdict()
    one.parts.widenings.judge(one.at(now_ms), out)
    return [(found.phase, found.note) for found in out.transitions]


def test_wider_limits_start_it_changed_ones_change_it_and_the_unit_s_end_it(one):
    assert tick(one, 1, 125) == [(Phase.START, "hr-high 125 instead of 120")]
    assert tick(one, 2, 125) == []
    assert tick(one, 3, 130) == [(Phase.UPDATE, "hr-high 130 instead of 120")]
    assert tick(one, 4, 120) == [(Phase.END, "limits are the unit's again, or tighter")]


def test_tighter_limits_are_no_alarm(one):
    assert tick(one, 1, 110) == []
