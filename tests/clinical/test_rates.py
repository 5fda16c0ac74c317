"""Heart rate and pulse rate that agree: when they do, and which alarms the heart rate's stands for."""

import numpy as np
import pytest

from clinical.compiled_limits import compile_limits
from clinical.lifecycle import ACKNOWLEDGED, ACTIVE, DELAYED, LATCHED, NORMAL, SUPPRESSED
from clinical.rates import agree, suppressed_by_rate
from clinical.rules import LimitRule

NOW = 100_000
RULES = compile_limits(
    (
        LimitRule("hr-high", "hr", high=120),
        LimitRule("hr-low", "hr", low=50),
        LimitRule("hr-extreme", "hr", high=140, priority="high"),
        LimitRule("pulse-high", "pulse", high=120, told_by="hr"),
        LimitRule("pulse-extreme", "pulse", high=140, priority="high", told_by="hr"),
        LimitRule("pulse-alone", "pulse", high=120),
    )
)
HR_HIGH, HR_LOW, HR_EXTREME, PULSE_HIGH, PULSE_EXTREME, PULSE_ALONE = range(6)


@pytest.mark.parametrize(
    ("hr", "pulse", "age_ms", "lost", "interval_ms", "same"),
    [
        (130, 130, 0, False, 1_000, True),
        (130, 104, 0, False, 1_000, True),
        (130, 103, 0, False, 1_000, False),
        (100, 125, 0, False, 1_000, True),
        (130, 130, 15_000, False, 1_000, True),
        (130, 130, 15_001, False, 1_000, False),
        (130, 130, 60_000, False, 30_000, True),
        (130, 130, 0, True, 1_000, False),
        (np.nan, 130, 0, False, 1_000, False),
        (130, 130, NOW + 1, False, 1_000, False),  # one of them never came
    ],
)
def test_rates_agree_within_a_fifth_while_both_are_of_now(hr, pulse, age_ms, lost, interval_ms, same):
    older_ms, interval = np.array([NOW - age_ms]), np.array([interval_ms])
    found = agree(np.array([hr]), np.array([pulse]), older_ms, np.array([lost]), NOW, interval)
    assert found.tolist() == [same]


def told(same=True, **states):
    state = np.full((1, len(RULES.rules)), NORMAL, np.uint8)
    for name, value in states.items():
        state[0, globals()[name]] = value
    return set(np.flatnonzero(suppressed_by_rate(RULES, state, lambda: np.array([same]))[0]).tolist())


def test_an_announced_heart_rate_tells_for_a_pulse_on_the_same_side_that_is_not_more_severe():
    assert told(HR_HIGH=ACTIVE) == {PULSE_HIGH}
    assert told(HR_HIGH=ACKNOWLEDGED) == {PULSE_HIGH}
    assert told(HR_EXTREME=ACTIVE) == {PULSE_HIGH, PULSE_EXTREME}
    assert told(HR_LOW=ACTIVE) == set()


@pytest.mark.parametrize("state", [NORMAL, DELAYED, LATCHED, SUPPRESSED])
def test_what_is_not_announced_tells_for_nothing(state):
    assert told(HR_EXTREME=state) == set()


def test_rates_that_differ_are_two_alarms_and_a_pulse_tells_for_no_heart_rate():
    assert told(same=False, HR_EXTREME=ACTIVE) == set()
    assert told(PULSE_EXTREME=ACTIVE, PULSE_HIGH=ACTIVE, PULSE_ALONE=ACTIVE) == set()
