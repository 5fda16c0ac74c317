"""The end of a topic, on the broker that names a wrong one when it is asked."""

from contextlib import closing

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import RequestTimedOutError

from edge.brokers.embedded import EmbeddedBroker
from streams.config.settings import Settings
from streams.errors import BrokerUnreachable
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of, log_ends, read_whole

TOPIC = "log-end"


@pytest.fixture(scope="module")
def settings():
    with EmbeddedBroker() as broker:
        yield Settings(brokers=broker.bootstrap)


def test_the_last_batch_counts_as_a_whole(settings):
    producer = KafkaProducer(bootstrap_servers=settings.brokers, linger_ms=200)
    try:
        sent = [producer.send(TOPIC, value=b"%d" % n, partition=0) for n in range(50)]
        last = max(future.get(timeout=10).offset for future in sent)
    finally:
        producer.close(timeout=5)
    ends = log_ends(settings, TOPIC)
    assert [end for tp, end in ends.items() if tp.partition == 0] == [last + 1]
    assert [record.value for record in read_whole(settings, TOPIC)] == [b"%d" % n for n in range(50)]


def test_a_topic_without_records_is_read_at_once(settings):
    assert list(read_whole(settings, "log-end-empty")) == []


def test_a_reader_that_has_read_a_partition_before_learns_its_end_anew(settings):
    tps = [TopicPartition("log-end-again", 0)]
    producer = KafkaProducer(bootstrap_servers=settings.brokers)
    try:
        with closing(connect_consumer(settings)) as consumer:
            for count in (1, 2, 3):
                producer.send("log-end-again", value=b"x", partition=0).get(timeout=10)
                assert ends_of(consumer, tps) == {tps[0]: count}
    finally:
        producer.close(timeout=5)


class Silent:
    """A consumer whose broker has answered once and then falls silent."""

    def partitions_for_topic(self, topic):
        return {0}

    def end_offsets(self, tps):
        raise RequestTimedOutError("after 9999 ms")

    def close(self):
        pass


@pytest.mark.parametrize("read", [log_ends, lambda *said: list(read_whole(*said))], ids=["ends", "whole"])
def test_a_broker_that_falls_silent_is_an_outage_of_one_line_and_its_exit_code(monkeypatch, read):
    """A worker that starts meanwhile ended with 1, which is said of what nobody expects."""
    monkeypatch.setattr("streams.kafka.log_end.connect_consumer", lambda settings, **how: Silent())
    with pytest.raises(BrokerUnreachable, match=r"log-end could not be read: .*after 9999 ms"):
        read(Settings(brokers="127.0.0.1:1"), TOPIC)
