"""MQTT through a real mosquitto, gateway, Kafka and worker: a line of mosquitto_pub raises an alarm."""

import json
import time

import pytest
from gateway_and_worker import GatewayAndWorker, wait_until

from streams.contracts.topics import DEAD_LETTERS
from streams.kafka.log_end import read_whole

pytestmark = pytest.mark.kafka

CLIENTS = """
[clients.beds]
devices = ["mon-*"]
names_patients = true
mqtt.topics = ["vitals/{device}/frames"]
"""


def test_a_line_of_mqtt_raises_an_alarm_and_a_refused_one_is_a_dead_letter(kafka, mosquitto, tmp_path):
    with GatewayAndWorker(
        kafka, tmp_path, CLIENTS, gateway_mqtt_host="127.0.0.1", gateway_mqtt_port=mosquitto.port
    ) as world:
        world.wait_for_metric('vigil_gateway_clients{protocol="mqtt"} 1.0')
        frame = {"patient": "p-1", "boot": 1, "seq": 1, "asystole": True}
        text = json.dumps({**frame, "event_ts_ms": int(time.time() * 1000)}).encode()
        mosquitto.publish("vitals/mon-1/frames", text)
        mosquitto.publish("vitals/mon-1/frames", text.replace(b"{", b'{"device": "mon-2", ', 1))
        assert world.alert("asystole", "p-1").phase == "start"
        topic = world.settings.topic(DEAD_LETTERS)
        letters = wait_until(lambda: list(read_whole(world.settings, topic)), "the dead letter")
        assert [one.key for one in letters] == [b"vitals/mon-1/frames"]
        assert dict(letters[0].headers)["reason"] == b"foreign-device"
        of_beds = [said for key, said in world.readings() if key[:1] != b"~"]
        assert [(one["patient"], one["device"]) for one in of_beds] == [("p-1", "mon-1")]
