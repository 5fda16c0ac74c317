"""FHIR that a board answers: last values, alarms and their evidence, as models of R4 and R5 read them."""

import itertools
import json
from urllib.parse import quote

import msgspec
import pytest
from board_world import open_alarm
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.capabilitystatement import CapabilityStatement as CapabilityR5
from fhir.resources.flag import Flag as FlagR5
from fhir.resources.observation import Observation as ObservationR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.capabilitystatement import CapabilityStatement as CapabilityR4
from fhir.resources.R4B.flag import Flag as FlagR4
from fhir.resources.R4B.observation import Observation as ObservationR4
from fhir.resources.R4B.subscriptiontopic import SubscriptionTopic as TopicR4B
from fhir.resources.subscriptiontopic import SubscriptionTopic as TopicR5
from fhir_of_board import NOW_MS, a_world, alarmed, asked, resources, values

from clinical.vitals import FLAGS, SIGNALS
from edge.board.fhir_capability import board_capability
from edge.fhir.alarm_flags import FLAG_DETAIL, FLAG_PRIORITY
from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_readings import seen_in
from edge.gateway.fhir.resources import Observation
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.alert import Evidence
from streams.contracts.patient_state import LastValue

pytestmark = pytest.mark.usefixtures("stopped_clock")
MODELS = {
    "4.0": {
        "Bundle": BundleR4,
        "Observation": ObservationR4,
        "Flag": FlagR4,
        "CapabilityStatement": CapabilityR4,
    },
    "5.0": {
        "Bundle": BundleR5,
        "Observation": ObservationR5,
        "Flag": FlagR5,
        "CapabilityStatement": CapabilityR5,
    },
}


@pytest.mark.parametrize("version", ["4.0", "5.0"])
def test_every_signal_and_alarm_is_a_valid_resource_of_either_version(version):
    world = a_world()
    every = {signal.name: LastValue(value=1.0, ts_ms=NOW_MS - 1_000) for signal in SIGNALS}
    world.show("bed-1", values=every)
    world.show(
        "~device/mon-9", values=values(hr=0), alarms=[open_alarm("e9", signal="hr", value=9.0, unit="/min")]
    )
    alarmed(world)
    accept = {"Accept": f"application/fhir+json; fhirVersion={version}"}
    for path in ("Observation", "Flag?_include=Flag:detail", "metadata"):
        status, found, headers = asked(world, f"/fhir/{path}", **accept)
        assert status == 200
        assert headers["Content-Type"] == f"application/fhir+json; fhirVersion={version}; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        MODELS[version][found["resourceType"]].model_validate(found)
        for entry in found.get("entry", ()):
            resource = entry["resource"]
            MODELS[version][resource["resourceType"]].model_validate(resource)
        assert path != "Observation" or len(found["entry"]) == len(SIGNALS) + 3


def test_what_the_board_says_of_a_value_the_gateway_reads_as_the_same_signal_and_value():
    world = a_world()
    every = {signal.name: LastValue(value=20.0, ts_ms=NOW_MS) for signal in SIGNALS[:13]}
    every |= {
        signal.name: LastValue(value=1.0, ts_ms=NOW_MS)
        for signal in SIGNALS[13:]
        if signal.name not in ("on_oxygen", "abp_disconnect")  # have no code of others
    }
    world.show("bed-1", values=every)
    _, found, _ = asked(world, "/fhir/Observation?patient=bed-1")
    read = {}
    for resource in resources(found):
        sent = resource | {"device": {"identifier": {"value": "mon-1"}}}
        seen = seen_in(msgspec.json.decode(json.dumps(sent), type=Observation), "", Pseudonyms(b"key"))
        assert not isinstance(seen, Refusal), resource
        assert (seen.patient, seen.faults) == ("bed-1", [])
        read |= {said.signal: said.value for said in seen.said}
    told = {name: True if name in FLAGS else one.value for name, one in every.items()}
    assert read == told | {"consciousness": "C"}


@pytest.mark.parametrize(
    ("code", "signals"),
    [
        ("http://loinc.org|8867-4", {"hr", "pulse"}),
        ("8867-4", {"hr", "pulse"}),
        ("urn:iso:std:iso:11073:10101|147842", {"hr"}),
        ("urn:iso:std:iso:11073:10101|MDC_PULS_OXIM_SAT_O2", {"spo2"}),
        ("2708-6,9279-1", {"spo2", "resp"}),
    ],
)
def test_a_code_finds_what_it_means_where_readings_come_in(code, signals):
    world = a_world()
    world.show("bed-1", values=values(hr=0, pulse=0, spo2=0, resp=0))
    alarmed(world)
    _, found, _ = asked(world, f"/fhir/Observation?patient=bed-1&code={quote(code)}")
    titles = {signal.title: signal.name for signal in SIGNALS}
    assert {titles[one["code"]["text"]] for one in resources(found)} == signals


def test_a_value_that_is_too_old_is_no_value_and_says_which_one_was_the_last():
    world = a_world()
    world.show("bed-1", values=values(spo2=60_001, hr=60_000, temp=3_000_000))
    _, found, _ = asked(world, "/fhir/Observation?patient=bed-1")
    hr, spo2, temp = resources(found)
    assert hr["valueQuantity"]["value"] == temp["valueQuantity"]["value"] == 97.0
    assert "valueQuantity" not in spo2
    assert spo2["dataAbsentReason"]["coding"][0]["code"] == "temp-unknown"
    assert "97 %" in spo2["note"][0]["text"]
    assert spo2["effectiveDateTime"] == "2026-03-01T10:58:59.999Z"


def test_an_open_alarm_is_an_active_flag_with_its_priority_and_its_evidence_with_limit_and_citation():
    world = a_world()
    world.show("bed-1")
    alarmed(world)
    status, found, _ = asked(world, "/fhir/Flag?patient=bed-1&status=active&_include=Flag:detail")
    (flag,), (evidence,) = resources(found), resources(found, "include")
    assert (status, flag["id"], flag["status"]) == (200, "e1", "active")
    extensions = {one["url"]: one for one in flag["extension"]}
    assert extensions[FLAG_PRIORITY]["valueCodeableConcept"]["coding"][0]["code"] == "PM"
    assert extensions[FLAG_DETAIL]["valueReference"]["reference"] == f"Observation/{evidence['id']}"
    assert extensions["urn:vigil:alarm-state"]["valueCode"] == "active"
    assert flag["code"]["coding"][0] == {"system": "urn:iso:std:iso:11073:10101", "code": "MDC_EVT_LO"}
    assert flag["period"] == {"start": "2026-03-01T10:59:00.000Z"}
    value = evidence["component"][0]
    assert value["valueQuantity"]["value"] == 84.0
    assert value["referenceRange"][0]["low"]["value"] == 90.0
    assert "Contec" in evidence["note"][0]["text"]
    assert evidence["device"]["identifier"]["value"] == "mon-1"


def test_an_alarm_that_is_over_is_inactive_with_its_end_and_one_that_somebody_knows_of_is_active():
    world = a_world()
    world.show("bed-1")
    alarmed(world)
    alarmed(world, id="e1-1", phase="end", state="inactive", event_ts_ms=NOW_MS, append_ts_ms=NOW_MS)
    alarmed(world, id="e2-0", episode="e2", inactivation="alert-acknowledged")
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    over, known = resources(found)
    assert (over["status"], over["period"]["end"]) == ("inactive", "2026-03-01T11:00:00.000Z")
    assert known["status"] == "active"
    assert {"url": "urn:vigil:alarm-state", "valueCode": "acknowledged"} in known["extension"]
    _, active, _ = asked(world, "/fhir/Flag?patient=bed-1&status=active")
    assert [one["id"] for one in resources(active)] == ["e2"]
    _, changed, _ = asked(world, "/fhir/Flag?_lastUpdated=gt2026-03-01T10:59:30Z")
    assert [one["id"] for one in resources(changed)] == ["e1"]


@pytest.mark.parametrize("is_start_known", [True, False])
def test_the_value_that_ended_an_alarm_is_not_its_evidence(is_start_known):
    world = a_world()
    world.show("bed-1")
    if is_start_known:
        alarmed(world)
    alarmed(
        world, id="e1-1", phase="end", state="inactive", evidence=Evidence(value=95.0, low=90.0, extreme=82.0)
    )
    _, evidence, _ = asked(world, "/fhir/Observation/e1-evidence")
    value, worst, *_ = evidence["component"]
    assert value.get("valueQuantity", {}).get("value") == (84.0 if is_start_known else None)
    assert worst["valueQuantity"]["value"] == 82.0


def test_an_alarm_that_has_been_over_for_a_day_is_told_of_no_more_and_one_that_is_open_is():
    day_ms = 86_400_000
    world = a_world()
    for episode, over_ms in (("e1", NOW_MS - day_ms - 1), ("e2", NOW_MS - day_ms), ("e3", None)):
        usual = {"episode": episode, "append_ts_ms": NOW_MS - 3 * day_ms}
        alarmed(world, id=f"{episode}-0", **usual)
        if over_ms is not None:
            end = {"phase": "end", "state": "inactive", "append_ts_ms": over_ms}
            alarmed(world, id=f"{episode}-1", **usual | end)
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    assert [(one["id"], one["status"]) for one in resources(found)] == [("e2", "inactive"), ("e3", "active")]
    assert [asked(world, f"/fhir/Flag/{name}")[0] for name in ("e1", "e2", "e3")] == [404, 200, 200]
    _, found, _ = asked(world, "/fhir/Observation?category=alarm-evidence")
    assert [one["id"] for one in resources(found)] == ["e2-evidence", "e3-evidence"]


def test_an_alarm_that_only_the_patients_record_names_has_the_numbers_that_stand_there():
    world = a_world()
    alarm = open_alarm("e7", signal="spo2", value=81.0, low=90.0, unit="%", reason="oxygen saturation 81 %")
    world.show("bed-1", alarms=[alarm], judged_ms=NOW_MS)
    _, found, _ = asked(world, "/fhir/Observation?patient=bed-1&category=alarm-evidence")
    (evidence,) = resources(found)
    assert evidence["id"] == "e7-evidence"
    assert evidence["component"][0]["valueQuantity"]["value"] == 81.0
    _, flag, _ = asked(world, "/fhir/Flag/e7")
    assert flag["status"] == "active"
    assert asked(world, "/fhir/Observation/e7-evidence")[1] == evidence


def test_an_alarm_that_no_word_names_any_more_is_over_though_its_end_was_never_told():
    world = a_world()
    alarmed(world)
    world.show("bed-1", judged_ms=NOW_MS)
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    (over,) = resources(found)
    assert (over["status"], "end" in over["period"]) == ("inactive", False)


def test_the_topic_of_alarms_is_published_at_its_canonical_url():
    status, found, _ = asked(a_world(), "/fhir/SubscriptionTopic/alarms")
    assert status == 200
    assert found["url"].endswith("/fhir/SubscriptionTopic/alarms")
    TopicR5.model_validate(found)
    TopicR4B.model_validate(found)
    assert found["url"] in json.dumps(board_capability(found["url"].partition("/Subsc")[0], "4.0"))
    assert asked(a_world(), "/fhir/SubscriptionTopic/other")[0] == 404


@pytest.mark.parametrize("version", ["4.0", "5.0"])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_bound_in_place_of_a_value_has_its_comparator_and_is_never_a_value(version, is_told):
    world = a_world()
    if is_told:
        world.show("bed-1")
        alarmed(world, evidence=Evidence(low=90.0, bound="<80"))
    else:
        alarm = open_alarm("e1", signal="spo2", low=90.0, unit="%", bound="<80")
        world.show("bed-1", alarms=[alarm], judged_ms=NOW_MS)
    accept = {"Accept": f"application/fhir+json; fhirVersion={version}"}
    _, evidence, _ = asked(world, "/fhir/Observation/e1-evidence", **accept)
    MODELS[version]["Observation"].model_validate(evidence)
    value, worst = evidence["component"][0], evidence["component"][1]
    assert (value["valueQuantity"]["comparator"], value["valueQuantity"]["value"]) == ("<", 80.0)
    assert value["valueQuantity"] == worst["valueQuantity"]
    assert value["referenceRange"][0]["low"]["value"] == 90.0


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::4])
def test_evidence_is_the_newest_bound_or_value_since_when_it_is_known_in_whatever_order_events_come(order):
    said = [
        {"evidence": Evidence(low=90.0, bound="<85")},
        {"evidence": Evidence(value=88.0, low=90.0, bound="<85"), "phase": "deescalate"},
        {"evidence": Evidence(low=90.0, bound="<80"), "phase": "escalate"},
        {"evidence": Evidence(low=90.0, bound="<80"), "acknowledged_by": "n1", "phase": "update"},
    ]
    world = a_world()
    world.show("bed-1")
    for number in order:
        alarmed(world, id=f"e1-{number}", event_ts_ms=NOW_MS - 45_000 + number * 1_000, **said[number])
    (shown,) = world.live.state.bed("bed-1")["alarms"]
    assert (shown["value"], shown["bound"]) == (None, "<80")
    _, evidence, _ = asked(world, "/fhir/Observation/e1-evidence")
    assert evidence["component"][0]["valueQuantity"] | {"unit": "%"} == {
        "value": 80.0,
        "comparator": "<",
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    }
    assert evidence["effectiveDateTime"] == "2026-03-01T10:59:17.000Z"


@pytest.mark.parametrize("bound", ["80", "<", "<~80", "<nan", "<1e999", "<=-", "<80 %"])
def test_what_is_no_bound_is_the_absence_of_a_value(bound):
    world = a_world()
    world.show("bed-1")
    alarmed(world, evidence=Evidence(low=90.0, bound=bound))
    status, evidence, _ = asked(world, "/fhir/Observation/e1-evidence")
    assert (status, len(evidence["component"])) == (200, 1)
    assert "valueQuantity" not in evidence["component"][0]
    assert evidence["component"][0]["dataAbsentReason"]
