import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.vitals import ABSENT, COUNT, INDEX, PLAUSIBLE_HIGH, PLAUSIBLE_LOW, SIGNALS
from edge.physiology import CUFF_EVERY_S, DETERIORATIONS, Ward, signals_of
from streams.contracts.frame import Frame

HR, SPO2, RESP, SYS = (INDEX[name] for name in ("hr", "spo2", "resp", "abp_sys"))
ALARMS = {"desaturation": (SPO2, 90, None), "tachycardia": (HR, None, 120), "bradycardia": (HR, 50, None)}
ALARMS |= {"bradypnoea": (RESP, 8, None), "hypotension": (SYS, 90, None)}


def run(ward, seconds, rate_hz=1):
    """Return readings of shape (frames, beds, COUNT)."""
    previous_s = np.full(ward.beds, -np.inf)
    frames = []
    for number in range(round(seconds * rate_hz)):
        time_s = (number + np.arange(ward.beds) / ward.beds) / rate_hz
        frames.append(ward.readings(number, time_s, previous_s))
        previous_s = time_s
    return np.stack(frames)


def violated(values, limits):
    column, low, high = limits
    measured = np.isfinite(values[:, :, column])
    plausible = (values[:, :, column] >= PLAUSIBLE_LOW[column]) & (
        values[:, :, column] <= PLAUSIBLE_HIGH[column]
    )
    beyond = values[:, :, column] < low if low is not None else values[:, :, column] > high
    return measured & plausible & beyond


def longest_run(flags):
    longest = current = 0
    for flag in flags:
        current = current + 1 if flag else 0
        longest = max(longest, current)
    return longest


def test_the_same_seed_gives_the_same_readings_and_another_seed_others():
    assert np.array_equal(run(Ward(30, 7), 20), run(Ward(30, 7), 20), equal_nan=True)
    assert not np.array_equal(run(Ward(30, 7), 20), run(Ward(30, 8), 20), equal_nan=True)


def test_a_reading_can_be_computed_on_its_own_without_those_before_it():
    ward, time_s = Ward(10, 3), np.full(10, 500.0)
    Ward(10, 3).readings(1, np.full(10, 1.0), np.full(10, 0.0))
    assert np.array_equal(
        ward.readings(500, time_s, time_s - 1), Ward(10, 3).readings(500, time_s, time_s - 1), equal_nan=True
    )


@settings(max_examples=20, deadline=None)
@given(beds=st.integers(1, 40), seed=st.integers(0, 2**32), number=st.integers(0, 10_000))
def test_a_patient_is_the_same_in_a_ward_of_any_size(beds, seed, number):
    time_s = number + np.arange(60) / 60
    large = Ward(60, seed).readings(number, time_s, time_s - 1)
    small = Ward(beds, seed).readings(number, time_s[:beds], time_s[:beds] - 1)
    assert np.array_equal(large[:beds], small, equal_nan=True)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), start=st.integers(0, 5_000))
def test_every_frame_keeps_the_public_contract(seed, start):
    ward = Ward(24, seed)
    time_s = start + np.arange(24) / 24
    for row in ward.readings(start, time_s, np.full(24, -np.inf)):
        frame = {"patient": "p", "device": "d", "boot": 0, "seq": 0, "event_ts_ms": 0, **signals_of(row)}
        Frame.model_validate_json(msgspec.json.encode(frame))


def test_well_patients_stay_inside_the_usual_limits():
    ward = Ward(60, 1)
    values = run(ward, 300)[:, ward.kind < 0]
    for limits in [(HR, 50, None), (HR, None, 120), (SPO2, 90, None), (RESP, 8, None), (RESP, None, 30)]:
        assert not violated(values, limits).any()
    pressure = violated(values, (SYS, 90, None)) | violated(values, (SYS, None, 160))
    assert max(longest_run(bed) for bed in pressure.T) <= 4  # a flushed line, shorter than every delay


@pytest.mark.parametrize("seed", range(3))
def test_some_alarms_of_the_first_seconds_have_started_and_ended_by_second_15(seed):
    ward = Ward(200, seed)
    values = run(ward, 30)
    for name in ("desaturation", "tachycardia"):
        beds = ward.kind == next(i for i, how in enumerate(DETERIORATIONS) if how.name == name)
        severe = (SPO2, 80, None) if name == "desaturation" else (HR, None, 140)
        early, then = violated(values, severe)[:6, beds], violated(values, ALARMS[name])[12:15, beds]
        assert (early.all(axis=0) & ~then.any(axis=0)).sum() >= 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "how", [how for how in DETERIORATIONS if how.name in ALARMS], ids=lambda how: how.name
)
def test_every_deterioration_outlasts_its_delay_and_then_recovers_early_in_a_run(how, seed):
    ward = Ward(200, seed)
    beds = ward.kind == DETERIORATIONS.index(how)
    beyond = violated(run(ward, 30), ALARMS[how.name])[:, beds]
    outlasted = beyond[: int(how.delay_s) + 1].all(axis=0)
    recovered = ~beyond[26:].any(axis=0)
    assert (outlasted & recovered).any()
    assert (~beyond[0] & beyond[26:].any(axis=0)).any(), "others have fallen ill meanwhile"


def test_a_fever_starts_and_ends_in_the_course_of_a_run():
    ward = Ward(200, 1)
    fever = next(i for i, how in enumerate(DETERIORATIONS) if how.name == "fever")
    temp = run(ward, 900)[:, ward.kind == fever, INDEX["temp"]]
    warmest = np.nanmax(np.where(np.isfinite(temp), temp, np.nan), axis=0)
    last = np.array([column[np.isfinite(column)][-1] for column in temp.T])
    assert (warmest > 39).all()
    assert (last < 38).any()


def test_a_small_ward_has_a_patient_who_recovers_soon():
    beyond = violated(run(Ward(1, 0), 15), ALARMS["desaturation"])
    assert beyond[0, 0]
    assert not beyond[-1, 0]


def test_the_first_frame_carries_the_chart_and_later_ones_carry_it_now_and_then():
    ward = Ward(40, 5)
    values = run(ward, round(CUFF_EVERY_S))
    first = values[0]
    assert (first[:, INDEX["consciousness"]] >= 0).all()
    assert (first[~ward.arterial_line, INDEX["nbp_sys"]] > 0).all()
    cuffs = np.isfinite(values[1:, ~ward.arterial_line, INDEX["nbp_sys"]]).sum(axis=0)
    assert (cuffs <= 1).all()
    assert cuffs.sum() > len(cuffs) / 2


def test_pressure_comes_from_the_line_or_from_the_cuff_never_from_both():
    ward = Ward(60, 5)
    values = run(ward, 10)
    assert (values[:, ward.arterial_line, INDEX["nbp_sys"]] == ABSENT).all()
    assert (values[:, ~ward.arterial_line, SYS] == ABSENT).all()


def test_a_missing_reading_is_null_and_an_unmeasured_signal_is_left_out():
    row = np.full(COUNT, ABSENT)
    row[HR], row[SPO2], row[INDEX["consciousness"]], row[INDEX["on_oxygen"]] = 72.0, np.nan, 2.0, 1.0
    assert signals_of(row) == {"hr": 72.0, "spo2": None, "consciousness": "V", "on_oxygen": True}


def test_values_are_steps_of_the_resolution():
    values = run(Ward(40, 2), 30)
    for column, signal in enumerate(SIGNALS):
        measured = values[:, :, column][np.isfinite(values[:, :, column])]
        assert np.allclose(measured / signal.resolution, np.round(measured / signal.resolution))
