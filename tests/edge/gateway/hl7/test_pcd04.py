"""PCD-04: the bedside's own alarms as flags and alerts."""

import asyncio
import json

import pytest
from hl7_alarms import ASYSTOLE, alarm, message
from hl7_world import DEVICE, PEER, SENDER, STAMP, STAMP_MS, Door, desk_of, said, taken

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7 import desk as desk_file
from edge.gateway.hl7.acks import answer
from streams.contracts.alert import Alert


def flags(*alarms, **other):
    return [
        {name: getattr(one.frame, name) for name in ("asystole", "apnoea", "vfib", "vtach", "abp_disconnect")
         if isinstance(getattr(one.frame, name), bool)}
        for one in taken(message(*alarms, **other)).readings
    ]  # fmt: skip


def alert(*alarms, **other):
    ((_, _, found),) = taken(message(*alarms, **other)).alerts
    return found


LOW = "196670^MDC_EVT_LO^MDC^^^^^^SpO2 low"
OXIMETER = "150456^MDC_PULS_OXIM_SAT_O2^MDC"


@pytest.mark.parametrize("phase", ["start", "continue", "update", "escalate", "tpoint"])
def test_an_alarm_whose_event_is_a_flag_sets_it_in_a_frame_of_the_device(phase):
    (reading,) = taken(message(alarm(ASYSTOLE, phase))).readings
    assert (reading.frame.device, reading.frame.event_ts_ms, reading.frame.asystole) == (
        DEVICE,
        STAMP_MS,
        True,
    )
    assert reading.frame.hr == float("-inf")


@pytest.mark.parametrize(
    ("phase", "state"), [("end", "inactive"), ("end", "active"), ("update", "inactive"), ("reset", "")]
)
def test_its_end_ends_the_flag(phase, state):
    assert flags(alarm(ASYSTOLE, phase, state)) == [{"asystole": False}]


def test_two_flags_of_one_moment_are_one_frame():
    found = flags(alarm(ASYSTOLE, path="1.1"), alarm("199680^MDC_EVT_APNEA^MDC", path="1.2"))
    assert found == [{"asystole": True, "apnoea": True}]


def test_a_disconnected_arterial_line_is_a_flag_and_another_disconnection_an_alert():
    event = "196960^MDC_EVT_MSMT_DISCONN^MDC"
    assert flags(alarm(event, source="150036^MDC_PRESS_BLD_ART_ABP^MDC")) == [{"abp_disconnect": True}]
    assert alert(alarm(event, source=OXIMETER)).event == "MDC_EVT_MSMT_DISCONN"


def test_any_other_alarm_is_an_alert_of_the_device():
    found = alert(alarm(LOW, source=OXIMETER, priority="PM", inactivation="alarm-paused"))
    assert (found.event, found.rule, found.source.kind) == ("MDC_EVT_LO", "device:MDC_EVT_LO", "device")
    assert (found.source.mdc, found.source.name, found.source.device) == (
        150456,
        "MDC_PULS_OXIM_SAT_O2",
        DEVICE,
    )
    assert (found.phase, found.state, found.priority, found.type) == (
        "start",
        "active",
        "medium",
        "physiological",
    )
    assert (found.inactivation, found.event_ts_ms) == ("alarm-paused", STAMP_MS)
    assert found.reason == "the device reports SpO2 low"


def test_the_messages_of_one_alarm_are_one_episode_with_ids_of_their_own():
    start = alert(alarm(LOW), order="77^MON")
    end = alert(alarm(LOW, "end", "inactive"), order="78^MON", parent="^77&MON", message_id="2")
    assert start.episode == end.episode
    assert start.id != end.id
    assert (end.phase, end.state) == ("end", "inactive")
    assert alert(alarm(LOW), order="79^MON").episode != start.episode


def test_the_same_message_is_the_same_alert_again():
    assert alert(alarm(LOW)) == alert(alarm(LOW))


def test_facets_are_also_known_by_older_codes_and_by_their_place():
    older = [
        line.replace("68481", "68165").replace("MDC_ATTR_EVENT_PHASE", "MDC_OLDER_NAME")
        for line in alarm(LOW, "end")
    ]
    assert alert(older).phase == "end"
    placed = [
        line.replace("68484^MDC_ATTR_ALARM_PRIORITY^MDC", "0^X^L") for line in alarm(LOW, priority="PH")
    ]
    assert alert(placed).priority == "high"


def test_an_event_that_is_the_observation_itself_with_text_as_its_value_is_read():
    line = f"OBX|1|ST|196650^MDC_EVT_HI_GT_LIM^MDC|1.0.0.0.1|PVC/min > 10||A~PM~SP|||F|||{STAMP}||||{DEVICE}"
    found = alert([line])
    assert (found.event, found.reason) == ("MDC_EVT_HI_GT_LIM", "the device reports PVC/min > 10")
    assert (found.priority, found.type) == ("low", "technical")
    marked = line.replace("PVC/min > 10||A~PM~SP", "PVC/min > 10|||A~PM~SP")
    assert (alert([marked]).priority, alert([marked]).type) == ("medium", "physiological")


@pytest.mark.parametrize("event", ["196614^MDC_EVT_ACTIVE^MDC", "258047^MDC_EVT_ACTIVE^MDC"])
def test_a_sign_of_life_is_accepted_and_stored_nowhere(event):
    found = taken(message(alarm(event)))
    assert (found.refusal, found.readings, found.alerts) == (None, [], [])
    line = f"OBX|1|ST|{event}|1.0.0.0.1|Heartbeat||||||F"
    assert taken(message([line])).refusal is None


def test_a_message_without_an_alarm_is_refused():
    assert taken(message(["OBX|1||69965^MDC_DEV^MDC|1.0.0.0|||||||X"])).refusal.reason == "no-alarm"


def test_a_device_that_cannot_be_told_is_refused():
    lines = [line.replace(f"{DEVICE}^MON", "M?N") for line in alarm(LOW)]
    assert taken(message(lines)).refusal.reason == "damaged-device"


def settle(desk, block_):
    one = desk.take(block_, PEER)
    return asyncio.run(desk.settle([one]))[0]


def test_an_alert_goes_to_the_alerts_under_whom_the_device_is_on_and_fits_the_contract():
    door = Door()
    assert said(settle(desk_of(door), message(alarm(LOW)))) == [("AA", "1")]
    ((topic, key, value),) = door.records
    found = Alert.model_validate_json(value)
    assert topic == "vitals.alerts"
    assert key.decode() == found.patient == json.loads(value)["patient"]
    assert found.patient.startswith("p-")


def test_a_sender_that_may_not_name_patients_files_its_alerts_under_the_device():
    door = Door()
    settle(desk_of(door, identify=lambda *_: Sender("mon", (DEVICE,))), message(alarm(LOW)))
    assert door.records[0][1] == f"~device/{DEVICE}".encode()


def test_an_alert_of_a_device_that_the_sender_may_not_send_for_is_refused():
    door = Door()
    reply = settle(desk_of(door, identify=lambda *_: Sender("mon", ("OTHER",))), message(alarm(LOW)))
    assert (said(reply), door.records) == ([("AE", "1")], [])


def test_an_answer_says_nothing_of_what_the_message_holds():
    found = taken(message(alarm(LOW)))
    reply = answer(found.header, Refusal("busy", "no room"), "message")
    assert all(word not in reply for word in (b"MRN1", b"Doe", b"SpO2"))
    assert SENDER.name.encode() not in reply


def test_an_alarm_is_not_filed_by_a_view_that_is_too_old(monkeypatch):
    monkeypatch.setattr(desk_file, "HOLD_STEP_S_MAX", 0.001)
    monkeypatch.setattr(desk_file, "HOLD_STEP_S_MIN", 0.001)
    door = Door()
    assert said(settle(desk_of(door, stale=2), message(alarm(LOW)))) == [("AA", "1")]
    assert len(door.records) == 1
    monkeypatch.setattr(desk_file, "HOLD_S_MAX", 0.02)
    assert said(settle(desk_of(door, stale=10**6), message(alarm(LOW)))) == [("AE", "1")]
    assert len(door.records) == 1, "filed under whoever had the device before"
