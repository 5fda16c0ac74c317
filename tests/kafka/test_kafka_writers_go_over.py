"""A gateway and the simulator on Apache Kafka go over to more partitions by themselves, while frames run."""

import json
import sys
import threading
import urllib.request
from collections import defaultdict

import pytest
from own_topics import own_settings
from scaled_readings import finish, scaled
from waiting import wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.gateway_child import wait_ready
from edge.simulator import simulate
from edge.workers import worker_environment
from streams.contracts.partitions import partition_of
from streams.contracts.topics import READINGS
from streams.kafka.layout_log import laid_out
from streams.kafka.log_end import log_ends, read_whole

PARTITIONS, FACTOR = 2, 3
PATIENTS = [f"bed-{number}" for number in range(20)]
READY_S_MAX, DEADLINE_S, POST_S_MAX, STOP_S_MAX = 40.0, 40.0, 15.0, 20.0
COMMAND = [sys.executable, "-P", "-m", "edge", "gateway"]

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, tmp_path):
    return own_settings(kafka, tmp_path, PARTITIONS, gateway_http_port=free_port(), gateway_metrics_port=0)


def finish_while_frames_run(settings, monkeypatch):
    """See that nobody writes to the old generation any more, and that frames come into the new one."""
    new = laid_out(settings)

    def filled():
        return sum(log_ends(new, new.topic(READINGS)).values())

    before = filled()
    finish(settings, monkeypatch)
    assert filled() > before


def numbers_of(settings):
    """Return what each patient's frames are numbered, in the order of the partition where they must be."""
    new, found = laid_out(settings), defaultdict(list)
    for record in read_whole(new, new.topic(READINGS)):
        patient = record.key.decode()
        assert record.partition == partition_of(patient, PARTITIONS * FACTOR)
        found[patient].append(json.loads(record.value)["seq"])
    return found


class Poster:
    """Posts a frame of each patient, one post after another, until it is told to end."""

    def __init__(self, url):
        self._url = f"{url}/v1/readings"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rounds = 0
        self.refused = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join(POST_S_MAX)

    def _run(self):
        while not self._ending.is_set() and not self.refused:
            body = b"\n".join(frame(patient, self.rounds) for patient in PATIENTS)
            request = urllib.request.Request(self._url, body, {"Content-Type": "application/x-ndjson"})
            try:
                with urllib.request.urlopen(request, timeout=POST_S_MAX):
                    self.rounds += 1
            except OSError as error:
                self.refused.append(error)


def frame(patient, number):
    return json.dumps(
        {
            "patient": patient,
            "device": f"monitor-{patient}",
            "boot": 1,
            "seq": number,
            "event_ts_ms": 1_700_000_000_000 + 10 * number,
            "interval_ms": 1000,
            "hr": 70.0,
        }
    ).encode()


def test_a_gateway_goes_over_while_frames_run_and_refuses_none_and_changes_no_order(settings, monkeypatch):
    log = settings.data_dir / "gateway.log"
    url = f"http://127.0.0.1:{settings.gateway_http_port}"
    with log.open("ab") as output:
        gateway = spawn(COMMAND, output, worker_environment(settings))
    try:
        assert wait_ready(url, gateway, READY_S_MAX), log.read_text()
        with Poster(url) as poster:
            wait_until(lambda: poster.rounds > 5, "some frames", DEADLINE_S)
            with scaled(settings, FACTOR):
                wait_until(
                    lambda: "written to generation 1 now" in log.read_text(), "the gateway", DEADLINE_S
                )
                finish_while_frames_run(settings, monkeypatch)
        assert not poster.refused, log.read_text()
        assert numbers_of(settings) == {patient: list(range(poster.rounds)) for patient in PATIENTS}
    finally:
        stop(gateway, STOP_S_MAX)


def test_the_simulator_goes_over_while_frames_run_and_changes_no_order(settings, monkeypatch):
    ending, done = threading.Event(), []
    running = threading.Thread(
        target=lambda: done.append(simulate(settings, beds=20, rate_hz=20.0, stop=ending))
    )
    running.start()
    try:
        wait_until(lambda: any(log_ends(settings, settings.topic(READINGS)).values()), "frames", DEADLINE_S)
        with scaled(settings, FACTOR):
            new = laid_out(settings)
            ends = log_ends(settings, settings.topic(READINGS))

            def is_over():
                """Nothing came into the old readings for a while, and much into the new."""
                nonlocal ends
                before, ends = ends, log_ends(settings, settings.topic(READINGS))
                return before == ends and sum(log_ends(new, new.topic(READINGS)).values()) > sum(
                    ends.values()
                )

            wait_until(is_over, "the simulator to go over", DEADLINE_S, 1.0)
            finish_while_frames_run(settings, monkeypatch)
    finally:
        ending.set()
        running.join(DEADLINE_S)
    (progress,) = done
    assert (progress.failed, progress.in_flight) == (0, 0)
    found = {
        patient: numbers for patient, numbers in numbers_of(settings).items() if patient.startswith("bed-")
    }
    assert sum(map(len, found.values())) == progress.acknowledged
    assert all(numbers == list(range(len(numbers))) for numbers in found.values())
