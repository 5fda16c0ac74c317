"""FHIR through a real gateway into a real Kafka with a worker: a bundle raises an alarm, and a resend raises none."""

import json
import sys
import time
import urllib.request
import uuid
from functools import partial

import pytest
import waiting
from fhir.resources.bundle import Bundle

from edge.alert_feed import AlertFeed
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

pytestmark = pytest.mark.kafka

VIGIL = [sys.executable, "-P", "-m", "edge"]
MDC = "urn:iso:std:iso:11073:10101"
STREAM = "urn:vigil:stream"
wait_until = partial(waiting.wait_until, deadline_s=45.0)


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


def frames_in(settings):
    """Return key and content of each frame."""
    records = read_whole(settings, settings.topic(READINGS))
    return [(record.key, json.loads(record.value)) for record in records if record.key[:1] != b"~"]


def test_a_bundle_raises_an_alarm_and_its_resend_is_the_same_frame(kafka, tmp_path):
    name = uuid.uuid4().hex[:8]
    settings = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=2,
        metrics_port=free_port(),
        data_dir=tmp_path,
        gateway_http_port=free_port(),
        gateway_metrics_port=free_port(),
    )
    apply_topics(settings)
    log = tmp_path / "log"
    feed, alerts = AlertFeed(settings), []
    with log.open("ab") as output:
        commands = (worker_command(), [*VIGIL, "gateway"])
        processes = [spawn(command, output, worker_environment(settings)) for command in commands]
    try:
        wait_until(lambda: b" http: " in log.read_bytes(), "the gateway")
        body = bundle_of("p-fhir")
        for _ in range(2):
            status, said = posted(settings, body)
            assert (status, said["type"]) == (200, "transaction-response")
            assert [one["response"]["status"] for one in said["entry"]] == ["201 Created"] * 2

        def alarm():
            alerts.extend(one.alert for one in feed.poll(0.2))
            return [one for one in alerts if (one.rule, one.patient) == ("asystole", "p-fhir")]

        wait_until(alarm, "the alarm")
        (first, second) = frames_in(settings)
        assert first == second, "a resend is the same frame"
        assert (first[0], first[1]["spo2"], first[1]["asystole"]) == (b"p-fhir", 97.0, True)
        assert [one.phase for one in alarm()] == ["start"]
    finally:
        feed.close()
        for process in reversed(processes):
            stop(process, 20)
