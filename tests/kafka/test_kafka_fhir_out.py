"""FHIR in and out of a real Kafka: an alarm is a Flag of the board, and comes to a subscriber by rest-hook."""

import json
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler

import pytest
from fhir.resources.bundle import Bundle
from gateway_and_worker import GatewayAndWorker, wait_until
from listening_server import listening

from edge.board.board_child import board_child
from edge.brokers.embedded import free_port
from edge.delivering import decider_command, sender_command

pytestmark = pytest.mark.kafka

ROUTING = """
[channels.emr]
kind = "fhir-subscription"
url = "{url}"
base = "{board}/fhir"
fhir = "R5"

[receivers.emr]
channels = ["emr"]

[[route]]
name = "all"
[[route.step]]
to = ["emr"]
"""


class Subscriber(BaseHTTPRequestHandler):
    """Refuses the first notification of an alarm and takes the rest."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append(body)
        events = [one for one in self.server.got if kind_of(one) == "event-notification"]
        self.send_response(503 if kind_of(body) == "event-notification" and len(events) == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def kind_of(bundle):
    return bundle["entry"][0]["resource"]["type"]


@pytest.fixture
def subscriber():
    with listening(Subscriber) as server:
        yield server


def said_by(url):
    """Return the JSON of a GET, empty while the board is not ready."""
    request = urllib.request.Request(url, headers={"Accept": "application/fhir+json; fhirVersion=5.0"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code not in (404, 503):
            raise
        return {}


def post(settings, patient):
    """Let a heart stand still, by FHIR."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "device": {"identifier": {"value": "mon-1"}},
        "subject": {"identifier": {"system": "urn:vigil:stream", "value": patient}},
        "effectiveDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "code": {"coding": [{"system": "urn:iso:std:iso:11073:10101", "code": "199684"}]},
        "valueBoolean": True,
    }
    url = f"http://127.0.0.1:{settings.gateway_http_port}/fhir/Observation"
    body = json.dumps(observation).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=15) as answer:
        assert answer.status == 201


def test_an_alarm_is_a_flag_and_comes_to_the_subscriber_with_its_evidence(kafka, tmp_path, subscriber):
    ports = {name: free_port() for name in ("board_port", "gateway_http_port", "channels_metrics_port")}
    routing, board = tmp_path / "routing.toml", f"http://127.0.0.1:{ports['board_port']}"
    url = f"http://127.0.0.1:{subscriber.server_address[1]}/hook"
    routing.write_text(ROUTING.format(url=url, board=board))
    with (
        GatewayAndWorker(kafka, tmp_path, routing=routing, **ports) as site,
        board_child(site.settings) as address,
    ):
        assert address == board
        site.begin(sender_command())
        site.begin(decider_command(), metrics_port=free_port())
        wait_until(lambda: [kind_of(one) for one in subscriber.got] == ["handshake"], "the handshake")
        wait_until(lambda: said_by(f"{board}/fhir/Flag").get("type") == "searchset", "a board that is ready")
        post(site.settings, "bed-1")
        found = wait_until(
            lambda: said_by(f"{board}/fhir/Flag?patient=bed-1&status=active&_include=Flag:detail").get(
                "entry"
            ),
            "the Flag",
        )
        flags = [one["resource"] for one in found if one["resource"]["resourceType"] == "Flag"]
        (flag,) = [one for one in flags if one["code"]["coding"][1]["code"] == "asystole"]
        wait_until(
            lambda: [kind_of(one) for one in subscriber.got].count("event-notification") >= 2, "the alarm"
        )
        first, second = [one for one in subscriber.got if kind_of(one) == "event-notification"][:2]
        told = {one["resource"]["resourceType"]: one["resource"] for one in second["entry"]}
        (event,) = told["SubscriptionStatus"]["notificationEvent"]
        assert (told["Flag"]["id"], told["Flag"]["status"]) == (flag["id"], "active")
        assert told["Observation"]["component"][0]["valueBoolean"] is True
        # What was refused came again under the same id and number; what it names can be read at the board.
        assert first["id"] == second["id"]
        assert first["entry"][0]["resource"]["notificationEvent"] == [event]
        assert said_by(event["focus"]["reference"])["id"] == flag["id"]
        assert said_by(told["SubscriptionStatus"]["topic"])["resourceType"] == "SubscriptionTopic"
        Bundle.model_validate(second)
