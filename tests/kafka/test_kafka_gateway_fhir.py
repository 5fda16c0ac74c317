"""FHIR through a real gateway into a real Kafka with a worker: a bundle raises an alarm, and a resend raises none."""

import json
import time
import urllib.request

import pytest
from fhir.resources.bundle import Bundle
from gateway_and_worker import GatewayAndWorker

from edge.brokers.embedded import free_port

pytestmark = pytest.mark.kafka

MDC = "urn:iso:std:iso:11073:10101"
STREAM = "urn:vigil:stream"


def bundle_of(patient):
    """Return a transaction as another program builds it: oxygen saturation, and a heart that stands still."""
    who = {
        "resourceType": "Observation",
        "status": "final",
        "device": {"identifier": {"value": "mon-1"}},
        "subject": {"identifier": {"system": STREAM, "value": patient}},
        "effectiveDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    saturation = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "2708-6"}]},
        "valueQuantity": {"value": 97, "system": "http://unitsofmeasure.org", "code": "%"},
    }
    stands_still = {"code": {"coding": [{"system": MDC, "code": "199684"}]}, "valueBoolean": True}
    request = {"method": "POST", "url": "Observation"}
    entries = [{"resource": {**who, **said}, "request": request} for said in (saturation, stands_still)]
    made = Bundle.model_validate({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return made.model_dump_json().encode()


def posted(settings, body):
    """Return status and JSON of a posted bundle."""
    url = f"http://127.0.0.1:{settings.gateway_http_port}/fhir"
    request = urllib.request.Request(url, body, {"Content-Type": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=15) as answer:
        return answer.status, json.load(answer)


def test_a_bundle_raises_an_alarm_and_its_resend_is_the_same_frame(kafka, tmp_path):
    with GatewayAndWorker(kafka, tmp_path, gateway_http_port=free_port()) as world:
        body = bundle_of("p-fhir")
        for _ in range(2):
            status, said = posted(world.settings, body)
            assert (status, said["type"]) == (200, "transaction-response")
            assert [one["response"]["status"] for one in said["entry"]] == ["201 Created"] * 2
        world.alert("asystole", "p-fhir")
        (first, second) = [found for found in world.readings() if found[0][:1] != b"~"]
        assert first == second, "a resend is the same frame"
        assert (first[0], first[1]["spo2"], first[1]["asystole"]) == (b"p-fhir", 97.0, True)
        of_patient = [one for one in world.alerts if (one.rule, one.patient) == ("asystole", "p-fhir")]
        assert [one.phase for one in of_patient] == ["start"]
