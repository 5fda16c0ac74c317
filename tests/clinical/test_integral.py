"""Depth times duration instead of a fixed delay."""

import math

import numpy as np
import pytest

from clinical.compiled_limits import compile_limits
from clinical.integral import depth, excess_after, grown, is_due
from clinical.rules import LimitRule


def test_depth_is_how_far_a_value_is_outside_and_nought_inside_or_missing():
    low, high = np.array([90.0, -np.inf, 50.0]), np.array([np.inf, 120.0, 120.0])
    values = np.array([[86.0, 125.0, 130.0], [90.0, 120.0, 45.0], [math.nan] * 3, [-np.inf] * 3])
    assert depth(low, high, values).tolist() == [[4, 5, 10], [0, 0, 5], [0, 0, 0], [0, 0, 0]]


def test_a_sample_s_depth_counts_until_the_next_and_a_new_run_begins_at_nought():
    area = grown(
        np.array([[100.0, 100.0]]), np.array([[4.0, 4.0]]), np.array([[1000]]), np.array([[True, False]])
    )
    assert area.tolist() == [[4100, 0]]


@pytest.mark.parametrize(
    ("rule", "lasted_s", "area", "due"),
    [
        (LimitRule("a", "spo2", low=90, delay_s=15), 15, 0, True),
        (LimitRule("a", "spo2", low=90, delay_s=15), 14, 9_999, False),
        (LimitRule("a", "spo2", low=90, integral=50), 1, 50, True),
        (LimitRule("a", "spo2", low=90, integral=50), 999, 49, False),
        (LimitRule("a", "spo2", low=90, delay_s=60, integral=50), 60, 49, True),
        (LimitRule("a", "spo2", low=90, delay_s=60, integral=50), 59, 49, False),
    ],
)
def test_an_alarm_is_due_by_its_delay_or_by_its_integral(rule, lasted_s, area, due):
    limits = compile_limits([rule])
    late = np.array([[lasted_s >= rule.delay_s]])
    assert is_due(limits, late, np.array([[area * 1000.0]])).tolist() == [[due]]


SAW = compile_limits([LimitRule("a", "spo2", low=90, delay_s=15, gap_s=10, excess_s=20)])


@pytest.mark.parametrize(
    ("excess_s", "elapsed_s", "violated", "after_s"),
    [
        (5, 1, True, 6),
        (5, 1, False, 4),
        (5, 60, True, 15),  # no more than the gap of what nobody saw counts as violated
        (5, 60, False, 0),
        (19.5, 1, True, 20),
    ],
)
def test_the_excess_grows_while_violated_and_shrinks_while_not(excess_s, elapsed_s, violated, after_s):
    columns = (np.array([[seconds * 1000]]) for seconds in (excess_s, elapsed_s))
    assert excess_after(SAW, *columns, np.array([[violated]])).tolist() == [[after_s * 1000]]


def test_a_rule_without_an_excess_has_none():
    plain = compile_limits([LimitRule("a", "spo2", low=90)])
    second = np.array([[1000]])
    assert excess_after(plain, np.array([[0.0]]), second, np.array([[True]])).tolist() == [[0]]
