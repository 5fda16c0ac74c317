"""A worker that ends while another one comes: it hands over, leaves at once, and nobody waits for it."""

import signal
import subprocess
import sys
import time
import uuid
from contextlib import closing

import pytest
from kafka import KafkaAdminClient
from waiting import wait_until

from edge.metrics_scrape import scrape
from edge.workers import worker_environment
from streams.admin import apply_topics
from streams.kafka_server import free_ports
from streams.settings import Settings
from streams.topics import READINGS

PARTITIONS = 4
SESSION_S = 10.0
HANDOVER_S = 6.0
"""Longer than another worker takes to start, so that it comes in the middle."""

pytestmark = pytest.mark.kafka

SLOW_TO_END = f"""
import asyncio, sys
import agents.__main__ as entry
from tables.checkpoint import Checkpointer

ends = []
begin, hand_over = entry.DrainingWorker._schedule_shutdown, Checkpointer.checkpoint_all

def told(worker, number):
    ends.append(number)
    begin(worker, number)

async def slowly(checkpointer):
    if ends:
        await asyncio.sleep({HANDOVER_S})
    await hand_over(checkpointer)
    if ends:
        print("handed over", flush=True)

entry.DrainingWorker._schedule_shutdown, Checkpointer.checkpoint_all = told, slowly
sys.exit(entry.main())
"""


class Worker:
    """A worker of the group in a process of its own."""

    def __init__(self, settings, folder, code="import agents.__main__ as e, sys; sys.exit(e.main())"):
        (port,) = free_ports(1)
        self.url, self.log = f"http://127.0.0.1:{port}/metrics", folder / f"{port}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                env=worker_environment(settings) | {"VIGIL_METRICS_PORT": str(port)},
                stdout=output,
                stderr=output,
            )

    @property
    def said(self):
        return self.log.read_text(errors="replace")

    def assigned(self):
        """Return how many partitions it owns and has recovered."""
        found = scrape(self.url)
        return (
            int(found.value("vigil_partitions_assigned") or 0) if found and found.value("vigil_ready") else 0
        )


@pytest.fixture
def start(kafka, tmp_path):
    name, started = uuid.uuid4().hex[:8], []
    settings = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=PARTITIONS,
        session_timeout_s=SESSION_S,
        data_dir=tmp_path,
    )
    apply_topics(settings)

    def start_worker(*code):
        started.append(Worker(settings, tmp_path, *code))
        return started[-1]

    start_worker.settings = settings
    yield start_worker
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait(5)


def committed(settings):
    """Return the sum of the group's committed offsets of the readings."""
    with closing(KafkaAdminClient(bootstrap_servers=settings.bootstrap)) as admin:
        found = admin.list_group_offsets(settings.group)
    offsets = next(iter(found.values())) if isinstance(next(iter(found.values())), dict) else found
    return sum(meta.offset for tp, meta in offsets.items() if tp.topic == settings.topic(READINGS))


def test_a_rebalance_in_the_middle_of_a_handover_neither_breaks_it_off_nor_makes_others_wait(start):
    first = start(SLOW_TO_END)
    wait_until(lambda: first.assigned() == PARTITIONS, "the first worker to own all")
    wait_until(lambda: committed(start.settings) > 0, "a first commit")
    first.process.send_signal(signal.SIGTERM)
    told_s = time.monotonic()
    second = start()
    assert first.process.wait(60) == 0, first.said
    took_s = time.monotonic() - told_s
    wait_until(lambda: second.assigned() == PARTITIONS, "the second worker to own all")
    waited_s = time.monotonic() - told_s - took_s
    assert "handed over" in first.said
    assert "rebalancing" in first.said, "the second one came too late for this test to say anything"
    assert "LeaveGroup request failed" not in first.said
    assert took_s < HANDOVER_S + SESSION_S / 2
    assert waited_s < SESSION_S / 2, "nobody should have to wait for its session to end"
    assert "another worker wrote" not in second.said
