"""MEWS, qSOFA and shock index at every edge of their charts, and with inputs missing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.adult_scores import MEWS_PARAMETERS, QSOFA_PARAMETERS, mews, qsofa, shock_index

MEWS_EDGES = {
    "sbp": {69: 3, 70: 3, 71: 2, 80: 2, 81: 1, 100: 1, 101: 0, 199: 0, 200: 2, 201: 2},
    "pulse": {
        39: 2,
        40: 2,
        41: 1,
        50: 1,
        51: 0,
        100: 0,
        101: 1,
        110: 1,
        111: 2,
        129: 2,
        130: 3,
        131: 3,
    },
    "resp": {7: 2, 8: 2, 9: 0, 14: 0, 15: 1, 20: 1, 21: 2, 29: 2, 30: 3, 31: 3},
    "temp": {34.8: 2, 34.9: 2, 35.0: 0, 38.4: 0, 38.5: 2, 38.6: 2},
    "consciousness": {0: 0, 1: 1, 2: 1, 3: 2, 4: 3},
}
WELL = {"sbp": 120.0, "pulse": 70.0, "resp": 12.0, "temp": 37.0, "consciousness": 0.0}


def one(function, names, **changes):
    return function(*(np.array([float((WELL | changes)[name])]) for name in names))


def edges(charts):
    return [(name, value, points) for name, chart in charts.items() for value, points in chart.items()]


@pytest.mark.parametrize(("name", "value", "points"), edges(MEWS_EDGES))
def test_every_edge_of_mews_scores_as_its_table_says(name, value, points):
    result = one(mews, MEWS_PARAMETERS, **{name: value})
    assert result.points[0, MEWS_PARAMETERS.index(name)] == points
    assert result.total[0] == points


def test_all_edges_of_mews_crossed_add_up_and_are_critical_from_five():
    axes = [list(MEWS_EDGES[name]) for name in MEWS_PARAMETERS]
    total = np.zeros(1)
    for name in MEWS_PARAMETERS:
        total = np.add.outer(total, list(MEWS_EDGES[name].values())).ravel()
    result = mews(*(grid.ravel().astype(float) for grid in np.meshgrid(*axes, indexing="ij")))
    assert np.array_equal(result.total, total)
    assert np.array_equal(result.band, total >= 5)
    assert total.max() == 14


QSOFA_EDGES = {
    "resp": {21: 0, 22: 1, 23: 1},
    "sbp": {99: 1, 100: 1, 101: 0},
    "consciousness": {0: 0, 1: 1, 4: 1},
}


def test_all_edges_of_qsofa_crossed_add_up_and_are_positive_from_two():
    axes = [list(QSOFA_EDGES[name]) for name in QSOFA_PARAMETERS]
    total = np.zeros(1)
    for name in QSOFA_PARAMETERS:
        total = np.add.outer(total, list(QSOFA_EDGES[name].values())).ravel()
    result = qsofa(*(grid.ravel().astype(float) for grid in np.meshgrid(*axes, indexing="ij")))
    assert np.array_equal(result.total, total)
    assert np.array_equal(result.band, total >= 2)


@pytest.mark.parametrize(
    ("pulse", "sbp", "index", "band"),
    [
        (70, 140, 0.5, 0),
        (70, 100, 0.7, 0),
        (71, 100, 0.71, 1),
        (100, 100, 1.0, 1),
        (101, 100, 1.01, 2),
        (99.5, 100, 1.0, 1),
    ],
)
def test_the_shock_index_is_pulse_over_pressure(pulse, sbp, index, band):
    result = shock_index(np.array([float(pulse)]), np.array([float(sbp)]))
    assert result.total[0] == pytest.approx(index)
    assert result.band[0] == band
    assert result.missing_count[0] == 0


@pytest.mark.parametrize(("pulse", "sbp"), [(math.nan, 100.0), (100.0, math.nan), (100.0, 0.0)])
def test_a_shock_index_without_both_inputs_is_none(pulse, sbp):
    result = shock_index(np.array([pulse]), np.array([sbp]))
    assert math.isnan(result.total[0])
    assert (result.lower_bound[0], result.band[0], result.missing_count[0]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("function", "names"), [(mews, MEWS_PARAMETERS), (qsofa, QSOFA_PARAMETERS)], ids=["mews", "qsofa"]
)
@pytest.mark.parametrize("lacking", WELL)
def test_a_missing_input_leaves_a_lower_bound(function, names, lacking):
    ill = {"sbp": 75, "pulse": 135, "resp": 32, "temp": 39, "consciousness": 4}
    whole, part = one(function, names, **ill), one(function, names, **{**ill, lacking: math.nan})
    if lacking in names:
        assert math.isnan(part.total[0])
        assert part.missing_count[0] == 1
        assert part.lower_bound[0] == whole.total[0] - whole.points[0, names.index(lacking)]
    else:
        assert part.total[0] == whole.total[0]


@given(st.lists(st.floats(0, 400), min_size=1, max_size=20), st.sampled_from(["sbp", "pulse", "resp"]))
def test_any_reading_falls_into_the_band_of_its_rounded_value(values, name):
    column = np.array(values)
    rest = {other: np.full(len(values), WELL[other]) for other in MEWS_PARAMETERS if other != name}
    raw, rounded = (mews(**rest, **{name: given}) for given in (column, np.floor(column + 0.5 + 1e-6)))
    assert np.array_equal(raw.points, rounded.points)
