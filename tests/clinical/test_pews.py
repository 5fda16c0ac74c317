"""Bedside PEWS against table 1 of its paper, read a second time as the conditions that are printed there."""

import math

import numpy as np
import pytest

from clinical.pews import ALERT_FROM, PARAMETERS, TOTAL_MAX, bedside_pews

AGES = {
    "0-3 months": (0, 2),
    "3-12 months": (3, 11),
    "1-4 years": (12, 47),
    "4-12 years": (48, 143),
    ">12": (144, 200),
}

# (high 1, low 1), (high 2, low 2), (high 4, low 4): points where value >= high or value <= low, row by row.
PRINTED = {
    "pulse": (
        ((150, 110), (180, 90), (190, 80)),
        ((150, 100), (170, 80), (180, 70)),
        ((120, 90), (150, 70), (170, 60)),
        ((110, 70), (130, 60), (150, 50)),
        ((100, 60), (120, 49), (140, 40)),
    ),
    "sbp": (
        ((80, 60), (100, 50), (130, 45)),
        ((100, 80), (120, 70), (150, 60)),
        ((110, 90), (125, 75), (160, 65)),
        ((120, 90), (140, 80), (170, 70)),
        ((130, 100), (150, 85), (190, 75)),
    ),
    "resp": (
        ((61, 29), (81, 19), (91, 15)),
        ((51, 24), (71, 19), (81, 15)),
        ((41, 19), (61, 15), (71, 12)),
        ((31, 19), (41, 14), (51, 10)),
        ((17, 11), (23, 10), (30, 9)),
    ),
}
WELL = {
    "age_months": 60.0,
    "pulse": 90.0,
    "sbp": 100.0,
    "refill_s": 1.0,
    "resp": 25.0,
    "effort": 0.0,
    "spo2": 98.0,
    "on_oxygen": 0.0,
    "flow_l_min": math.nan,
    "fio2": math.nan,
}


def score(n=1, **changes):
    return bedside_pews(
        **{
            name: np.broadcast_to(np.asarray(value, dtype=float), (n,))
            for name, value in (WELL | changes).items()
        }
    )


def printed_points(name, row, value):
    for points, (high, low) in zip((4, 2, 1), reversed(PRINTED[name][row]), strict=True):
        if value >= high or value <= low:
            return points
    return 0


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("row", range(5), ids=AGES)
def test_every_edge_of_every_age_and_one_step_around_it_scores_as_printed(name, row):
    edges = {edge for pair in PRINTED[name][row] for edge in pair}
    values = sorted(edge + side for edge in edges for side in (-1, 0, 1))
    for age in tuple(AGES.values())[row]:
        result = score(len(values), age_months=age, **{name: np.array(values, dtype=float)})
        expected = [printed_points(name, row, value) for value in values]
        assert result.points[:, PARAMETERS.index(name)].tolist() == expected


@pytest.mark.parametrize(
    ("changes", "name", "points"),
    [
        ({"refill_s": 2.9}, "refill", 0),
        ({"refill_s": 3.0}, "refill", 4),
        ({"effort": 0}, "effort", 0),
        ({"effort": 1}, "effort", 1),
        ({"effort": 2}, "effort", 2),
        ({"effort": 3}, "effort", 4),
        ({"spo2": 90}, "spo2", 2),
        ({"spo2": 91}, "spo2", 1),
        ({"spo2": 94}, "spo2", 1),
        ({"spo2": 95}, "spo2", 0),
        ({"fio2": 21}, "oxygen", 0),
        ({"fio2": 22}, "oxygen", 2),
        ({"fio2": 49}, "oxygen", 2),
        ({"fio2": 50}, "oxygen", 4),
        ({"flow_l_min": 0}, "oxygen", 0),
        ({"flow_l_min": 0.1}, "oxygen", 2),
        ({"flow_l_min": 3.9}, "oxygen", 2),
        ({"flow_l_min": 4}, "oxygen", 4),
    ],
)
def test_the_items_without_age_score_as_printed(changes, name, points):
    assert score(**changes).points[0, PARAMETERS.index(name)] == points


def test_the_worst_of_everything_is_26_and_the_alert_begins_at_8():
    worst = score(pulse=200, sbp=200, refill_s=5, resp=90, effort=3, spo2=70, fio2=100)
    assert worst.total[0] == TOTAL_MAX
    assert score(refill_s=3, effort=2, spo2=94).band[0] == 0
    assert score(refill_s=3, effort=3).band[0] == 1
    assert ALERT_FROM == 8


def test_oxygen_of_unknown_amount_counts_at_least_two_points():
    result = score(on_oxygen=1)
    assert (result.lower_bound[0], result.missing_count[0]) == (2, 1)
    assert math.isnan(result.total[0])


def test_without_an_age_rates_and_pressure_are_missing():
    result = score(age_months=math.nan, spo2=90)
    assert (result.lower_bound[0], result.missing_count[0]) == (2, 3)


@pytest.mark.parametrize("lacking", ["pulse", "sbp", "refill_s", "resp", "effort", "spo2", "on_oxygen"])
def test_a_missing_item_is_counted_and_leaves_a_lower_bound(lacking):
    result = score(**{lacking: math.nan})
    assert result.missing_count[0] == 1
    assert (result.lower_bound[0], result.band[0]) == (0, 0)
