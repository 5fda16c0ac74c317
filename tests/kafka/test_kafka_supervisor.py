"""`vigil worker --workers` with real workers on Apache Kafka itself: shares, survives a kill, drains."""

import os
import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest

from edge.brokers.cluster import free_ports
from edge.metrics_scrape import scrape
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics

READY_S_MAX = 60.0
DRAIN_S_MAX = 20.0
POLL_S = 0.1
PARTITIONS = 4

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, tmp_path):
    name = uuid.uuid4().hex[:8]
    given = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=PARTITIONS,
        session_timeout_s=6,
        metrics_port=next(port for port in iter(lambda: free_ports(1)[0], None) if port % 2 == 0),
        data_dir=tmp_path,
    )
    apply_topics(given)
    return given


class Supervisor:
    """The command in a process of its own; its output goes to a file, which never fills up as a pipe does."""

    def __init__(self, settings, folder):
        self.said_path = folder / "said.log"
        self.ports = [settings.metrics_port, settings.metrics_port + 1]
        with self.said_path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-Pm", "edge", "worker", "--workers", "2"],
                env=worker_environment(settings),
                stderr=output,
                stdout=output,
            )

    @property
    def said(self):
        return self.said_path.read_text(errors="replace")

    def workers(self):
        return psutil.Process(self.process.pid).children()

    def assigned(self):
        """Return how many partitions each worker owns and has recovered."""
        found = [scrape(f"http://127.0.0.1:{port}/metrics") for port in self.ports]
        return [
            int(s.value("vigil_partitions_assigned") or 0) if s is not None and s.value("vigil_ready") else 0
            for s in found
        ]

    def wait_until(self, condition, what):
        end_s = time.monotonic() + READY_S_MAX
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end_s, f"waited for {what}: {self.assigned()}\n{self.said}"
            time.sleep(POLL_S)

    def end(self, number):
        """Send the signal; return exit code and how long it took, s."""
        started_s = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(READY_S_MAX), time.monotonic() - started_s


@pytest.fixture
def supervisor(settings, tmp_path):
    running = Supervisor(settings, tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait(5)


def test_two_workers_share_the_partitions_survive_a_kill_and_drain(supervisor):
    supervisor.wait_until(lambda: supervisor.assigned() == [2, 2], "two workers with two partitions each")
    os.kill(supervisor.workers()[0].pid, signal.SIGKILL)
    supervisor.wait_until(lambda: "ended with code -9" in supervisor.said, "the death to be told")
    supervisor.wait_until(lambda: supervisor.assigned() == [2, 2], "both to share again")
    family = [worker.pid for worker in supervisor.workers()]
    exit_code, took_s = supervisor.end(signal.SIGTERM)
    assert exit_code == 0, supervisor.said
    assert took_s < DRAIN_S_MAX
    assert not any(map(psutil.pid_exists, family))
    assert "Traceback" not in supervisor.said


@pytest.mark.parametrize("after_s", [0.5, 2.0, 3.5])
def test_workers_that_are_told_to_end_while_they_start_end_in_order_too(supervisor, after_s):
    supervisor.wait_until(lambda: "worker 1: http://" in supervisor.said, "the workers to be started")
    time.sleep(after_s)  # different moments of the start; no condition names them
    exit_code, took_s = supervisor.end(signal.SIGINT)
    assert exit_code == 0, supervisor.said
    assert took_s < DRAIN_S_MAX
