"""FHIR that a board answers: last values, alarms and their evidence, as models of R4 and R5 read them."""

import asyncio
import json
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from alert_of import alert_of
from board_world import World, open_alarm
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
from prometheus_client import CollectorRegistry

from clinical.vitals import FLAGS, SIGNALS
from edge.board import fhir_routes
from edge.board.board_access import doors_of
from edge.board.fhir_capability import board_capability
from edge.fhir.alarm_flags import FLAG_DETAIL, FLAG_PRIORITY
from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_readings import seen_in
from edge.gateway.fhir.outcomes import ISSUE_CODES
from edge.gateway.fhir.resources import Observation
from edge.gateway.pseudonym import Pseudonyms
from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from streams.config.settings import Settings
from streams.contracts.alert import Evidence, Source
from streams.contracts.patient_state import Heartbeat, LastValue
from streams.contracts.people import Person

NOW_MS = 1_772_362_800_000
NURSE_OF_A = Person(id="n1", role="nurse", wards=("a",))
ADMINISTRATOR = Person(id="root", role="administrator", wards=("*",))
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


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    monkeypatch.setattr(fhir_routes, "_now_ms", lambda: NOW_MS)


def a_world(**options):
    """Return a board of two partitions that are judged now."""
    world = World(**options)
    for partition in range(2):
        beat = {"partition": partition, "judged_ts_ms": NOW_MS - 500}
        world.intake.live.state.take_beat(beat_of_now(**beat))
    return world


def beat_of_now(**said):
    usual = {"worker": "w", "sent_ts_ms": NOW_MS, "lag": 0, "open_alarms": 0, "waiting_s": 0.0}
    return Heartbeat(**usual | said)


def asked(world, path, ready=True, **headers):
    """Return status, body and headers of the answer to a GET."""

    async def run():
        async with (
            world.running(ready),
            aiohttp.ClientSession() as session,
            session.get(world.url + path, headers=headers) as answer,
        ):
            return answer.status, json.loads(await answer.read()), answer.headers

    return asyncio.run(asyncio.wait_for(run(), 30))


def resources(bundle, mode="match"):
    return [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]


def values(**ms_ago):
    """Return last values of 97, by signal and age, ms."""
    return {name: LastValue(value=97.0, ts_ms=NOW_MS - age_ms) for name, age_ms in ms_ago.items()}


def alarmed(world, **said):
    """Let an alarm of `bed-1` begin."""
    usual = {
        "source": Source(kind="signal", name="spo2", unit="%", device="mon-1"),
        "evidence": Evidence(value=84.0, low=90.0, extreme=82.0, delay_s=15.0),
        "onset_ts_ms": NOW_MS - 60_000,
        "event_ts_ms": NOW_MS - 45_000,
        "append_ts_ms": NOW_MS - 44_000,
    }
    world.say("alerts", 0, said.get("patient", "bed-1"), alert_of(**usual | said))


def reason_of(outcome):
    assert outcome["resourceType"] == "OperationOutcome"
    reason = outcome["issue"][0]["details"]["coding"][0]["code"]
    assert reason in ISSUE_CODES or reason in ("forbidden", "busy")
    return reason


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


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Observation?subject=bed-1", "parameter"),
        ("Observation?patient=bed-1&device=mon-1", "parameter"),
        ("Observation?patient:missing=true", "parameter"),
        ("Observation?_sort=date", "parameter"),
        ("Flag?code=MDC_EVT_LO", "parameter"),
        ("Flag?patient=bed-1&patient=bed-2", "parameter-value"),
        ("Flag?patient=bed-1&patient:identifier=urn:vigil:stream|bed-1", "parameter-value"),
        ("Flag?patient:identifier=urn:other|bed-1", "parameter-value"),
        ("Flag?patient=", "parameter-value"),
        ("Flag?status=open", "parameter-value"),
        ("Flag?_include=Flag:patient", "parameter-value"),
        ("Observation?code=1-8", "parameter-value"),
        ("Observation?code=http://snomed.info/sct|8867-4", "parameter-value"),
        ("Observation?date=2026-03-01", "parameter-value"),
        ("Observation?date=ne2026-03-01T00:00:00Z", "parameter-value"),
        ("Observation?_count=0", "parameter-value"),
        ("Observation?_format=xml", "parameter-value"),
        ("Observation?_after=x", "parameter-value"),
        (f"Observation?code={'1' * 3_000}", "parameter-value"),
        ("Flag/e1?_elements=status", "parameter"),
        ("SubscriptionTopic?status=active", "parameter"),
    ],
)
def test_what_is_not_understood_is_refused_and_never_left_out(path, reason):
    world = a_world()
    world.show("bed-1")
    alarmed(world)
    status, found, _ = asked(world, f"/fhir/{path}")
    assert (status, reason_of(found)) == (400, reason)


def test_a_patient_whom_nobody_knows_or_may_see_is_refused_and_looks_like_no_all_clear():
    world = a_world(person=NURSE_OF_A)
    world.show("bed-1", ward="a")
    world.show("bed-2", ward="b")
    alarmed(world, patient="bed-2")
    for path in (
        "Flag?patient=bed-2",
        "Flag?patient=nobody",
        "Flag?patient=bed-1,bed-2",
        "Flag/e1",
        "Flag/none",
    ):
        status, found, _ = asked(world, f"/fhir/{path}")
        assert (status, reason_of(found)) == (404, "not-found")
    status, found, _ = asked(world, "/fhir/Flag?patient:identifier=urn:vigil:stream|bed-1")
    assert (status, resources(found)) == (200, [])
    seen = [(said[1], said[2], said[4]) for said in world.audited]
    assert ("view", "bed-2", "refused") in seen
    assert ("view", "bed-1", "granted") in seen


def test_a_list_holds_the_own_wards_and_who_may_view_nothing_gets_none():
    world = a_world(person=NURSE_OF_A)
    world.show("bed-1", ward="a", values=values(hr=0))
    world.show("bed-2", ward="b", values=values(hr=0))
    alarmed(world, patient="bed-2")
    alarmed(world, patient="~partition/0", id="e3-0", episode="e3", type="technical")
    _, found, _ = asked(world, "/fhir/Observation")
    assert {one["subject"]["identifier"]["value"] for one in resources(found)} == {"bed-1"}
    _, flags, _ = asked(world, "/fhir/Flag")
    assert [one["id"] for one in resources(flags)] == ["e3"]  # of the alarm system itself: shown to everybody
    world.person = ADMINISTRATOR
    status, refused, _ = asked(world, "/fhir/Flag")
    assert (status, reason_of(refused)) == (403, "forbidden")


def test_pages_name_each_resource_once_whatever_their_size():
    world = a_world()
    for number in range(4):
        world.show(f"bed-{number}", values=values(hr=0, spo2=0, temp=0))
    alarmed(world, patient="bed-2")

    async def run(count):
        async with world.running(), aiohttp.ClientSession() as session:
            url, found, pages = f"{world.url}/fhir/Observation?_count={count}", [], 0
            while url:
                async with session.get(url) as answer:
                    page = await answer.json(content_type=None)
                assert len(page["entry"]) <= count
                found += [entry["resource"]["id"] for entry in page["entry"]]
                links, pages = {link["relation"]: link["url"] for link in page["link"]}, pages + 1
                url = links.get("next")
        return found, pages

    whole, pages = asyncio.run(asyncio.wait_for(run(200), 30))
    assert (len(whole), len(set(whole)), pages) == (13, 13, 1)
    for count in (1, 3, 5, 13):
        assert asyncio.run(asyncio.wait_for(run(count), 30)) == (whole, -(-13 // count))


def test_an_alarm_that_no_word_names_any_more_is_over_though_its_end_was_never_told():
    world = a_world()
    alarmed(world)
    world.show("bed-1", judged_ms=NOW_MS)
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    (over,) = resources(found)
    assert (over["status"], "end" in over["period"]) == ("inactive", False)


def test_what_is_not_judged_now_is_said_in_the_answer():
    world = a_world()
    world.show("bed-1", partition=1)
    world.intake.live.state.judged[1] = NOW_MS - 15_001
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    assert resources(found) == []
    (outcome,) = resources(found, "outcome")
    assert reason_of(outcome) == "not-judged"
    assert outcome["issue"][0]["severity"] == "warning"
    world.intake.live.state.judged[1] = NOW_MS - 15_000
    assert "entry" not in asked(world, "/fhir/Flag?patient=bed-1")[1]


def test_a_board_that_is_still_reading_says_so():
    status, found, headers = asked(a_world(), "/fhir/Flag", ready=False)
    assert (status, reason_of(found), headers["Retry-After"]) == (503, "busy", "2")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/fhir+xml, application/fhir+json;fhirVersion=5.0;q=0.5", 200),
        ("application/fhir+json; fhirVersion=3.0, application/fhir+json", 200),
        ("application/fhir+xml", 406),
        ("application/fhir+json; fhirVersion=3.0", 406),
        ("application/fhir+json;q=0", 406),
    ],
)
def test_a_version_or_form_that_is_not_written_here_is_refused(accept, status):
    found = asked(a_world(), "/fhir/Flag", Accept=accept)
    assert found[0] == status
    assert status == 200 or reason_of(found[1]) == "fhir-version"


def test_the_topic_of_alarms_is_published_at_its_canonical_url():
    status, found, _ = asked(a_world(), "/fhir/SubscriptionTopic/alarms")
    assert status == 200
    assert found["url"].endswith("/fhir/SubscriptionTopic/alarms")
    TopicR5.model_validate(found)
    TopicR4B.model_validate(found)
    assert found["url"] in json.dumps(board_capability(found["url"].partition("/Subsc")[0], "4.0"))
    assert asked(a_world(), "/fhir/SubscriptionTopic/other")[0] == 404


def test_a_program_reads_with_its_token_and_nobody_without(tmp_path):
    path = tmp_path / "accounts.toml"
    key, kept = new_token("emr")
    save_accounts(
        path, Accounts(accounts={"emr": Account(role="viewer", wards=("a",), tokens={"fhir": kept})})
    )
    world = a_world(doors=doors_of(Settings(accounts=path, board_port=0), CollectorRegistry()))
    world.show("bed-1", ward="a", values=values(hr=0))
    world.show("bed-2", ward="b", values=values(hr=0))
    assert asked(world, "/fhir/Observation")[0] == 401
    _, found, _ = asked(world, "/fhir/Observation", Authorization=f"Bearer {key}")
    assert {one["subject"]["identifier"]["value"] for one in resources(found)} == {"bed-1"}
