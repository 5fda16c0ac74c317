"""Limit rules as arrays: they say what the rules say."""

import numpy as np
import pytest

from clinical.compiled_limits import SCALE2_TARGET_LOW, compile_limits, signals_by_age
from clinical.defaults import DEFAULT_RULES
from clinical.rules import AGE_BANDS, RULES_MAX, AgeLimits, LimitRule
from clinical.vitals import INDEX

LOW = LimitRule("spo2-low", "spo2", low=90, delay_s=15, clear_margin=2, priority="medium")
LOWER = LimitRule("spo2-very-low", "spo2", low=85, priority="high")
HIGH = LimitRule("hr-high", "hr", high=120, integral=300.0, excess_s=20.0)


def test_limits_are_those_of_the_rules_in_every_age_band():
    rules = DEFAULT_RULES.limits
    compiled = compile_limits(rules)
    for band, name in enumerate(AGE_BANDS):
        for number, rule in enumerate(rules):
            own = rule.limits(name)
            low = -np.inf if own.low is None else own.low
            high = np.inf if own.high is None else own.high
            assert (compiled.band_low[band, number], compiled.band_high[band, number]) == (low, high)


def test_times_are_in_ms_and_a_missing_bound_never_comes():
    compiled = compile_limits([LOW, HIGH])
    assert compiled.delay_ms.tolist() == [15_000, 0]
    assert compiled.integral.tolist() == [np.inf, 300_000]
    assert compiled.excess_ms.tolist() == [np.inf, 20_000]


def test_a_more_severe_rule_of_the_same_side_stands_for_a_milder_one_and_begins_before_it():
    compiled = compile_limits([LOW, LOWER, HIGH])
    assert compiled.outranks.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    turn_of = [next(i for i, turn in enumerate(compiled.turns) if turn[rule]) for rule in (0, 1)]
    assert turn_of[1] < turn_of[0]
    assert sum(turn.astype(int) for turn in compiled.turns).tolist() == [1, 1, 1]


def test_the_strictest_limits_are_by_signal():
    compiled = compile_limits([LOW, LOWER, HIGH])
    assert compiled.strictest_low[INDEX["spo2"]] == 90
    assert compiled.strictest_high[INDEX["hr"]] == 120
    assert compiled.strictest_low[INDEX["hr"]] == -np.inf


def test_limits_of_a_patient_s_own_keep_the_margin_in_which_an_alarm_stays():
    own = compile_limits([LOW]).with_limits(np.array([[80.0], [88.0]]), np.array([[np.inf], [np.inf]]))
    assert own.inside_low.tolist() == [[82], [90]]


def test_on_scale_2_a_low_limit_of_oxygen_saturation_ends_with_any_value_of_the_target():
    compiled = compile_limits([LOW, HIGH])
    assert compiled.scale2_low.tolist() == [SCALE2_TARGET_LOW - 2, np.inf]


def test_signals_are_told_by_age_where_a_band_has_other_limits():
    assert signals_by_age(compile_limits([LOW, HIGH])).tolist() == []
    by_age = LimitRule("hr-high", "hr", high=120, neonate=AgeLimits(high=200))
    assert signals_by_age(compile_limits([LOW, by_age])).tolist() == [INDEX["hr"]]


def test_more_rules_than_a_record_holds_are_refused():
    with pytest.raises(ValueError, match="at most"):
        compile_limits([LOW] * (RULES_MAX + 1))
