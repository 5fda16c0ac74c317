import numpy as np

from clinical.vitals import COUNT, INDEX, PLAUSIBLE_HIGH, PLAUSIBLE_LOW
from edge.artefacts import ARTEFACT_S, FALSE_READINGS, GAP_S, SENSORS, disturb

BEDS, SECONDS = 100, 600


def disturbed(seed=1, beds=BEDS):
    """Return quiet values of 80 with what was put into them, shape (SECONDS, beds, COUNT)."""
    values = np.full((SECONDS, beds, COUNT), 80.0)
    for second in range(SECONDS):
        disturb(values[second], seed, np.full(beds, float(second)))
    return values


def run_lengths(flags):
    """Return the lengths of the runs of True along the first axis."""
    padded = np.pad(flags.astype(int), ((1, 1), (0, 0)))
    starts, ends = (np.nonzero(step == np.diff(padded, axis=0).T)[1] for step in (1, -1))
    return ends - starts


def test_sensors_fall_off_for_seconds_at_a_time():
    lengths = run_lengths(np.isnan(disturbed()[:, :, INDEX["spo2"]]))
    assert len(lengths) > 5
    assert lengths.max() <= GAP_S[1] + 1


def test_false_readings_are_short_and_mostly_impossible():
    values = disturbed()
    for sensor, columns in enumerate(SENSORS):
        false = values[:, :, columns[0]] == FALSE_READINGS[sensor][0]
        lengths = run_lengths(false)
        assert len(lengths) > 5
        assert lengths.max() <= ARTEFACT_S[1] + 1
    for column in (INDEX["hr"], INDEX["spo2"]):
        false = values[:, :, column][np.isfinite(values[:, :, column]) & (values[:, :, column] != 80.0)]
        assert ((false < PLAUSIBLE_LOW[column]) | (false > PLAUSIBLE_HIGH[column])).all()


def test_most_readings_are_left_alone():
    assert (disturbed()[:, :, INDEX["hr"]] == 80.0).mean() > 0.95


def test_what_goes_wrong_at_a_bed_does_not_depend_on_the_beds_beside_it():
    assert np.array_equal(disturbed()[:, :10], disturbed(beds=10), equal_nan=True)
