"""VSCapture through a real gateway and mosquitto into a real Kafka with a worker: each way raises an alarm."""

import json
import time
import urllib.request

import pytest
from gateway_and_worker import GatewayAndWorker

from edge.brokers.embedded import free_port

pytestmark = pytest.mark.kafka

CLIENTS = """
[clients.theatre-1]
devices = ["mp-*"]
vscapture.networks = ["127.0.0.0/8"]
vscapture.topics = ["/VSCapture/{device}/numericdata/"]
"""


def poll_of(device):
    """Return what VSCaptureMP sends of a poll: a low saturation, and what the monitor has no number for."""
    now_s = time.time()
    at = time.strftime("%d-%m-%Y %H:%M:%S", time.gmtime(now_s)) + f".{int(now_s * 1000) % 1000:03d}"
    times = {"Relativetimestamp": str(int(now_s * 8000) % 2**32), "SystemLocalTime": at, "Timestamp": at}
    found = [("NOM_PULS_OXIM_SAT_O2", "70"), ("NOM_RESP_RATE", "-"), ("NOM_ECG_AMPL_ST_II", "0.1")]
    return json.dumps(
        [{"DeviceID": device, "PhysioID": name, "Value": value, **times} for name, value in found]
    ).encode()


def test_a_post_and_a_message_of_vscapture_each_raise_an_alarm_of_their_device(kafka, mosquitto, tmp_path):
    changes = {
        "gateway_http_port": free_port(),
        "gateway_mqtt_host": "127.0.0.1",
        "gateway_mqtt_port": mosquitto.port,
    }
    with GatewayAndWorker(kafka, tmp_path, CLIENTS, **changes) as world:
        world.wait_for_metric('vigil_gateway_clients{protocol="mqtt"} 1.0')
        url = f"http://127.0.0.1:{world.settings.gateway_http_port}/v1/vscapture"

        def post():
            request = urllib.request.Request(url, poll_of("mp-1"), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=15) as answer:
                assert (answer.status, json.load(answer)) == (200, {"accepted": 1})
            mosquitto.publish("/VSCapture/mp-2/numericdata/", poll_of("mp-2"), "-r")

        for device in ("mp-1", "mp-2"):
            told = world.alert("spo2-desat", f"~device/{device}", meanwhile=post)
            assert (told.phase, told.priority) == ("start", "high")
        saturations = {said["device"]: said["spo2"] for key, said in world.readings() if said["device"]}
        assert saturations == {"mp-1": 70, "mp-2": 70}
    assert b"mp-1" not in world.log.read_bytes()
