"""NEWS2 against the chart on a grid: every band edge and one step to either side, crossed over all inputs."""

import numpy as np
import pytest
from test_news2 import chart_pulse, chart_resp, chart_sbp, chart_spo2, chart_temp

from clinical.scores import BANDS, TOTAL_MAX, news2

# The last step of each band of the chart, and the step itself.
LAST_STEPS = {
    "resp": ((8, 11, 20, 24), 1),
    "sbp": ((90, 100, 110, 219), 1),
    "pulse": ((40, 50, 90, 110, 130), 1),
    "temp": ((35.0, 36.0, 38.0, 39.0), 0.1),
}
SPO2_LAST_STEPS = {False: (91, 93, 95), True: (83, 85, 87, 92, 94, 96)}
CHART = {"resp": chart_resp, "sbp": chart_sbp, "pulse": chart_pulse, "temp": chart_temp}
CONSCIOUSNESS = (0, 1, 2, 3, 4)


def around(edges, step):
    return sorted({round(edge + side * step, 1) for edge in edges for side in (-1, 0, 1)})


AXES = {name: around(*edges) for name, edges in LAST_STEPS.items()}
GRID = {
    name: grid.ravel()
    for name, grid in zip(
        [*AXES, "consciousness"], np.meshgrid(*AXES.values(), CONSCIOUSNESS, indexing="ij"), strict=True
    )
}
ALERT_POINTS = np.array([0, 3, 3, 3, 3])


def summed(points):
    """Return the sum of every combination of points, in the order of `GRID`."""
    total = np.zeros(1)
    for axis in points:
        total = np.add.outer(total, axis).ravel()
    return total


def highest(points):
    """Return the highest points of every combination, in the order of `GRID`."""
    most = np.zeros(1)
    for axis in points:
        most = np.maximum.outer(most, axis).ravel()
    return most


POINTS = [np.array([CHART[name](value) for value in values]) for name, values in AXES.items()] + [
    ALERT_POINTS
]
TOTAL, MOST = summed(POINTS), highest(POINTS)


def risk(total, most):
    """Read chart 2, as names."""
    names = np.full(len(total), "low", dtype=object)
    names[most == 3] = "low-medium"
    names[(total == 5) | (total == 6)] = "medium"
    names[total >= 7] = "high"
    return names


@pytest.mark.parametrize("on_oxygen", [0, 1])
@pytest.mark.parametrize("scale2", [False, True], ids=["scale 1", "scale 2"])
def test_every_edge_of_every_input_crossed_with_all_others_scores_as_the_chart(scale2, on_oxygen):
    shape = GRID["resp"].shape
    for spo2 in around(SPO2_LAST_STEPS[scale2], 1):
        result = news2(
            spo2=np.full(shape, spo2),
            on_oxygen=np.full(shape, float(on_oxygen)),
            scale2=np.full(shape, scale2),
            **GRID,
        )
        points = chart_spo2(spo2, scale2, on_oxygen)
        total = TOTAL + points + 2 * on_oxygen
        most = np.maximum(MOST, max(points, 2 * on_oxygen))
        assert np.array_equal(result.total, total)
        assert np.array_equal(result.lower_bound, total)
        assert np.array_equal(result.highest_single, most)
        assert not result.missing_count.any()
        assert np.array_equal(np.array(BANDS, dtype=object)[result.band], risk(total, most))


def test_the_grid_reaches_every_total_of_the_chart():
    reached = {total + points + oxygen for total in TOTAL for points in (0, 3) for oxygen in (0, 2)}
    assert {0, TOTAL_MAX} <= reached
    assert max(reached) == TOTAL_MAX
