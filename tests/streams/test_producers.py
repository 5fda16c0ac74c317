"""The producer that never makes its caller wait: counts, bounds, closing, and what the partition is chosen by."""

import os
import signal
import time

import pytest
from aiokafka.partitioner import DefaultPartitioner as AiokafkaPartitioner
from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from waiting import wait_until

from edge.brokers.embedded import EmbeddedBroker, free_port
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import BrokerUnreachable
from streams.kafka.admin import apply_topics
from streams.kafka.producers import ALERTS, BUSY_NODE_WAIT_MS, FRAMES, CalmClient, Producer, options


@pytest.fixture
def broker():
    with EmbeddedBroker() as started:
        apply_topics(Settings(brokers=started.bootstrap))
        yield started
        os.kill(started.pid, signal.SIGCONT)  # so that it can end, where a test has halted it


def open_producer(brokers, topic=READINGS, **limits):
    return Producer(Settings(brokers=brokers), FRAMES, topic, **limits)


def test_a_frame_is_counted_as_acknowledged_once_the_broker_has_it(broker):
    with open_producer(broker.bootstrap) as sender:
        assert sender.send(b"bed-0001", b"{}")
        wait_until(lambda: sender.acknowledged == 1, "the acknowledgement")
        assert (sender.in_flight, sender.failed, sender.oldest_s()) == (0, 0, 0.0)


def test_what_is_on_its_way_is_bounded_at_limit(broker):
    with open_producer(broker.bootstrap, in_flight_max=3) as sender:
        os.kill(broker.pid, signal.SIGSTOP)
        assert [sender.send(b"bed-0001", b"{}") is not None for _ in range(4)] == [True, True, True, False]
        assert sender.oldest_s() > 0


def test_closing_on_a_silent_broker_is_quick_and_counts_what_was_lost_as_failed(broker):
    with open_producer(broker.bootstrap) as sender:
        sender.send(b"bed-0001", b"{}")
        wait_until(lambda: sender.acknowledged == 1, "the acknowledgement")
        os.kill(broker.pid, signal.SIGSTOP)
        for bed in range(100):
            sender.send(b"bed-%04d" % bed, b"{}")
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 2.5
    wait_until(lambda: sender.failed == 100, "the frames to be given up")


def test_a_silent_broker_does_not_take_the_processor(broker):
    with open_producer(broker.bootstrap) as sender:
        sender.send(b"bed-0001", b"{}")
        wait_until(lambda: sender.acknowledged == 1, "the acknowledgement")
        os.kill(broker.pid, signal.SIGSTOP)
        begun_s, used_s, bed = time.monotonic(), time.process_time(), 0
        while time.monotonic() - begun_s < 1.0:
            sender.send(b"bed-%04d" % bed, b"{}")  # one at a time: soon every open request is one partition's
            bed += 1
            time.sleep(0.01)
        assert time.process_time() - used_s < 0.5


def test_a_busy_node_is_asked_again_after_a_while_and_not_at_once():
    assert options(FRAMES)["kafka_client"] is CalmClient
    assert BUSY_NODE_WAIT_MS >= 1


def test_no_broker_is_one_clear_line():
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match=address):
        open_producer(address, connect_wait_s=0.2)


@pytest.mark.parametrize("use", [FRAMES, ALERTS])
def test_every_use_keeps_the_order_of_a_key_and_survives_a_failed_record(use):
    chosen = options(use)
    assert chosen["enable_idempotence"] is False
    assert chosen["max_in_flight_requests_per_connection"] == 1
    assert chosen["acks"] == "all"
    assert chosen["delivery_timeout_ms"] > chosen["request_timeout_ms"]


def test_a_record_larger_than_a_request_has_failed_at_once_and_the_next_one_arrives(broker):
    with open_producer(broker.bootstrap) as sender:
        refused = sender.send(b"bed-0001", b" " * 2_000_000)
        assert refused.is_done
        assert (sender.failed, sender.last_error.split(":")[0]) == (1, "MessageSizeTooLargeError")
        with pytest.raises(MessageSizeTooLargeError):
            refused.get(timeout=1)
        sender.send(b"bed-0001", b"{}").get(timeout=10)
        wait_until(lambda: (sender.acknowledged, sender.failed) == (1, 1), "the counts")


def test_without_metadata_a_record_is_handed_back_at_once(broker):
    with open_producer(broker.bootstrap) as sender:
        os.kill(broker.pid, signal.SIGSTOP)
        sender._topic = "no-such.topic"
        begun_s = time.monotonic()
        assert sender.send(b"bed-0001", b"{}") is None
        assert time.monotonic() - begun_s < 0.5
        assert sender.in_flight == 0


def test_a_patient_goes_to_the_partition_that_other_clients_choose():
    partitions = list(range(8))
    cluster = _Cluster(partitions)
    ours, theirs = KafkaProducer.DEFAULT_CONFIG["partitioner"], AiokafkaPartitioner()
    for bed in range(500):
        key = b"bed-%04d" % bed
        ours_chose = ours.partition(READINGS, key, key, b"", b"", cluster)
        assert ours_chose == theirs(key, partitions, partitions)


class _Cluster:
    """As much of kafka-python's cluster as its partitioner looks at."""

    def __init__(self, partitions):
        self._partitions = set(partitions)

    def topics(self):
        return {READINGS}

    def partitions_for_topic(self, _topic):
        return self._partitions

    def available_partitions_for_topic(self, _topic):
        return self._partitions
