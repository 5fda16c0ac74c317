"""Vital Recorder's makers' own client through a real gateway into a real Kafka with a worker: an alarm comes of it."""

import sys
import urllib.request
import uuid
from functools import partial

import pytest
import waiting

from edge.alert_feed import AlertFeed
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics

pytestmark = pytest.mark.kafka

GATEWAY = [sys.executable, "-P", "-m", "edge", "gateway"]
CLIENTS = """
[clients.ward-3]
devices = ["BED-7"]
vital_recorder.codes = ["WARD3"]
vital_recorder.networks = ["127.0.0.0/8"]
"""
MAKERS_CLIENT = """
import sys
from types import SimpleNamespace as N
import vitalrecorder.server as maker
recs = [{"dt": float(at), "val": 70.0} for at in range(3600)]
track = N(dtname="Solar8000/PLETH_SPO2", montype=10, type=2, unit="%", recs=recs, srate=0, mindisp=0, maxdisp=100)
maker.load_vital_files = lambda urls: {
    7: {"duration": 3600.0, "dtstart": 0.0, "tracks": {track.dtname: track}}
}
maker.main()
"""
"""Only the download of its sample files is left out; they are a bed whose oxygen saturation is 70 %."""

wait_until = partial(waiting.wait_until, deadline_s=60.0)


def scrape(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
    except OSError:
        return b""


def test_a_client_of_the_makers_raises_an_alarm_also_over_a_gateway_that_is_killed(
    kafka, tmp_path, monkeypatch
):
    monkeypatch.setenv("TZ", "UTC")
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
        gateway_vital_recorder_port=free_port(),
        gateway_metrics_port=free_port(),
    )
    apply_topics(settings)
    feed, environment, log = AlertFeed(settings), worker_environment(settings), tmp_path / "log"
    processes = []

    def begun(command):
        with log.open("ab") as output:
            processes.append(spawn(command, output, environment))
        return processes[-1]

    def ready(port, sign):
        wait_until(lambda: sign in scrape(port), sign.decode())

    try:
        begun(worker_command())
        gateway = begun(GATEWAY)
        ready(settings.metrics_port, b"\nvigil_ready 1.0\n")
        ready(settings.gateway_metrics_port, b"vigil_gateway_kafka_takes 1.0")
        address = f"http://127.0.0.1:{settings.gateway_vital_recorder_port}"
        begun([sys.executable, "-c", MAKERS_CLIENT, address, "--vrcode", "WARD3"])
        sign = b'vigil_gateway_accepted_total{protocol="vital_recorder"} '
        none = sign + b"0.0"
        wait_until(
            lambda: sign in (said := scrape(settings.gateway_metrics_port)) and none not in said, "readings"
        )
        gateway.kill()
        gateway.wait(timeout=20)
        begun(GATEWAY)
        alerts = []

        def found():
            alerts.extend(one.alert for one in feed.poll(0.2))
            return [one for one in alerts if one.rule == "spo2-desat"]

        told = wait_until(found, "the alarm")[0]
        assert (told.patient, told.phase, told.priority) == ("~device/BED-7", "start", "high")
    finally:
        feed.close()
        for process in reversed(processes):
            stop(process, 20)
    assert b"BED-7" not in log.read_bytes()
