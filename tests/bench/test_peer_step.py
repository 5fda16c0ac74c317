"""The Python peers' step beside the reference, on random streams, with its state put away between frames."""

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from bench.peers.defaults import LIMITS, NEWS2
from bench.peers.reference import alerts
from bench.peers.spec import SIGNALS
from bench.peers.step import Patient, Step

values = st.one_of(
    st.sampled_from([None, 38, 49.9, 50, 55, 80, 89.9, 90, 92, 115, 115.1, 120, 120.1, 141, 251]),
    st.floats(0, 260, allow_nan=False),
)
frames = st.lists(
    st.tuples(st.integers(0, 6_000), st.dictionaries(st.sampled_from(SIGNALS), values)), max_size=60
)


@given(frames)
def test_the_step_does_the_reference_s_work_with_its_state_stored_between_frames(steps):
    now_ms, told, found, stored = 0, [], [], Patient().stored()
    step = Step(LIMITS, NEWS2)
    for wait_ms, signals in steps:
        now_ms += wait_ms
        frame = {"patient": "bed", "event_ts_ms": now_ms, **signals}
        told.append(frame)
        patient = Patient(*json.loads(json.dumps(stored)))
        found += step.take(patient, frame)
        stored = patient.stored()
    expected = [asdict(alert) for alert in alerts(LIMITS, NEWS2, told)]
    assert in_order(found) == in_order(expected)


def in_order(told):
    """Alerts of one frame are in no order of their own."""
    return sorted(told, key=lambda alert: (alert["event_ts_ms"], alert["rule"], alert["phase"]))


def test_every_frame_becomes_part_of_the_state():
    patient = Patient()
    Step(LIMITS, NEWS2).take(patient, {"patient": "bed", "event_ts_ms": 7, "hr": 80, "spo2": None})
    assert dict(zip(SIGNALS, patient.values, strict=True))["hr"] == 80
    assert patient.values_ms == [7] + [None] * 6


def test_a_patient_at_rest_has_no_run():
    patient, step = Patient(), Step(LIMITS, NEWS2)
    for second, hr in enumerate([80, 130, 130, 80, 80, 80, 80, 80, 80]):
        step.take(patient, {"patient": "bed", "event_ts_ms": second * 1000, "hr": hr})
        assert ("hr-high" in patient.runs) == (1 <= second < 8)
