"""How far orders may move limits: never so far that a rule of lives is off, and for every built-in rule."""

import re
from pathlib import Path

import numpy as np
import pytest

from clinical.bounds import REACH, WORSE_SHARE, WORSE_STEP, furthest
from clinical.compiled_limits import compile_limits
from clinical.defaults import DEFAULT_RULES
from clinical.gaps import ROUNDING
from clinical.limits import worse
from clinical.rules import AGE_BANDS, AgeLimits, LimitRule
from clinical.vitals import FLAGS, INDEX, SIGNALS

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"
each_rule = pytest.mark.parametrize("rule", DEFAULT_RULES.limits, ids=lambda rule: rule.id)


@each_rule
def test_every_built_in_rule_has_a_bound_of_its_own(rule):
    side = "low" if rule.high is None else "high"
    entries = [entry for entry in REACH if rule.signal in entry[0] and entry[1] == side]
    assert entries or rule.signal in FLAGS


@each_rule
def test_a_bound_lies_outside_the_limit_and_inside_what_a_sensor_can_report(rule):
    signal = SIGNALS[INDEX[rule.signal]]
    for band in AGE_BANDS:
        own, (low_min, high_max) = rule.limits(band), rule.furthest(band)
        if own.low is not None:
            assert signal.low <= low_min <= own.low, band
        if own.high is not None:
            assert own.high <= high_max <= signal.high, band


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("hr-extreme-high", 180),
        ("hr-extreme-low", 30),
        ("spo2-desat", 70),
        ("apnoea", 1),
        ("asystole", 0.5),
        ("apnoea-reported", 0.5),
        ("abp-sys-low", 70),
    ],
)
def test_lethal_alarms_cannot_be_switched_off_by_their_limits(name, bound):
    rule = next(rule for rule in DEFAULT_RULES.limits if rule.id == name)
    assert [each for each in rule.furthest("adult") if each is not None] == [bound]


def test_what_breathing_may_not_fall_below_does_not_move():
    assert furthest("resp", "low", "high", "adult", 4) == 4


def test_where_the_table_has_nothing_it_is_half_the_way_to_the_end():
    assert furthest("fio2", "high", "medium", "adult", 60) == 80
    assert furthest("spo2", "high", "medium", "adult", 96) == 98


def test_high_priority_has_the_reach_of_the_others_where_it_has_none_of_its_own():
    assert furthest("temp", "high", "high", "adult", 41) == 42.5


def test_a_rule_s_own_bounds_hold_and_move_with_the_limit_of_an_age_band():
    rule = LimitRule(
        "r", "hr", low=50, high=120, low_min=45, high_max=150, neonate=AgeLimits(90, 200, "", 85)
    )
    assert rule.furthest("adult") == (45, 150)
    assert rule.furthest("child") == (45, 150)
    assert rule.furthest("neonate") == (85, 230)
    compiled = compile_limits([rule])
    assert compiled.bound_low[AGE_BANDS.index("neonate")].tolist() == [85]
    assert compiled.bound_high[0].tolist() == [150]


def test_a_step_is_counted_in_both_directions_from_what_is_known_and_zero_has_none():
    limits = compile_limits(
        [LimitRule("a", "spo2", low=90), LimitRule("b", "resp", low=1), LimitRule("c", "temp", high=39)]
    )
    known = np.array([[75.0, 0.0, 39.5], [np.nan, 0.5, np.nan], [88.0, np.nan, np.nan]])
    extreme = np.array([[65.0, 0.0, 44.0], [40.0, 0.3, 44.0], [100.0, 0.0, 44.0]])
    assert worse(limits, known, extreme).tolist() == [
        [True, False, False],
        [False, True, False],
        [True, False, False],
    ]


def test_decimal_steps_count_though_their_sum_is_not_exact():
    limits = compile_limits([LimitRule("a", "temp", high=39, worse_step=0.3)])
    assert 0.3 + ROUNDING > 39.4 - 39.1
    assert worse(limits, np.array([[39.1]]), np.array([[39.4]])).all()


def test_the_documentation_shows_how_far_limits_may_be_moved():
    text = DOCUMENT.read_text(encoding="utf-8")
    for signals, side, is_high, reach in REACH:
        names = ", ".join(f"`{signal}`" for signal in signals)
        priority = "high" if is_high else "medium, low"
        row = f"| {names} | {side} | {priority} | " + " | ".join(f"{far:g}" for far in reach) + " |"
        assert row in text, row
    for signal, step in WORSE_STEP.items():
        assert re.search(rf"`{signal}`", text)
        assert f"{step:g} " in text
    assert all(f"{share * 100:g} %" in text for share in WORSE_SHARE.values())
