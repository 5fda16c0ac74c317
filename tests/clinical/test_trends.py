"""Trends: lines through bucket means and drifts, against plain readings one patient at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.rules import DriftRule, TrendRule
from clinical.trends import drift, fit, has_drift, has_trend

BUCKET_MS = 30_000
BUCKETS = 20
FALLING = TrendRule("sbp-falling", "abp_sys", minutes=10, fall=2.0)
CROSSING = TrendRule("spo2-crossing", "spo2", minutes=10, low=90.0, ahead_min=10.0)
DRIFTING = DriftRule("hr-drift", "hr", sigma=2.0)

means = st.lists(
    st.one_of(st.just(math.nan), st.integers(0, 30_000).map(lambda hundredths: hundredths / 100)),
    min_size=BUCKETS,
    max_size=BUCKETS,
)
wards = st.lists(means, min_size=1, max_size=5).map(np.array)


def line(start, per_min, k=BUCKETS, missing=()):
    """Return bucket means of a straight line whose value at the end of the last bucket is `start`."""
    at_min = (np.arange(k) - k + 0.5) / 2
    values = start + per_min * at_min
    values[list(missing)] = np.nan
    return values[None, :]


@given(wards)
def test_a_line_is_the_least_squares_line_of_every_patient(rows):
    found = fit(rows, BUCKET_MS)
    at_min = (np.arange(BUCKETS) - BUCKETS + 0.5) / 2
    for i, row in enumerate(rows):
        held = ~np.isnan(row)
        assert found.count[i] == held.sum()
        if held.sum() < 2:
            assert math.isnan(found.slope[i])
            assert math.isnan(found.level[i])
        else:
            slope, level = np.polyfit(at_min[held], row[held], 1)
            assert found.slope[i] == pytest.approx(slope, abs=1e-6)
            assert found.level[i] == pytest.approx(level, abs=1e-5)


@given(wards)
def test_nobody_s_figures_depend_on_who_else_is_judged(rows):
    whole, drifts = fit(rows, BUCKET_MS), drift(DRIFTING, rows)
    for i in range(len(rows)):
        alone, drifting = fit(rows[i : i + 1], BUCKET_MS), drift(DRIFTING, rows[i : i + 1])
        assert repr((alone.slope[0], alone.level[0])) == repr((whole.slope[i], whole.level[i]))
        assert (drifting.up[0], drifting.down[0]) == (drifts.up[i], drifts.down[i])


@pytest.mark.parametrize(("per_min", "found"), [(-2.5, True), (-2.0, True), (-1.9, False), (2.5, False)])
def test_a_fall_counts_from_its_rate_on(per_min, found):
    assert has_trend(FALLING, fit(line(100, per_min), BUCKET_MS), BUCKETS).tolist() == [found]


@pytest.mark.parametrize(("per_min", "found"), [(2.5, True), (1.9, False), (-2.5, False)])
def test_a_rise_counts_from_its_rate_on(per_min, found):
    rule = TrendRule("hr-rising", "hr", rise=2.0)
    assert has_trend(rule, fit(line(100, per_min), BUCKET_MS), BUCKETS).tolist() == [found]


@pytest.mark.parametrize(
    ("level", "per_min", "found"),
    [
        (95, -0.6, True),  # 89 in ten minutes
        (95, -0.4, False),  # 91
        (95, 0.6, False),
        (89, -0.6, False),  # below it already: that is the limit rule's alarm
        (90, -0.1, True),
    ],
)
def test_a_limit_that_the_line_will_cross_counts_while_it_is_not_crossed(level, per_min, found):
    assert has_trend(CROSSING, fit(line(level, per_min), BUCKET_MS), BUCKETS).tolist() == [found]


def test_an_upper_limit_is_projected_likewise():
    rule = TrendRule("hr-crossing", "hr", high=120.0, ahead_min=5.0)
    rows = np.concatenate([line(110, 2.1), line(110, 1.9), line(121, 2.1)])
    assert has_trend(rule, fit(rows, BUCKET_MS), BUCKETS).tolist() == [True, False, False]


def test_half_of_the_buckets_make_a_trend_and_fewer_do_not():
    half, fewer = range(10), range(11)
    rows = np.concatenate([line(100, -5, missing=half), line(100, -5, missing=fewer)])
    assert has_trend(FALLING, fit(rows, BUCKET_MS), BUCKETS).tolist() == [True, False]


def plain_drift(rule, values):
    predicted, up, down = None, 0.0, 0.0
    for value in values:
        if math.isnan(value):
            continue
        if predicted is None:
            predicted = value
            continue
        error = (value - predicted) / rule.sigma
        up, down = max(0.0, up + error - rule.slack), max(0.0, down - error - rule.slack)
        predicted += rule.weight * (value - predicted)
    return up, down


@given(wards)
def test_a_drift_is_what_a_plain_ewma_and_cusum_say(rows):
    found = drift(DRIFTING, rows)
    for i, row in enumerate(rows):
        assert (found.up[i], found.down[i]) == pytest.approx(plain_drift(DRIFTING, row))


def test_a_steady_signal_does_not_drift_and_a_step_of_three_deviations_does():
    steady = np.full((1, BUCKETS), 80.0)
    stepped = steady.copy()
    stepped[0, 12:] += 6.0
    rows = np.concatenate([steady, stepped, 160 - stepped])
    found = drift(DRIFTING, rows)
    assert has_drift(DRIFTING, found, BUCKETS).tolist() == [False, True, True]
    assert found.up[1] > DRIFTING.threshold > found.down[1]
    assert found.down[2] > DRIFTING.threshold > found.up[2]


def test_a_drift_needs_half_of_the_buckets():
    row = np.full((1, BUCKETS), np.nan)
    row[0, :9] = np.linspace(60, 120, 9)
    assert has_drift(DRIFTING, drift(DRIFTING, row), BUCKETS).tolist() == [False]
