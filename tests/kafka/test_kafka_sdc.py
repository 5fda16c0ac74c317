"""A provider of SDC raises an alarm: through a real gateway into a real Kafka, judged by a worker."""

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest
import waiting

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
PROVIDER = Path(__file__).parents[1] / "edge" / "gateway" / "sdc" / "sdc_provider.py"
DEADLINE_S = 90.0
NO_DATA_S_MAX = 25.0


def settings_of(kafka, folder, epr):
    name = uuid.uuid4().hex[:8]
    clients = folder / "clients.toml"
    clients.write_text(f'[clients.monitor-7]\nsdc = ["{epr.urn}"]\n')
    return Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=2,
        metrics_port=free_port(),
        data_dir=folder,
        gateway_clients=clients,
        gateway_sdc_interface="127.0.0.1",
        gateway_metrics_port=free_port(),
    )


def scrape(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
    except OSError:
        return b""


def test_a_providers_low_saturation_is_an_alarm_of_its_device_and_its_end_one_within_25_s(kafka, tmp_path):
    epr = uuid.uuid4()
    settings = settings_of(kafka, tmp_path, epr)
    apply_topics(settings)
    log, feed, alerts = tmp_path / "log", AlertFeed(settings), []
    with log.open("ab") as output:
        started = [
            spawn(command, output, worker_environment(settings))
            for command in (worker_command(), [*VIGIL, "gateway"])
        ]
    provider = subprocess.Popen([sys.executable, "-P", str(PROVIDER), str(epr), "70"])
    try:
        end_s = time.monotonic() + DEADLINE_S
        while not any(one.rule.startswith("spo2") for one in alerts):
            assert time.monotonic() < end_s, (alerts, log.read_bytes()[-2_000:])
            alerts += [one.alert for one in feed.poll(0.5)]
        own = b"~device/monitor-7"
        records = read_whole(settings, settings.topic(READINGS))
        frames = [json.loads(record.value) for record in records if record.key == own]
        assert {(one["device"], one["spo2"]) for one in frames} == {("monitor-7", 70)}
        assert {one.patient for one in alerts if one.rule.startswith("spo2")} == {own.decode()}
        waiting.wait_until(
            lambda: b'vigil_gateway_clients{protocol="sdc"} 1.0' in scrape(settings.gateway_metrics_port),
            "the connection in the metrics",
        )
        provider.kill()
        killed_s = time.monotonic()
        while not any(one.rule == "silent-device" for one in alerts):
            assert time.monotonic() < killed_s + NO_DATA_S_MAX, (alerts, log.read_bytes()[-2_000:])
            alerts += [one.alert for one in feed.poll(0.5)]
        assert str(epr) not in log.read_text()
    finally:
        provider.kill()
        provider.wait(10)
        feed.close()
        for process in reversed(started):
            stop(process, 20)
