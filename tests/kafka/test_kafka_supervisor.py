"""`vigil worker --workers` with real workers on Apache Kafka itself: shares, survives a kill, drains."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager

import psutil
import pytest
from kafka import KafkaConsumer
from own_topics import own_settings
from waiting import wait_until

from agents.health.preflight import check_group
from edge.brokers.cluster import free_ports
from edge.checks import run_checks
from edge.metrics_scrape import scrape
from edge.options import with_changes
from edge.supervisor import BY_SIGNAL
from edge.workers import worker_environment
from streams.contracts.topics import READINGS
from streams.errors import VigilError

READY_S_MAX = 60.0
DRAIN_S_MAX = 20.0
LONG_SESSION_S = 40.0
"""Far longer than a takeover takes, so that who waited for it cannot be overlooked."""

POLL_S = 0.1
PARTITIONS = 4

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, tmp_path):
    port = next(port for port in iter(lambda: free_ports(1)[0], None) if port % 2 == 0)
    return own_settings(kafka, tmp_path, PARTITIONS, session_timeout_s=6, metrics_port=port)


class Supervisor:
    """The command in a process of its own; its output goes to a file, which never fills up as a pipe does."""

    def __init__(self, settings, folder, workers=2):
        self.said_path = folder / f"said-{settings.metrics_port}.log"
        self.ports = [settings.metrics_port + place for place in range(workers)]
        with self.said_path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-Pm", "edge", "worker", "--workers", str(workers)],
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


@contextmanager
def running(supervisor):
    try:
        yield supervisor
    finally:
        print(supervisor.said)  # shown of a test that failed
        if supervisor.process.poll() is None:
            supervisor.process.kill()
            supervisor.process.wait(5)


@pytest.fixture
def supervisor(settings, tmp_path):
    with running(Supervisor(settings, tmp_path)) as begun:
        yield begun


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


def test_a_killed_worker_is_dropped_at_once_and_the_other_owns_everything_long_before_its_session_ends(
    settings, tmp_path
):
    patient = with_changes(settings, session_timeout_s=LONG_SESSION_S)
    with ExitStack() as ending:
        first, second = (
            ending.enter_context(running(Supervisor(with_changes(patient, metrics_port=port), tmp_path, 1)))
            for port in free_ports(2)
        )
        first.wait_until(
            lambda: first.assigned() + second.assigned() == [2, 2], "two workers with two partitions each"
        )
        (survivor,) = second.workers()
        (victim,) = first.workers()
        victim.kill()
        killed_s = time.monotonic()
        second.wait_until(lambda: second.assigned() == [PARTITIONS], "the other to own all")
        assert time.monotonic() - killed_s < LONG_SESSION_S / 2, first.said
        assert first.process.wait(READY_S_MAX) == BY_SIGNAL + signal.SIGKILL
        assert "the worker was dropped from the group within" in first.said
        assert second.workers() == [survivor]
        assert second.end(signal.SIGTERM)[0] == 0, second.said


def test_a_client_of_another_kind_in_the_group_is_named_and_no_worker_joins_it(settings):
    with closing(
        KafkaConsumer(
            settings.topic(READINGS),
            bootstrap_servers=settings.bootstrap,
            group_id=settings.group,
            client_id="report",
            metadata_max_age_ms=1000,  # kafka-python may forget what it was to ask: connect.py
        )
    ) as stray:
        wait_until(
            lambda: stray.poll(100) or stray.assignment(), "the stray client to be in the group", READY_S_MAX
        )
        found = {check.name: check for check in run_checks(settings)}["group"]
        assert found.result == "failed"
        assert "report at 127.0.0.1, by the assignor range" in found.detail
        with pytest.raises(VigilError, match="in use by report at"):
            check_group(settings)
    check_group(settings)  # it has left


@pytest.mark.parametrize("after_s", [0.5, 2.0, 3.5])
def test_workers_that_are_told_to_end_while_they_start_end_in_order_too(supervisor, after_s):
    supervisor.wait_until(lambda: "worker 1: http://" in supervisor.said, "the workers to be started")
    time.sleep(after_s)  # different moments of the start; no condition names them
    exit_code, took_s = supervisor.end(signal.SIGINT)
    assert exit_code == 0, supervisor.said
    assert took_s < DRAIN_S_MAX
