"""The gateway as a process: curl to it, an embedded broker behind it, a worker behind that."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from functools import partial
from pathlib import Path

import pytest
import waiting

from edge.alert_feed import AlertFeed
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.demonstration import CURL, GATEWAY_PORT
from edge.gateway.gateway_child import gateway_child
from edge.gateway.http.server import READINGS_PATH
from edge.gateway.keys import hash_of, new_key
from edge.gateway.outlet import HttpOutlet
from edge.stack import Stack
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

COMMAND = [sys.executable, "-P", "-m", "edge", "gateway"]
STOP_S_MAX = 20.0

wait_until = partial(waiting.wait_until, deadline_s=40.0)


def settings_for(bootstrap, tmp_path, **changes):
    settings = Settings(
        brokers=bootstrap,
        topic_prefix=f"{uuid.uuid4().hex[:8]}.",
        partitions=2,
        data_dir=tmp_path / "data",
        gateway_http_port=free_port(),
        gateway_idempotence=False,
        **changes,
    )
    apply_topics(settings)
    return settings


def values_of(settings):
    """Return the values of all frames in the readings."""
    return [record.value for record in read_whole(settings, settings.topic(READINGS))]


def curl(url, body, *headers):
    """Return the status and body that curl got."""
    more = [part for header in headers for part in ("-H", header)]
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "-m",
            "20",
            "-w",
            "\n%{http_code}",
            *more,
            "--data-binary",
            "@-",
            url + READINGS_PATH,
        ],
        input=body,
        capture_output=True,
        timeout=30,
        check=True,
    )
    said, _, status = done.stdout.decode().rpartition("\n")
    return int(status), said


@pytest.mark.usefixtures("needs_curl")
def test_the_line_that_the_demo_prints_raises_an_alarm(tmp_path):
    settings = Settings(partitions=2, data_dir=tmp_path / "data", gateway_http_port=free_port())
    with Stack(settings) as stack, AlertFeed(stack.settings, since_ms=None) as feed:
        stack.wait_ready()
        told = Settings(**{**stack.settings.model_dump(), "gateway_idempotence": False})
        with gateway_child(told, COMMAND) as url:
            # sh has no $RANDOM, the shells that people type into have.
            line = CURL.format(url=url + READINGS_PATH).replace("$RANDOM", "4711")
            done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=30, check=True)
            assert json.loads(done.stdout) == {"accepted": 1}
            found = wait_until(
                lambda: [
                    one.alert
                    for one in feed.poll(0.5)
                    if one.alert.rule == "asystole" and one.alert.patient == "bed-0001"
                ],
                "the alarm",
            )
    assert (found[0].phase, found[0].priority) == ("start", "high")


def test_the_page_of_devices_has_that_line():
    page = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
    line = CURL.format(url=f"http://127.0.0.1:{GATEWAY_PORT}{READINGS_PATH}")
    assert line in page.replace(" \\\n ", "")


@pytest.mark.usefixtures("needs_curl")
def test_nothing_that_the_process_writes_names_a_patient_a_device_or_a_key(broker, tmp_path):
    canary = f"canary{uuid.uuid4().hex[:12]}"
    key = new_key(canary).key
    (tmp_path / "clients.toml").write_text(
        f'[clients.{canary}]\ndevices = ["{canary}-*"]\nnames_patients = true\n'
        f'key_sha256 = ["{new_key(canary).sha256}"]\n'
    )
    settings = settings_for(
        broker.bootstrap,
        tmp_path,
        gateway_clients=tmp_path / "clients.toml",
        gateway_metrics_port=free_port(),
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = spawn(COMMAND, output, worker_environment(settings))
    url = f"http://127.0.0.1:{settings.gateway_http_port}"
    try:
        wait_until(lambda: b"http:" in log.read_bytes(), "the port")
        asked = [
            (f"Bearer {key}", f'{{"patient":"{canary}","device":"{canary}-1"}}'),
            (f"Bearer {canary}.{canary}.{canary}", "{}"),
            (f"Basic {canary}", "{}"),
            (f"Bearer {key}", canary),
        ]
        for header, body in asked:
            status, _ = curl(
                url,
                body.encode(),
                f"Authorization: {header}",
                "Content-Type: application/json",
                f"Idempotency-Key: {canary}",
            )
            assert status in (401, 422)
        (tmp_path / "clients.toml").write_text(
            f'[clients.{canary}]\ndevices = ["{canary}-*"]\nnames_patients = true\n'
            f'key_sha256 = ["{hash_of(key)}"]\n'
        )
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: b"read the clients file again" in log.read_bytes(), "the file read again")
        frame = f'{{"patient":"{canary}","device":"{canary}-1","boot":1,"seq":1,"event_ts_ms":1}}'
        json_type = "Content-Type: application/json"
        assert curl(url, frame.encode(), f"Authorization: Bearer {key}", json_type)[0] == 202
        foreign = frame.replace("-1", "")
        assert curl(url, foreign.encode(), f"Authorization: Bearer {key}", json_type)[0] == 403
        garbage = f"GET {canary} {canary}\r\n\r\n{canary}\x00".encode()
        with socket.create_connection(("127.0.0.1", settings.gateway_http_port), 5) as raw:
            raw.sendall(garbage)
            raw.recv(100)
        metrics = urllib.request.urlopen(
            f"http://127.0.0.1:{settings.gateway_metrics_port}/metrics", timeout=10
        ).read()
    finally:
        begun_s = time.monotonic()
        code = stop(process, STOP_S_MAX)
    assert (code, time.monotonic() - begun_s < STOP_S_MAX) == (0, True)
    assert canary.encode() not in log.read_bytes() + metrics
    assert b'vigil_gateway_refused_total{protocol="http",reason="foreign-device"} 1.0' in metrics
    assert [json.loads(value)["patient"] for value in values_of(settings)] == [canary]


def test_a_stop_answers_what_is_in_flight_and_frames_of_the_simulator_are_all_there(broker, tmp_path):
    settings = settings_for(broker.bootstrap, tmp_path)
    with gateway_child(settings, COMMAND) as url, HttpOutlet(url) as outlet:
        for seq in range(2_000):
            frame = {"patient": "p", "device": "d", "boot": 1, "seq": seq, "event_ts_ms": seq}
            assert outlet.send(b"p", json.dumps(frame).encode()) is not None
        wait_until(lambda: outlet.in_flight == 0, "every frame acknowledged")
    assert (outlet.acknowledged, outlet.failed) == (2_000, 0)
    assert [json.loads(value)["seq"] for value in values_of(settings)] == list(range(2_000))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--http-port", "0"], "gateway_http_port"),
        (["--http-port", "1", "--host", "0.0.0.0"], "gateway_clients: name a file"),
        (["--http-port", "1", "--clients", "/nowhere.toml"], "cannot read /nowhere.toml"),
    ],
)
def test_wrong_settings_are_one_line_and_code_2(options, says):
    done = subprocess.run(
        [*COMMAND, "--brokers", "127.0.0.1:1", *options],
        capture_output=True,
        timeout=60,
        check=False,
        env=worker_environment(Settings()),
    )
    assert done.returncode == 2
    assert re.fullmatch(rf"vigil: .*{re.escape(says)}.*\n", done.stderr.decode())
