"""NEWS2 against the chart of the Royal College of Physicians (2017), read a second time as plain ifs."""

import math
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.scores import BANDS, PARAMETERS, TOTAL_MAX, Score, news2

WELL = {"resp": 16, "spo2": 98, "on_oxygen": 0, "sbp": 120, "pulse": 70, "consciousness": 0, "temp": 37.0}
WELL_SCALE2 = {**WELL, "spo2": 90}


def patient_of(*values):
    return dict(zip(PARAMETERS, values, strict=True))


def score(patients, scale2=False):
    columns = {name: np.array([patient[name] for patient in patients], dtype=float) for name in PARAMETERS}
    return news2(**columns, scale2=np.broadcast_to(np.asarray(scale2), (len(patients),)))


def points_of(name, value, *, scale2=False, on_oxygen=0.0):
    patient = {**WELL, "on_oxygen": on_oxygen, name: value}
    return score([patient], scale2).points[0, PARAMETERS.index(name)]


# --- the chart again, one scalar at a time, on purpose unlike the vectorised code


def rounded(value, step="1"):
    return Decimal(repr(float(value))).quantize(Decimal(step), rounding=ROUND_HALF_UP)


def chart_resp(value):
    rate = rounded(value)
    if rate <= 8 or rate >= 25:
        return 3
    if rate >= 21:
        return 2
    return 1 if rate <= 11 else 0


def chart_spo2(value, scale2, on_oxygen):
    percent = rounded(value)
    if not scale2:
        return 0 if percent >= 96 else 1 if percent >= 94 else 2 if percent >= 92 else 3
    if percent <= 83:
        return 3
    if percent <= 87:
        return 2 if percent <= 85 else 1
    if percent <= 92 or on_oxygen == 0:
        return 0
    if on_oxygen is None:
        return None
    return 3 if percent >= 97 else 2 if percent >= 95 else 1


def chart_sbp(value):
    pressure = rounded(value)
    if pressure >= 220:
        return 3
    return 0 if pressure >= 111 else 1 if pressure >= 101 else 2 if pressure >= 91 else 3


def chart_pulse(value):
    rate = rounded(value)
    if rate > 130 or rate < 41:
        return 3
    if rate > 110:
        return 2
    return 1 if rate > 90 or rate < 51 else 0


def chart_temp(value):
    degrees = rounded(value, "0.1")
    if degrees <= Decimal("35.0"):
        return 3
    if degrees >= Decimal("39.1"):
        return 2
    return 0 if Decimal("36.1") <= degrees <= Decimal("38.0") else 1


def chart_points(patient, scale2):
    given_or_none = {name: None if math.isnan(value) else value for name, value in patient.items()}
    resp, spo2, oxygen, sbp, pulse, consciousness, temp = (given_or_none[name] for name in PARAMETERS)
    return [
        None if resp is None else chart_resp(resp),
        None if spo2 is None else chart_spo2(spo2, scale2, oxygen),
        None if oxygen is None else 2 if oxygen else 0,
        None if sbp is None else chart_sbp(sbp),
        None if pulse is None else chart_pulse(pulse),
        None if consciousness is None else 3 if consciousness else 0,
        None if temp is None else chart_temp(temp),
    ]


def chart_band(points):
    known = [value for value in points if value is not None]
    if sum(known) >= 7:
        return "high"
    if sum(known) >= 5:
        return "medium"
    return "low-medium" if 3 in known else "low"


def assert_agrees_with_the_chart(patients, scale2):
    got = score(patients, scale2)
    for row, patient in enumerate(patients):
        points = chart_points(patient, bool(np.broadcast_to(scale2, (len(patients),))[row]))
        known = [value for value in points if value is not None]
        missing = len(points) - len(known)
        assert [None if math.isnan(value) else value for value in got.points[row]] == points, patient
        assert got.lower_bound[row] == sum(known)
        assert got.missing_count[row] == missing
        assert math.isnan(got.total[row]) if missing else got.total[row] == sum(known)
        assert got.highest_single[row] == max(known, default=0)
        assert BANDS[got.band[row]] == chart_band(points)


# --- every edge of the chart, as numbers

EDGES = {
    "resp": {8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3},
    "spo2": {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0, 100: 0},
    "sbp": {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3},
    "pulse": {40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3},
    "temp": {35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2},
    "consciousness": {0: 0, 1: 3, 2: 3, 3: 3, 4: 3},
    "on_oxygen": {0: 0, 1: 2},
}
SCALE2_SAME = {83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 92: 0}
SCALE2_AIR = SCALE2_SAME | {93: 0, 94: 0, 95: 0, 96: 0, 97: 0, 100: 0}
SCALE2_OXYGEN = SCALE2_SAME | {93: 1, 94: 1, 95: 2, 96: 2, 97: 3, 100: 3}


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [(name, value, points) for name in EDGES for value, points in EDGES[name].items()],
)
def test_every_band_edge_scores_as_the_chart_says(name, value, points):
    assert points_of(name, value) == points


@pytest.mark.parametrize(("value", "points"), SCALE2_AIR.items())
def test_every_edge_of_spo2_scale_2_on_air_scores_as_the_chart_says(value, points):
    assert points_of("spo2", value, scale2=True, on_oxygen=0) == points


@pytest.mark.parametrize(("value", "points"), SCALE2_OXYGEN.items())
def test_every_edge_of_spo2_scale_2_on_oxygen_scores_as_the_chart_says(value, points):
    assert points_of("spo2", value, scale2=True, on_oxygen=1) == points


@pytest.mark.parametrize("value", EDGES["spo2"])
def test_oxygen_does_not_change_the_spo2_points_of_scale_1(value):
    assert points_of("spo2", value, on_oxygen=1) == points_of("spo2", value, on_oxygen=0)


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("resp", 8.4, 3),
        ("resp", 8.5, 1),
        ("resp", 20.5, 2),
        ("spo2", 91.5, 2),
        ("sbp", 219.49, 0),
        ("sbp", 219.5, 3),
        ("pulse", 90.5, 1),
        ("temp", 35.04, 3),
        ("temp", 35.05, 1),
        ("temp", 36.05, 0),
        ("temp", 38.05, 1),
        ("temp", 39.05, 2),
    ],
)
def test_a_reading_between_two_bands_is_rounded_half_up_first(name, value, points):
    assert points_of(name, value) == points


@pytest.mark.parametrize(
    ("patient", "total", "band"),
    [
        (WELL, 0, "low"),
        # published examples: 2+1+2+1+1+0+1 = 8 and 3+3+2+2+1+3+0 = 14
        (patient_of(22, 95, 1, 105, 100, 0, 38.5), 8, "high"),
        (patient_of(26, 90, 1, 95, 92, 1, 37.2), 14, "high"),
        (patient_of(30, 85, 1, 80, 140, 4, 34.0), TOTAL_MAX, "high"),
    ],
)
def test_worked_examples_add_up(patient, total, band):
    result = score([patient])
    assert (result.total[0], BANDS[result.band[0]]) == (total, band)


@pytest.mark.parametrize(
    ("changes", "total", "band"),
    [
        ({"resp": 9, "pulse": 91, "temp": 38.1, "sbp": 110}, 4, "low"),
        ({"consciousness": 1}, 3, "low-medium"),
        ({"consciousness": 1, "pulse": 91}, 4, "low-medium"),
        ({"consciousness": 1, "on_oxygen": 1}, 5, "medium"),
        ({"on_oxygen": 1, "resp": 21, "pulse": 91}, 5, "medium"),
        ({"on_oxygen": 1, "resp": 21, "pulse": 111}, 6, "medium"),
        ({"on_oxygen": 1, "resp": 21, "pulse": 131}, 7, "high"),
    ],
)
def test_the_band_follows_the_total_and_a_single_three(changes, total, band):
    result = score([WELL | changes])
    assert (result.total[0], BANDS[result.band[0]]) == (total, band)


def test_a_missing_input_leaves_no_total_but_a_lower_bound_and_its_band():
    result = score([WELL | {"temp": np.nan, "resp": 25, "on_oxygen": 1}])
    assert math.isnan(result.total[0])
    assert (result.lower_bound[0], result.missing_count[0], result.highest_single[0]) == (5, 1, 3)
    assert BANDS[result.band[0]] == "medium"


def test_no_input_at_all_is_seven_missing_and_low():
    result = score([dict.fromkeys(PARAMETERS, np.nan)])
    assert (result.lower_bound[0], result.missing_count[0], result.highest_single[0], result.band[0]) == (
        0,
        7,
        0,
        0,
    )


def test_scale_2_above_92_without_known_oxygen_lacks_both_and_adds_nothing():
    result = score([WELL_SCALE2 | {"spo2": 97, "on_oxygen": np.nan}], scale2=True)
    assert (result.lower_bound[0], result.missing_count[0]) == (0, 2)


def test_scale_2_up_to_92_without_known_oxygen_lacks_only_the_oxygen():
    result = score([WELL_SCALE2 | {"spo2": 84, "on_oxygen": np.nan}], scale2=True)
    assert (result.lower_bound[0], result.missing_count[0]) == (2, 1)


def test_a_signal_that_no_frame_carried_counts_as_missing():
    assert score([WELL | {"sbp": -np.inf}]).missing_count[0] == 1


def test_no_patients_give_empty_arrays():
    result = score([])
    assert isinstance(result, Score)
    assert result.total.shape == result.band.shape == (0,)
    assert result.points.shape == (0, len(PARAMETERS))


def test_sweeping_each_parameter_agrees_with_the_chart_on_both_scales_with_and_without_oxygen():
    sweeps = {
        "resp": np.arange(0, 60, 0.5),
        "spo2": np.arange(70, 100.5, 0.5),
        "sbp": np.arange(50, 260, 0.5),
        "pulse": np.arange(20, 200, 0.5),
        "temp": np.arange(3400, 4100) / 100,
        "consciousness": np.arange(5),
    }
    for oxygen, scale2 in product((0.0, 1.0, np.nan), (False, True)):
        patients = [
            WELL | {"on_oxygen": oxygen, name: value} for name, values in sweeps.items() for value in values
        ]
        assert_agrees_with_the_chart(patients, scale2)


@st.composite
def any_patient(draw):
    def maybe(values):
        return draw(st.one_of(st.just(math.nan), values))

    return {
        "resp": maybe(st.integers(0, 80).map(lambda tenths: tenths / 2)),
        "spo2": maybe(st.integers(140, 200).map(lambda halves: halves / 2)),
        "on_oxygen": maybe(st.sampled_from([0.0, 1.0])),
        "sbp": maybe(st.integers(40, 260).map(float)),
        "pulse": maybe(st.integers(20, 220).map(float)),
        "consciousness": maybe(st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0])),
        "temp": maybe(st.integers(3300, 4200).map(lambda hundredths: hundredths / 100)),
    }


@given(st.lists(st.tuples(any_patient(), st.booleans()), min_size=1, max_size=20))
def test_any_mix_of_patients_agrees_with_the_chart(rows):
    assert_agrees_with_the_chart([patient for patient, _ in rows], np.array([scale2 for _, scale2 in rows]))


@given(any_patient(), st.booleans(), st.sampled_from(PARAMETERS))
def test_leaving_an_input_out_never_raises_the_lower_bound_or_the_band(patient, scale2, name):
    both = score([patient, patient | {name: math.nan}], scale2)
    assert both.lower_bound[1] <= both.lower_bound[0]
    assert both.band[1] <= both.band[0]
