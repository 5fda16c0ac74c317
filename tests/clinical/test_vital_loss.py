"""Signs of life that are lost together: which, how close together, and since when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.limits import NEVER
from clinical.vital_loss import TOGETHER_MS, lost_since, vital_loss_since

T0 = 1_000_000


def since(pulse, spo2, hr, resp):
    found = vital_loss_since(np.array([[pulse, spo2]]), np.array([[hr, resp]]))
    return int(found[0])


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ((T0, T0, T0, NEVER), T0),
        ((T0, T0, NEVER, T0), T0),
        ((T0, T0 + 5_000, T0 + 30_000, NEVER), T0 + 30_000),
        ((T0 + 30_000, T0, NEVER, T0 + 1), T0 + 30_000),
        ((T0, T0, T0 + 20_000, T0 + 9_000), T0 + 9_000),
        ((T0, T0, T0 - 3_600_000, T0), T0),  # the electrodes have been off for an hour
    ],
)
def test_pulse_saturation_and_one_of_heart_rate_and_respiration_are_lost_when_the_third_is(lost, expected):
    assert since(*lost) == expected


@pytest.mark.parametrize(
    "lost",
    [
        (NEVER, NEVER, NEVER, NEVER),
        (T0, T0, NEVER, NEVER),  # the probe is off
        (NEVER, T0, T0, T0),
        (T0, NEVER, T0, T0),
        (NEVER, NEVER, T0, T0),  # the electrodes are off
        (T0, T0, T0 + TOGETHER_MS + 1, NEVER),
        (T0, T0 + 60_000, T0 + 120_000, T0 + 180_000),  # taken off one after the other
    ],
)
def test_less_than_that_or_one_after_the_other_is_no_loss_of_vital_signs(lost):
    assert since(*lost) == NEVER


times = st.lists(st.sampled_from((NEVER, 0, 9_000, 30_000, 30_001, 45_000, 75_000)), min_size=4, max_size=4)


@given(patients=st.lists(times, min_size=1, max_size=5))
def test_every_patient_is_judged_alone_and_by_the_words_of_the_rule(patients):
    lost = np.array(patients)
    found = vital_loss_since(lost[:, :2], lost[:, 2:]).tolist()
    for (pulse, spo2, *drive), one in zip(patients, found, strict=True):
        thirds = [t for t in drive if NEVER not in (pulse, spo2, t)]
        together = [
            max(pulse, spo2, t) for t in thirds if max(pulse, spo2, t) - min(pulse, spo2, t) <= TOGETHER_MS
        ]
        assert one == min(together, default=NEVER)


@pytest.mark.parametrize(
    ("heard_s", "lost_s", "value_s", "expected_s"),
    [
        (110, 100, 99, 100),  # ten seconds of nulls
        (109, 100, 99, None),
        (110, None, 100, 100),  # ten seconds of frames that do not carry it
        (100, None, 100, None),  # the device is silent since then
        (100, 100, 99, None),
        (110, 100, None, None),  # never measured
        (699, None, 100, 100),
        (700, None, 100, None),  # taken off
        (4_000, 100, 99, 100),  # attached without a reading, however long
    ],
)
def test_a_signal_is_lost_as_far_as_its_device_says(heard_s, lost_s, value_s, expected_s):
    lost, value = (np.array([[NEVER if s is None else s * 1000]]) for s in (lost_s, value_s))
    found = lost_since(np.array([[heard_s * 1000]]), lost, value, np.array([10_000]))
    assert found[0, 0] == (NEVER if expected_s is None else expected_s * 1000)
