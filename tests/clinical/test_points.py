"""Charts of points: which band a reading falls into, and what a total says where inputs lack."""

import numpy as np
import pytest

from clinical.points import Bands, add_up, charted_points, in_steps, points_of

RESP = Bands(step=1.0, upto=(8, 11, 20, 24), points=(3, 1, 0, 2, 3))
"""Respiration of NEWS2 (RCP 2017)."""


def test_a_reading_is_rounded_half_up_to_the_steps_of_the_chart():
    found = in_steps(np.array([8.4, 8.5, 35.05, np.nan, np.inf]), 1.0)
    assert found[:3].tolist() == [8, 9, 35]
    assert np.isnan(found[3:]).all()
    assert in_steps(np.array([35.05]), 0.1).tolist() == [351]  # a half, whatever binary makes of it


@pytest.mark.parametrize(
    ("value", "points"), [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (25, 3), (99, 3)]
)
def test_an_edge_belongs_to_the_band_below_it(value, points):
    assert points_of(RESP, np.array([float(value)])).tolist() == [points]


def test_a_missing_reading_has_no_points():
    assert np.isnan(points_of(RESP, np.array([np.nan, np.nan]))).all()
    assert np.isnan(points_of(RESP, np.array([np.nan, 12.0]))).tolist() == [True, False]


def test_what_is_charted_beyond_the_last_entry_scores_as_the_last():
    found = charted_points(np.array([0.0, 1.0, 9.0, np.nan]), (0, 3, 2))
    assert found[:3].tolist() == [0, 3, 2]
    assert np.isnan(found[3])


def test_where_inputs_lack_the_total_is_unknown_and_the_lower_bound_counts():
    one, two = np.array([3.0, 3.0, np.nan]), np.array([2.0, np.nan, np.nan])
    score = add_up([one, two], from_total=(1, 5))
    assert score.lower_bound.tolist() == [5, 3, 0]
    assert np.isnan(score.total).tolist() == [False, True, True]
    assert score.missing_count.tolist() == [0, 1, 2]
    assert score.highest_single.tolist() == [3, 3, 0]
    assert score.band.tolist() == [2, 1, 0]


def test_points_that_an_unknown_has_in_any_case_raise_the_lower_bound():
    score = add_up([np.array([np.nan])], from_total=(1,), at_least=np.array([2.0]))
    assert (score.lower_bound.tolist(), score.band.tolist()) == ([2], [1])
