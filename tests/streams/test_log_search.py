"""A stretch of a topic by the broker's time, on the embedded broker (on Kafka: tests/kafka)."""

import time
from contextlib import closing

import pytest
from kafka import KafkaProducer, TopicPartition

from edge.brokers.embedded import EmbeddedBroker
from streams.config.settings import Settings
from streams.errors import VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_search import offsets_at, read_between

TOPIC = "log-search"
LATER_MS = 100_000
TP, EMPTY = (TopicPartition(TOPIC, number) for number in (0, 1))


@pytest.fixture(scope="module")
def settings():
    with EmbeddedBroker() as broker:
        yield Settings(brokers=broker.bootstrap)


@pytest.fixture(scope="module")
def times_ms(settings):
    """The broker's times of ten records that came one after the other."""
    found = []
    with closing(KafkaProducer(bootstrap_servers=settings.brokers)) as producer:
        for number in range(10):
            record = producer.send(TOPIC, value=b"%d" % number, partition=0).get(timeout=10)
            while time.time() * 1000 <= record.timestamp + 20:  # the next one's time is another
                time.sleep(0.005)
            found.append(record.timestamp)
    return found


@pytest.fixture
def consumer(settings):
    with closing(connect_consumer(settings)) as consumer:
        yield consumer


def test_a_time_is_the_place_of_the_first_record_from_then_on(consumer, times_ms):
    consumer.assign([TP, EMPTY])
    for place, ts_ms in enumerate(times_ms):
        assert offsets_at(consumer, [TP], ts_ms)[TP] == place
    assert offsets_at(consumer, [TP], 0)[TP] == 0


def test_a_time_after_the_last_record_is_the_end_and_so_is_any_in_an_empty_partition(consumer, times_ms):
    assert offsets_at(consumer, [TP, EMPTY], times_ms[-1] + LATER_MS) == {TP: len(times_ms), EMPTY: 0}
    assert offsets_at(consumer, [EMPTY], 0) == {EMPTY: 0}


def test_a_stretch_is_read_and_nothing_beside_it(consumer, times_ms):
    found = read_between(consumer, {TP: 3, EMPTY: 0}, {TP: 7, EMPTY: 0})
    assert [record.offset for record in found] == [3, 4, 5, 6]
    assert list(read_between(consumer, {TP: 7}, {TP: 7})) == []


def test_a_stretch_that_never_ends_is_given_up(consumer, times_ms, monkeypatch):
    monkeypatch.setattr("streams.kafka.log_search.READ_S_MAX", 0.5)
    with pytest.raises(VigilError, match=r"log-search could not be read within 0\.5 s"):
        list(read_between(consumer, {TP: 3}, {TP: 99}))
