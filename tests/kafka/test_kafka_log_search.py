"""A stretch of a topic by the broker's time, on Apache Kafka: whose batches and "no such time" are its own."""

import time
from contextlib import closing

import pytest
from kafka import KafkaProducer, TopicPartition

from edge.brokers.cluster import KafkaCluster
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics
from streams.kafka.connect import connect_consumer
from streams.kafka.log_search import offsets_at, read_between

pytestmark = pytest.mark.kafka


def test_times_are_places_also_inside_a_batch_and_after_the_end():
    with KafkaCluster() as kafka:
        settings = Settings(brokers=kafka.bootstrap, partitions=2)
        apply_topics(settings)
        tp, empty = (TopicPartition(settings.topic("vitals.readings"), number) for number in (0, 1))
        times_ms = []
        with closing(KafkaProducer(bootstrap_servers=settings.bootstrap, linger_ms=50)) as producer:
            for _ in range(3):  # three batches of four, each with the time at which the broker took it
                sent = [producer.send(tp.topic, value=b"x", partition=0) for _ in range(4)]
                times_ms.append(max(future.get(timeout=10).timestamp for future in sent))
                while time.time() * 1000 <= times_ms[-1] + 20:
                    time.sleep(0.005)
        with closing(connect_consumer(settings)) as consumer:
            assert [offsets_at(consumer, [tp], ts_ms)[tp] for ts_ms in times_ms] == [0, 4, 8]
            assert offsets_at(consumer, [tp, empty], times_ms[-1] + 100_000) == {tp: 12, empty: 0}
            found = read_between(consumer, {tp: 4, empty: 0}, {tp: 8, empty: 0})
            assert [record.offset for record in found] == [4, 5, 6, 7]
