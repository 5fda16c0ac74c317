"""What drills do to Kafka: proxies in front of it, clean stops, all nodes away, records deleted."""

from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.drills.faults import delete_records, leader_of
from bench.drills.proxy import Mode, Proxies
from edge.brokers.cluster import KafkaCluster
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics, changelog_topic

TIMEOUT_MS = 15_000

pytestmark = pytest.mark.kafka


def settings_of(kafka: KafkaCluster, name: str, folder: Path) -> Settings:
    return Settings(
        brokers=kafka.bootstrap,
        partitions=2,
        replication=kafka.nodes,
        topic_prefix=f"{name}.",
        group=name,
        data_dir=folder,
    )


def send(settings: Settings, topic: str, *values: bytes) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")) as producer:
        for value in values:
            producer.send(topic, value, key=b"k", partition=0).get(TIMEOUT_MS / 1000)


def offsets(settings: Settings, topic: str) -> tuple[int, int]:
    """Return first and end offset of partition 0."""
    tp = TopicPartition(topic, 0)
    with closing(KafkaConsumer(bootstrap_servers=settings.bootstrap)) as consumer:
        return consumer.beginning_offsets([tp])[tp], consumer.end_offsets([tp])[tp]


def test_clients_are_told_the_proxies_addresses_and_go_through_them(tmp_path):
    listening = []

    with Proxies() as proxies:

        def advertise(address: str) -> str:
            listening.append(address)
            return proxies.add(address)

        with KafkaCluster(advertise=advertise) as kafka:
            assert kafka.bootstrap not in listening
            assert kafka.address(1) == listening[-1]
            settings = settings_of(kafka, "proxied", tmp_path)
            apply_topics(settings)
            topic = settings.topic(READINGS)
            send(settings, topic, b"through")
            with closing(
                KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all", request_timeout_ms=2_000)
            ) as producer:
                producer.send(topic, b"before", partition=0).get(TIMEOUT_MS / 1000)
                proxies.set_mode(kafka.address(1), Mode.BLACK_HOLE)
                swallowed = producer.send(topic, b"swallowed", partition=0)
                assert not swallowed.is_done
                proxies.set_mode(kafka.address(1), Mode.FORWARD)
                swallowed.get(TIMEOUT_MS / 1000)


def test_the_records_of_a_compacted_topic_can_be_deleted_and_its_policy_is_put_back(kafka, tmp_path):
    settings = settings_of(kafka, "deleted", tmp_path)
    apply_topics(settings)
    changelog = changelog_topic(settings)
    send(settings, changelog, b"one", b"two")
    assert offsets(settings, changelog) == (0, 2)
    delete_records(settings, changelog)
    assert offsets(settings, changelog) == (2, 2)


def test_a_leader_that_stops_in_order_and_nodes_that_all_come_back_keep_what_was_sent(start_kafka, tmp_path):
    kafka = start_kafka(3)
    settings = settings_of(kafka, "stopped", tmp_path)
    apply_topics(settings)
    topic = settings.topic(READINGS)
    send(settings, topic, b"before")
    leader = leader_of(settings, topic)
    kafka.terminate(leader)
    assert len(kafka.pids) == 2
    send(settings, topic, b"without it")
    assert leader_of(settings, topic) != leader
    for node in {1, 2, 3} - {leader}:
        kafka.kill(node)
    kafka.restart(1, 2, 3)
    assert offsets(settings, topic) == (0, 2)
