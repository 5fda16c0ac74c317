import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.cluster import ClusterMetadata

from streams.config.settings import Settings
from streams.kafka.partition_guard import METADATA_AGE_S_MAX, PartitionGuard
from streams.lane.app import create_app


class Cluster:
    """What a client was told: number of partitions by topic."""

    def __init__(self, **partitions):
        self._partitions = partitions

    def partitions_for_topic(self, topic):
        count = self._partitions.get(topic)
        return None if count is None else set(range(count))


@pytest.mark.parametrize(
    ("told", "stops"),
    [
        ({"readings": 8}, False),
        ({"readings": 9}, True),
        ({"readings": 7}, True),
        ({"readings": 8, "other": 9}, False),
        ({"readings": 0}, False),
        ({}, False),
    ],
)
def test_only_another_number_of_partitions_of_a_planned_topic_stops(told, stops):
    reasons = []
    PartitionGuard({"readings": 8}, reasons.append)(Cluster(**told))
    assert bool(reasons) == stops


def test_the_reason_names_the_topic_both_numbers_and_where_to_look():
    reasons = []
    PartitionGuard({"ward.vitals.readings": 8}, reasons.append)(Cluster(**{"ward.vitals.readings": 12}))
    [reason] = reasons
    assert "ward.vitals.readings has 12 partitions now, this group works with 8" in reason
    assert "vigil topics check" in reason
    assert "\n" not in reason


def test_it_is_told_by_the_kafka_client_with_every_answer_of_the_broker():
    reasons = []
    cluster = ClusterMetadata(metadata_max_age_ms=1000)
    PartitionGuard({"t": 1}, reasons.append).watch(SimpleNamespace(cluster=cluster))
    answer = SimpleNamespace(
        API_VERSION=5,
        brokers=[(1, "host", 9092, None)],
        controller_id=1,
        topics=[(0, "t", False, [(0, 0, 1, [1], [1]), (0, 1, 1, [1], [1])])],
    )
    cluster.update_metadata(answer)
    assert len(reasons) == 1


def test_the_clients_of_consumer_and_producer_are_watched_before_they_connect():
    async def run():
        app, watched = create_app(Settings(brokers="127.0.0.1:9")), []
        app.transport.lane.watch_client = watched.append
        consumer = app.consumer._thread._create_worker_consumer(app.transport)
        producer = app.producer._new_producer()
        assert watched == [consumer._client, producer.client]
        assert all(client.cluster.brokers() == set() for client in watched)
        await consumer.stop()
        producer._closed = True  # it has never started

    asyncio.run(run())


def test_the_app_asks_often_enough_that_a_change_is_noticed_soon(tmp_path):
    app = create_app(Settings(brokers="127.0.0.1:9", data_dir=tmp_path))
    for age_ms in (app.conf.consumer_metadata_max_age_ms, app.conf.producer_metadata_max_age_ms):
        assert age_ms == METADATA_AGE_S_MAX * 1000 <= 10_000
