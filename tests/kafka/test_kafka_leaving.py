"""A worker that ends while another one comes: it hands over, leaves at once, and nobody waits for it."""

import signal
import time
from contextlib import closing

import pytest
from kafka import KafkaAdminClient
from own_topics import own_settings
from waiting import wait_until

from bench.drills.workers import READY_S_MAX, Workers
from streams.contracts.topics import READINGS

PARTITIONS = 4
SESSION_S = 20.0
"""Far longer than a worker takes to end and another to take over, so that who waited for it cannot be overlooked."""

pytestmark = pytest.mark.kafka


@pytest.fixture
def workers(kafka, tmp_path):
    # The interval is long, so that the handover has something to commit.
    settings = own_settings(
        kafka, tmp_path, PARTITIONS, session_timeout_s=SESSION_S, checkpoint_interval_s=60
    )
    started = Workers(settings, tmp_path)
    yield started
    started.close()


def owns_all(worker):
    return (
        worker.last is not None
        and worker.is_ready()
        and worker.total("vigil_partitions_assigned") == PARTITIONS
    )


def committed(settings):
    """Return how many partitions of the readings the group has committed something of."""
    with closing(KafkaAdminClient(bootstrap_servers=settings.bootstrap)) as admin:
        found = admin.list_group_offsets(settings.group)[settings.group]
    return sum(tp.topic == settings.topic(READINGS) and at.offset > 0 for tp, at in found.items())


def test_a_rebalance_in_the_middle_of_a_handover_neither_breaks_it_off_nor_makes_others_wait(workers):
    first = workers.start("bench.drills.slow_worker")
    wait_until(lambda: owns_all(first), "the first worker to own all", READY_S_MAX)
    assert committed(workers.settings) < PARTITIONS
    first.process.terminate()
    second = workers.start()
    wait_until(lambda: "rebalancing" in first.said(), "the group to want the worker that ends", READY_S_MAX)
    begun_s = time.monotonic()
    first.process.send_signal(signal.SIGUSR1)
    assert first.process.wait(SESSION_S) == 0, first.said()
    assert committed(workers.settings) == PARTITIONS
    wait_until(lambda: owns_all(second), "the second worker to own all", READY_S_MAX)
    assert time.monotonic() - begun_s < SESSION_S, "somebody waited for a session to end"
    assert "another worker wrote" not in second.said()
