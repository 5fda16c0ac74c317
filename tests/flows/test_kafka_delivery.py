"""Delivery on Apache Kafka itself: two processes share the patients, one is killed, steps come on time all the same."""

from collections import Counter

import pytest
from delivery_flow import Hospital
from worker_flow import Ward, wait_until

from streams.contracts.deliveries import FINAL

WAIT_S = 18
"""Longer than a dead process's session, its rebalance and the recovery: every step is due after all that."""

PATIENTS = 40
LATE_MS_MAX = 5_000
"""For a machine that does ten other things: from an alert's record to its first delivery's, and from the moment at
which a step is due to the tick at which it is told. The delivery drill holds both to a second."""

pytestmark = pytest.mark.kafka


@pytest.fixture
def hospital(kafka, tmp_path):
    ward = Ward(kafka.bootstrap, tmp_path, partitions=4)
    yield Hospital(ward, tmp_path, WAIT_S)
    ward.close()


def test_steps_come_on_time_though_one_of_two_processes_is_killed(hospital):
    hospital.assign("~ward/north", "nurse", "n-1")
    patients = [f"bed-{number}" for number in range(PATIENTS)]
    for patient in patients:
        hospital.admit(patient, "north")
    first, second = hospital.start(), hospital.start()
    wait_until(
        lambda: [one.metric("vigil_delivery_partitions") for one in (first, second)] == [2, 2],
        "both with a share",
    )
    for patient in patients:
        hospital.alert(patient, f"e-{patient}")
    queued = {one.patient: one for one in hospital.wait_for(PATIENTS, "queued")}
    assert {one.recipient for one in queued.values()} == {"n-1"}
    assert max(hospital.first_send_ms()) <= LATE_MS_MAX
    first.kill()
    later = [one for one in hospital.wait_for(2 * PATIENTS, "queued") if one.step == 2]
    assert {one.patient for one in later} == set(patients)
    for one in later:
        due_ms = queued[one.patient].at_ts_ms + WAIT_S * 1000
        assert one.at_ts_ms == min(at_ms for at_ms in hospital.ticks(one.patient) if at_ms >= due_ms)
        assert one.at_ts_ms - due_ms <= LATE_MS_MAX
    for patient in patients:
        hospital.alert(patient, f"e-{patient}", 1, phase="end", state="inactive")
    wait_until(lambda: len(hospital.deliveries(*FINAL)) >= 2 * PATIENTS, "the end of every delivery")
    finals = Counter(one.id for one in hospital.deliveries(*FINAL))
    assert set(finals.values()) == {1}
    assert set(finals) == {one.id for one in hospital.deliveries("queued")}
    assert second.terminate() == 0
