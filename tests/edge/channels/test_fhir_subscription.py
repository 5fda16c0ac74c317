"""The FHIR subscriber against a receiver that misbehaves: what it is sent, as models of R4 and R5 read it."""

import asyncio
import time

import pytest
from channel_peers import ANSWERS, page_of, receiving
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.flag import Flag as FlagR5
from fhir.resources.observation import Observation as ObservationR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.flag import Flag as FlagR4
from fhir.resources.R4B.observation import Observation as ObservationR4
from fhir.resources.R4B.parameters import Parameters
from fhir.resources.subscriptionstatus import SubscriptionStatus

from edge.channels import fhir_subscription
from edge.channels.fhir_subscription import FhirSubscription, FhirSubscriptionOptions
from edge.channels.page import Retry, Sent, Why
from edge.fhir.alarm_topic import topic_url
from streams.contracts.alert import Evidence, Source

BASE = "https://board.example/fhir"
MODELS = {
    "R4": {"Bundle": BundleR4, "Parameters": Parameters, "Flag": FlagR4, "Observation": ObservationR4},
    "R5": {
        "Bundle": BundleR5,
        "SubscriptionStatus": SubscriptionStatus,
        "Flag": FlagR5,
        "Observation": ObservationR5,
    },
}
LOW = {
    "source": Source(kind="signal", name="spo2", unit="%", device="mon-1"),
    "evidence": Evidence(value=84.0, low=90.0, delay_s=15.0),
    "onset_ts_ms": 1_760_000_000_000,
    "event_ts_ms": 1_760_000_015_000,
    "append_ts_ms": 1_760_000_015_100,
}


def a_channel(url, **options):
    return FhirSubscription(FhirSubscriptionOptions(url=url, base=BASE, **options))


def sent(*pages, answers=(200,), deadline_s=2.0, **options):
    """Return the outcomes of sending pages one after another, and the receiver."""

    async def run():
        async with receiving(*answers) as receiver:
            channel = a_channel(receiver.url, **options)
            try:
                found = [await channel.send(page, 1, deadline_s) for page in pages]
            finally:
                await channel.close()
        return found, receiver

    return asyncio.run(run())


def status_of(bundle):
    """Return what a notification says of its subscription, by R5's names, whatever its version."""
    first = bundle["entry"][0]["resource"]
    if first["resourceType"] == "SubscriptionStatus":
        event = (first.get("notificationEvent") or [{}])[0]
        return {
            "type": first["type"],
            "status": first["status"],
            "topic": first["topic"],
            "subscription": first["subscription"]["reference"],
            "events": first["eventsSinceSubscriptionStart"],
            "number": event.get("eventNumber"),
            "focus": event.get("focus", {}).get("reference"),
            "context": [one["reference"] for one in event.get("additionalContext", ())],
        }
    said = {one["name"]: one for one in first["parameter"]}
    event = {one["name"]: one for one in said.get("notification-event", {}).get("part", ())}
    return {
        "type": said["type"]["valueCode"],
        "status": said["status"]["valueCode"],
        "topic": said["topic"]["valueCanonical"],
        "subscription": said["subscription"]["valueReference"]["reference"],
        "events": said["events-since-subscription-start"]["valueString"],
        "number": event["event-number"]["valueString"] if event else None,
        "focus": event["focus"]["valueReference"]["reference"] if event else None,
        "context": [event["additional-context"]["valueReference"]["reference"]]
        if "additional-context" in event
        else [],
    }


@pytest.mark.parametrize("version", ["R4", "R5"])
def test_a_notification_is_a_valid_bundle_with_the_flag_and_its_evidence(version):
    (outcome,), receiver = sent(page_of(**LOW), fhir=version)
    assert isinstance(outcome, Sent)
    assert outcome.further is None  # that it was taken says nothing of anybody who has seen it
    (bundle,) = receiver.bodies()
    number = {"R4": "4.0", "R5": "5.0"}[version]
    assert (
        receiver.got[0][0].headers["Content-Type"].startswith(f"application/fhir+json; fhirVersion={number}")
    )
    assert bundle["type"] == {"R4": "history", "R5": "subscription-notification"}[version]
    MODELS[version]["Bundle"].model_validate(bundle)
    for entry in bundle["entry"]:
        MODELS[version][entry["resource"]["resourceType"]].model_validate(entry["resource"])
        assert version == "R5" or {"request", "response"} <= entry.keys()
    _, flag, evidence = (entry["resource"] for entry in bundle["entry"])
    assert (flag["id"], flag["status"]) == ("e1", "active")
    assert evidence["component"][0]["valueQuantity"]["value"] == 84.0
    assert evidence["component"][0]["referenceRange"][0]["low"]["value"] == 90.0
    said = status_of(bundle)
    assert said["topic"] == topic_url(BASE) == f"{BASE}/SubscriptionTopic/alarms"
    assert said["subscription"] == f"{BASE}/Subscription/vigil"
    assert (said["type"], said["status"], said["number"]) == ("event-notification", "active", said["events"])
    assert [said["focus"], *said["context"]] == [entry["fullUrl"] for entry in bundle["entry"][1:]]


@pytest.mark.parametrize("version", ["R4", "R5"])
def test_without_resources_a_notification_only_says_where_they_are(version):
    _, receiver = sent(page_of(**LOW), fhir=version, content="id-only")
    (bundle,) = receiver.bodies()
    MODELS[version]["Bundle"].model_validate(bundle)
    assert len(bundle["entry"]) == 1
    assert status_of(bundle)["focus"] == f"{BASE}/Flag/e1"
    assert all(name not in receiver.got[0][1].decode() for name in ("bed-1", "valueQuantity", "spo2"))


def test_an_alarm_is_told_from_its_start_to_its_end():
    pages = [
        page_of(**LOW),
        page_of(
            "acknowledge", page_id="d1.1", id="e1-1", inactivation="alert-acknowledged", acknowledged_by="n1"
        ),
        page_of(
            "end", page_id="d1.2", id="e1-2", phase="end", state="inactive", evidence=Evidence(value=95.0)
        ),
    ]
    _, receiver = sent(*pages)
    bundles = receiver.bodies()
    flags = [bundle["entry"][1]["resource"] for bundle in bundles]
    assert [flag["status"] for flag in flags] == ["active", "active", "inactive"]
    states = [flag["extension"][2]["valueCode"] for flag in flags]
    assert states == ["active", "acknowledged", "over"]
    assert len(bundles[2]["entry"]) == 2  # the value that ended it stands in the place of no evidence
    assert [bundle["id"] for bundle in bundles] == ["d1", "d1.1", "d1.2"]


def test_a_bound_is_told_with_its_comparator_where_it_is_new_and_never_as_a_value():
    bounded = [LOW | {"evidence": Evidence(low=90.0, bound=bound)} for bound in ("<80", "<80", "<70")]
    pages = [
        page_of(**bounded[0]),
        page_of("acknowledge", **bounded[1] | {"page_id": "d1.1", "id": "e1-1", "acknowledged_by": "n1"}),
        page_of("update", **bounded[2] | {"page_id": "d1.2", "id": "e1-2", "phase": "escalate"}),
        page_of("end", **bounded[2] | {"page_id": "d1.3", "id": "e1-3", "phase": "end", "state": "inactive"}),
    ]
    _, receiver = sent(*pages)
    told = [[entry["resource"] for entry in bundle["entry"][2:]] for bundle in receiver.bodies()]
    assert [len(evidence) for evidence in told] == [1, 0, 1, 0]
    values = [each[0]["component"][0]["valueQuantity"] for each in told if each]
    assert [(value["comparator"], value["value"]) for value in values] == [("<", 80.0), ("<", 70.0)]


def test_a_canary_goes_as_a_heartbeat_and_begins_no_alarm_at_the_subscriber():
    (outcome, _), receiver = sent(page_of(**LOW | {"rule": "canary"}), page_of(page_id="d2", **LOW))
    assert isinstance(outcome, Sent)
    canary, alarm = (status_of(bundle) for bundle in receiver.bodies())
    assert (canary["type"], canary["focus"], len(receiver.bodies()[0]["entry"])) == ("heartbeat", None, 1)
    assert int(alarm["number"]) == int(canary["events"]) + 1


def test_event_numbers_grow_by_one_a_try_keeps_its_own_and_a_restart_goes_on_above():
    first = page_of(**LOW)
    _, receiver = sent(first, first, page_of(page_id="d2", **LOW), first, answers=(500, 200))
    numbers = [int(status_of(bundle)["number"]) for bundle in receiver.bodies()]
    assert numbers == [numbers[0], numbers[0], numbers[0] + 1, numbers[0]]
    events = [int(status_of(bundle)["events"]) for bundle in receiver.bodies()]
    assert events == sorted(events)
    _, later = sent(first)
    assert int(status_of(later.bodies()[0])["number"]) > max(numbers)


@pytest.mark.parametrize(("answer", "outcome", "why"), ANSWERS)
def test_what_a_subscriber_answers_means_what_it_does_of_every_channel(answer, outcome, why):
    (found,), receiver = sent(page_of(**LOW), answers=(answer,))
    assert isinstance(found, outcome)
    assert why is None or found.why is why
    assert len(receiver.got) == 1


def test_a_subscriber_that_never_answers_ends_with_the_deadline():
    began_s = time.monotonic()
    (found,), _ = sent(page_of(**LOW), answers=(None,), deadline_s=0.3)
    assert isinstance(found, Retry)
    assert found.why is Why.TIMEOUT
    assert time.monotonic() - began_s < 2.0


def test_the_token_is_from_a_file_and_in_nothing_that_is_said(tmp_path):
    key = tmp_path / "token"
    key.write_text("s3cret\n")
    (found,), receiver = sent(page_of(**LOW), answers=(403,), key_file=key)
    assert receiver.got[0][0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(found) + receiver.got[0][1].decode()


def test_a_notification_goes_over_a_network_by_tls_only():
    with pytest.raises(ValueError, match="https is needed"):
        a_channel("http://emr.example")
    a_channel("http://emr.example", insecure_http=True)


def test_two_ways_to_sign_in_are_refused_for_then_nothing_would_be_sent(tmp_path):
    with pytest.raises(ValueError, match="two ways to sign in"):
        a_channel("https://name:word@emr.example", key_file=tmp_path / "token")


def kept(answers, until, monkeypatch, **options):
    """Run a channel's handshake and heartbeats until a condition of what came holds; return what came."""
    monkeypatch.setattr(fhir_subscription, "HANDSHAKE_AGAIN_S", (0.02, 0.04))
    monkeypatch.setattr(fhir_subscription, "HEARTBEAT_AGAIN_S", 0.02)

    async def run():
        async with receiving(*answers) as receiver:
            channel = a_channel(receiver.url, **options)
            await channel.start()
            try:
                async with asyncio.timeout(10):
                    while not until([status_of(one) for one in receiver.bodies()]):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            finally:
                await channel.close()
            return receiver.bodies()

    return asyncio.run(run())


@pytest.mark.parametrize("version", ["R4", "R5"])
def test_hands_are_shaken_until_the_subscriber_answers_and_then_it_hears_heartbeats(version, monkeypatch):
    bundles = kept(
        (500, 404, 200),
        lambda said: sum(one["type"] == "heartbeat" for one in said) == 2,
        monkeypatch,
        heartbeat_s=1,
        fhir=version,
    )
    said = [status_of(bundle) for bundle in bundles]
    assert [one["type"] for one in said] == ["handshake"] * 3 + ["heartbeat"] * 2
    assert [one["status"] for one in said] == ["requested"] * 3 + ["active"] * 2
    assert len({one["events"] for one in said}) == 1
    for bundle in bundles:
        MODELS[version]["Bundle"].model_validate(bundle)
        MODELS[version][bundle["entry"][0]["resource"]["resourceType"]].model_validate(
            bundle["entry"][0]["resource"]
        )


def test_a_subscriber_that_has_just_been_told_of_an_alarm_hears_no_heartbeat_yet():
    async def run():
        async with receiving(200) as receiver:
            channel = a_channel(receiver.url, heartbeat_s=1)
            await channel.start()
            try:
                async with asyncio.timeout(10):
                    while len(receiver.got) < 8:
                        await asyncio.sleep(0.25)
                        await channel.send(page_of(**LOW), 1, 2.0)
            finally:
                await channel.close()
            return [status_of(bundle)["type"] for bundle in receiver.bodies()]

    assert "heartbeat" not in asyncio.run(run())


def test_an_alarm_waits_for_no_handshake():
    async def run():
        async with receiving(503) as receiver:
            channel = a_channel(receiver.url)
            await channel.start()
            receiver.answers = [503, 200]
            async with asyncio.timeout(10):
                while not receiver.got:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            try:
                return await channel.send(page_of(**LOW), 1, 2.0)
            finally:
                await channel.close()

    assert isinstance(asyncio.run(run()), Sent)
