"""The slope of a page's heap: per hour of the ward, and not led astray by a single large sample."""

import random

import pytest

from bench.board_heap import Slope, slope_of, verdict
from streams.errors import UsageError


def grown(mb_per_hour, pace):
    return [(at_s, int(3e6 + mb_per_hour * 1e6 * at_s * pace / 3600), 1, 1) for at_s in range(10, 400, 10)]


def test_the_slope_is_per_hour_of_the_ward_and_not_of_ours():
    assert slope_of(grown(0.8, 8.0), 8.0).mb_h == pytest.approx(0.8, abs=1e-3)


def test_one_sample_that_is_out_of_line_changes_little():
    samples = grown(0.5, 8.0)
    samples[-1] = (samples[-1][0], 90_000_000, 1, 1)
    assert slope_of(samples, 8.0).mb_h == pytest.approx(0.5, abs=0.1)


def test_a_run_that_is_too_short_says_so():
    with pytest.raises(UsageError, match="too short"):
        slope_of(grown(0.5, 8.0)[:3], 8.0)


def test_the_interval_holds_the_true_slope_of_noisy_samples_nineteen_times_of_twenty():
    dice, held = random.Random(1), 0
    for _ in range(200):
        noisy = [(at_s, used + int(dice.gauss(0, 50_000)), 1, 1) for at_s, used, *_ in grown(0.5, 8.0)]
        slope = slope_of(noisy, 8.0)
        assert slope.low_mb_h <= slope.mb_h <= slope.high_mb_h
        held += slope.low_mb_h <= 0.5 <= slope.high_mb_h
    assert held >= 180


def test_a_slope_counts_only_with_its_whole_interval():
    assert verdict(Slope(0.2, -0.1, 0.9)) == ""
    assert "too short to tell" in verdict(Slope(0.2, -0.1, 1.1))
    assert verdict(Slope(1.5, 1.2, 1.8)) == "it grows by more"
