"""Delivery on a broker: an alarm is queued, escalated and accepted; a restart in between changes nothing."""

import pytest
from delivery_flow import WAIT_S, Hospital
from worker_flow import wait_until


@pytest.fixture
def hospital(make_ward, tmp_path):
    return Hospital(make_ward(), tmp_path)


def test_an_alarm_is_queued_escalated_and_accepted(hospital):
    hospital.assign("~ward/north", "nurse", "n-1")
    hospital.admit("bed-1", "north")
    worker = hospital.start_ready()
    hospital.alert("bed-1", "e1")
    (queued,) = hospital.wait_for(1, "queued")
    assert (queued.recipient, queued.channel, queued.ward, queued.step) == ("n-1", "pager", "north", 1)
    hospital.mark(queued, "taken")
    _, second = hospital.wait_for(2, "queued")
    assert (second.recipient, second.step) == ("desk", 2)
    due_ms = queued.at_ts_ms + WAIT_S * 1000
    assert second.at_ts_ms == min(at_ms for at_ms in hospital.ticks("bed-1") if at_ms >= due_ms)
    hospital.alert("bed-1", "e1", 1, acknowledged_by="n-1", inactivation="alert-acknowledged")
    ended = hospital.wait_for(2, "undefined", "accepted")
    assert [(one.recipient, one.milestone) for one in ended] == [("n-1", "undefined"), ("desk", "accepted")]
    wait_until(lambda: worker.metric("vigil_deliveries_total", milestone="accepted") == 1, "what is counted")
    assert worker.metric("vigil_delivery_taken_seconds_count") == 1
    wait_until(lambda: worker.metric("vigil_deliveries_open") == 0, "what is open")
    assert worker.terminate() == 0


def test_a_restart_in_between_escalates_once_and_on_time(hospital):
    hospital.assign("bed-1", "nurse", "n-1")
    first = hospital.start_ready()
    hospital.alert("bed-1", "e1")
    (queued,) = hospital.wait_for(1, "queued")
    hospital.mark(queued, "taken")
    assert first.terminate() == 0
    second = hospital.start_ready()
    _, told = hospital.wait_for(2, "queued")
    assert told.recipient == "desk"
    assert told.at_ts_ms - queued.at_ts_ms >= WAIT_S * 1000
    hospital.alert("bed-1", "e1", 1, phase="end", state="inactive")
    hospital.wait_for(2, "undefined", "expired")
    assert second.terminate() == 0
    assert len({one.id for one in hospital.deliveries("queued")}) == len(hospital.deliveries("queued")) == 2
    assert len(hospital.finals()) == 2
