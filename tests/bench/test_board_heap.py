"""The slope of a page's heap: per hour of the ward, and not led astray by a single large sample."""

import pytest

from bench.board_heap import slope_mb_h
from streams.errors import UsageError


def grown(mb_per_hour, pace):
    return [(at_s, int(3e6 + mb_per_hour * 1e6 * at_s * pace / 3600), 1, 1) for at_s in range(10, 400, 10)]


def test_the_slope_is_per_hour_of_the_ward_and_not_of_ours():
    assert slope_mb_h(grown(0.8, 8.0), 8.0) == pytest.approx(0.8, abs=1e-3)


def test_one_sample_that_is_out_of_line_changes_little():
    samples = grown(0.5, 8.0)
    samples[-1] = (samples[-1][0], 90_000_000, 1, 1)
    assert slope_mb_h(samples, 8.0) == pytest.approx(0.5, abs=0.1)


def test_a_run_that_is_too_short_says_so():
    with pytest.raises(UsageError, match="too short"):
        slope_mb_h(grown(0.5, 8.0)[:3], 8.0)
