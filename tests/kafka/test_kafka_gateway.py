"""The gateway on a real Kafka: nothing that was acknowledged is missing, whoever is killed or stands still."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial

import psutil
import pytest
import waiting
from kafka.admin import ConfigResource, ConfigResourceType

from bench.drills.proxy import Mode, Proxies
from bench.gateway.driver import Outcome
from bench.gateway.frames import Load
from bench.gateway.read_back import read_back
from edge.brokers.cluster import KafkaCluster
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.gateway_child import wait_ready
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.connect import connect_admin
from streams.kafka.log_end import read_whole

pytestmark = pytest.mark.kafka

BACK_S_MAX = 10.0
LOAD_S = 3.0
"""How long the load flows undisturbed before each fault."""

FLAT_BYTES = 64 * 1024 * 1024
COMMAND = [sys.executable, "-P", "-m", "edge", "gateway"]
wait_until = partial(waiting.wait_until, deadline_s=30.0)


class Gateway:
    """A gateway process on a port that it keeps."""

    def __init__(self, settings, log) -> None:
        self.settings, self.log = settings, log
        self.process = None
        self.url = f"http://127.0.0.1:{settings.gateway_http_port}"

    def start(self):
        with self.log.open("ab") as output:
            self.process = spawn(COMMAND, output, worker_environment(self.settings))
        assert wait_ready(self.url, self.process, 40), self.log.read_text()

    def post(self, *frames):
        """Return the status, and the answer as JSON."""
        request = urllib.request.Request(
            f"{self.url}/v1/readings", b"\n".join(frames), {"Content-Type": "application/x-ndjson"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@contextmanager
def running(kafka, name, tmp_path, **changes):
    settings = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=4,
        data_dir=tmp_path,
        gateway_http_port=free_port(),
        gateway_metrics_port=0,
        **changes,
    )
    apply_topics(settings)
    gateway = Gateway(settings, tmp_path / "gateway.log")
    gateway.start()
    try:
        yield gateway
    finally:
        stop(gateway.process, 20)


@contextmanager
def driving(load):
    """Run a driver; the list has its outcome after the block."""
    outcomes = []
    command = [sys.executable, "-m", "bench.gateway.driver", json.dumps(asdict(load))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield outcomes
        said, _ = process.communicate(timeout=load.seconds + 60)
        outcomes.append(Outcome(**json.loads(said)))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def frame(seq, spaces=0):
    members = f'"patient":"g0-0","device":"g0-0","boot":99,"seq":{seq},"event_ts_ms":{seq}'
    return b"{" + b" " * spaces + members.encode() + b"}"


def assert_kept(gateway, load, outcome):
    settings = gateway.settings
    verdict = read_back(
        settings.brokers, settings.topic(READINGS), load.boot, outcome.acknowledged, load.frames
    )
    assert outcome.requests() > 50
    assert (verdict.missing, verdict.out_of_order) == (0, 0)


def test_a_broker_that_is_killed_or_stands_still_loses_nothing_acknowledged(start_kafka, tmp_path):
    kafka = start_kafka(1)
    with running(kafka, "gw-broker", tmp_path) as gateway:
        load = Load(gateway.settings.gateway_http_port, 8, 20, 60.0, 45.0)
        seq = iter(range(1_000))
        with driving(load) as outcomes:
            for fault in ("kill", "still", "kill"):
                wait_until(lambda: gateway.post(frame(next(seq)))[0] == 202, "a frame taken")
                time.sleep(LOAD_S)
                if fault == "kill":
                    kafka.kill(1)
                    wait_until(lambda: gateway.post(frame(next(seq)))[0] == 503, "no room")
                    kafka.restart(1)
                else:
                    (pid,) = kafka.pids
                    os.kill(pid, signal.SIGSTOP)
                    try:
                        wait_until(lambda: gateway.post(frame(next(seq)))[0] == 503, "no room")
                    finally:
                        os.kill(pid, signal.SIGCONT)
                back_s = time.monotonic()
                wait_until(lambda: gateway.post(frame(next(seq)))[0] == 202, "frames taken again")
                assert time.monotonic() - back_s < BACK_S_MAX
        assert_kept(gateway, load, outcomes[0])
        assert outcomes[0].failed == 0


def test_a_gateway_that_is_killed_loses_nothing_acknowledged(kafka, tmp_path):
    with running(kafka, "gw-kill", tmp_path) as gateway:
        for round_ in range(3):
            load = Load(gateway.settings.gateway_http_port, 8, 20, 200.0, 6.0, boot=10 + round_)
            with driving(load) as outcomes:
                wait_until(lambda: gateway.post(frame(0))[0] == 202, "a frame taken")
                time.sleep(LOAD_S)
                gateway.process.kill()
                gateway.process.wait()
            gateway.start()
            assert_kept(gateway, load, outcomes[0])


def test_a_stop_under_load_answers_what_is_in_flight(kafka, tmp_path):
    with running(kafka, "gw-stop", tmp_path) as gateway:
        load = Load(gateway.settings.gateway_http_port, 8, 20, 200.0, 6.0)
        with driving(load) as outcomes:
            wait_until(lambda: gateway.post(frame(0))[0] == 202, "a frame taken")
            time.sleep(LOAD_S)
            begun_s = time.monotonic()
            assert stop(gateway.process, 20) == 0
            assert time.monotonic() - begun_s < 20
        assert outcomes[0].failed <= load.connections, "what leaves in the moment of the stop"
        gateway.start()
        assert_kept(gateway, load, outcomes[0])


def test_a_stop_while_kafka_stands_still_ends_in_time_whoever_waits(start_kafka, tmp_path):
    kafka = start_kafka(1)
    with running(kafka, "gw-stop-still", tmp_path) as gateway:
        wait_until(lambda: gateway.post(frame(0))[0] == 202, "a frame taken")
        (pid,) = kafka.pids
        os.kill(pid, signal.SIGSTOP)
        try:
            slow = socket.create_connection(("127.0.0.1", gateway.settings.gateway_http_port), timeout=30)
            slow.sendall(b"POST /v1/readings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
            slow.sendall(b"Content-Length: %d\r\n\r\n{" % len(frame(1)))
            with ThreadPoolExecutor(1) as others, closing(slow):
                waiting_one = others.submit(gateway.post, frame(1))
                wait_until(lambda: gateway.post(frame(2))[0] == 503, "no room")
                begun_s = time.monotonic()
                assert stop(gateway.process, 25) == 0
                assert time.monotonic() - begun_s < 20
                assert waiting_one.result()[0] == 503
        finally:
            os.kill(pid, signal.SIGCONT)


def test_what_was_sent_before_the_network_went_does_not_arrive_when_it_is_back(needs_java, tmp_path):
    """Hours later it would lie under whoever had the device then, where nobody files it anew."""
    with (
        Proxies() as proxies,
        KafkaCluster(1, advertise=proxies.add) as kafka,
        running(kafka, "gw-cut-off", tmp_path) as gateway,
    ):
        wait_until(lambda: gateway.post(frame(0))[0] == 202, "a frame taken")
        proxies.set_mode(kafka.address(1), Mode.BLACK_HOLE)
        assert gateway.post(frame(1))[0] == 503
        wait_until(lambda: "the producer has ended" in gateway.log.read_text(), "the end of its producer")
        proxies.set_mode(kafka.address(1), Mode.FORWARD)
        wait_until(lambda: gateway.post(frame(2))[0] == 202, "frames taken again")
        found = read_whole(gateway.settings, gateway.settings.topic(READINGS))
        assert {json.loads(record.value)["seq"] for record in found} == {0, 2}


def test_a_record_that_kafka_does_not_want_is_told_alone_and_ends_nothing(kafka, tmp_path):
    with running(kafka, "gw-refused", tmp_path) as gateway:
        topic = gateway.settings.topic(READINGS)
        with closing(connect_admin(gateway.settings)) as admin:
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "2000"})]
            )
        wait_until(lambda: gateway.post(frame(0, 3_000))[0] == 422, "the bound")
        status, said = gateway.post(frame(1), frame(2, 3_000), frame(3))
        assert (status, said["accepted"]) == (202, 2)
        assert [one.get("reason") for one in said["results"]] == [None, "refused-by-kafka", None]
        assert gateway.post(*[frame(seq) for seq in range(4, 40)]) == (202, {"accepted": 36})
        assert "the producer has ended" in gateway.log.read_text()


def test_while_kafka_stands_still_under_a_flood_memory_is_flat(start_kafka, tmp_path):
    kafka = start_kafka(1)
    with running(kafka, "gw-flood", tmp_path) as gateway:
        me = psutil.Process(gateway.process.pid)
        warm = Load(gateway.settings.gateway_http_port, 64, 100, 0.0, 4.0)
        with driving(warm):
            pass
        before = me.memory_info().rss
        (pid,) = kafka.pids
        flood = Load(gateway.settings.gateway_http_port, 200, 100, 0.0, 8.0, boot=2)
        os.kill(pid, signal.SIGSTOP)
        try:
            with driving(flood) as outcomes:
                pass
        finally:
            os.kill(pid, signal.SIGCONT)
        assert outcomes[0].turned_away > 100
        assert me.memory_info().rss - before < FLAT_BYTES
        wait_until(lambda: gateway.post(frame(1))[0] == 202, "frames taken again")
