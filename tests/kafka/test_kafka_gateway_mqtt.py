"""MQTT through a real mosquitto, gateway, Kafka and worker: a line of mosquitto_pub raises an alarm."""

import json
import sys
import time
import uuid
from functools import partial

import pytest
import waiting
from mosquitto_world import Mosquitto

from edge.alert_feed import AlertFeed
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import DEAD_LETTERS, READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

pytestmark = pytest.mark.kafka

CLIENTS = """
[clients.beds]
devices = ["mon-*"]
names_patients = true
mqtt.topics = ["vitals/{device}/frames"]
"""
wait_until = partial(waiting.wait_until, deadline_s=60.0)


@pytest.fixture
def broker(tmp_path):
    found = Mosquitto(tmp_path)
    yield found
    found.stop()


def test_a_line_of_mqtt_raises_an_alarm_and_a_refused_one_is_a_dead_letter(kafka, broker, tmp_path):
    name = uuid.uuid4().hex[:8]
    (tmp_path / "clients.toml").write_text(CLIENTS)
    settings = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=2,
        metrics_port=free_port(),
        data_dir=tmp_path,
        gateway_clients=tmp_path / "clients.toml",
        gateway_mqtt_host="127.0.0.1",
        gateway_mqtt_port=broker.port,
        gateway_metrics_port=free_port(),
    )
    apply_topics(settings)
    feed, log = AlertFeed(settings), tmp_path / "log"
    with log.open("ab") as output:
        commands = (worker_command(), [sys.executable, "-P", "-m", "edge", "gateway"])
        processes = [spawn(command, output, worker_environment(settings)) for command in commands]
    try:
        wait_until(lambda: b"MQTT: connected" in log.read_bytes(), "the gateway")
        frame = {"patient": "p-1", "boot": 1, "seq": 1, "asystole": True}
        text = json.dumps({**frame, "event_ts_ms": int(time.time() * 1000)}).encode()
        broker.publish("vitals/mon-1/frames", text)
        broker.publish("vitals/mon-1/frames", text.replace(b"{", b'{"device": "mon-2", ', 1))
        wait_until(lambda: any(one.alert.rule == "asystole" for one in feed.poll(0.2)), "the alarm")
        letters = wait_until(
            lambda: list(read_whole(settings, settings.topic(DEAD_LETTERS))), "the dead letter"
        )
        assert [one.key for one in letters] == [b"vitals/mon-1/frames"]
        assert dict(letters[0].headers)["reason"] == b"foreign-device"
        readings = [
            json.loads(one.value)
            for one in read_whole(settings, settings.topic(READINGS))
            if b"mon-1" in one.value
        ]
        assert [(one["patient"], one["device"]) for one in readings] == [("p-1", "mon-1")]
    finally:
        feed.close()
        for process in reversed(processes):
            stop(process, 20)
