"""Connecting to a broker that lets nobody in: one bounded wait, and the reason that says most."""

import time

import pytest
from kafka.cluster import ClusterMetadata
from kafka.protocol.metadata import MetadataResponse

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable
from streams.kafka import connect
from streams.kafka.connect import CLIENT_S_MIN, PROBE_TIMEOUT_S, connect_admin, connect_consumer, connect_with
from streams.kafka.partition_guard import METADATA_AGE_S_MAX
from streams.kafka.probe import Refusal


def answer_about(topic):
    """Return what a broker says of a topic of one partition, as the client reads it."""
    version, row = 9, MetadataResponse.MetadataResponseTopic
    said = MetadataResponse(
        brokers=[MetadataResponse.MetadataResponseBroker(node_id=1, host="127.0.0.1", port=1)],
        topics=[
            row(
                error_code=0,
                name=topic,
                partitions=[row.MetadataResponsePartition(error_code=0, partition_index=0, leader_id=1)],
            )
        ],
    )
    return MetadataResponse.decode(said.encode(version=version), version=version)


def test_a_last_probe_that_is_cut_short_does_not_hide_what_the_others_said(monkeypatch):
    asked_s = []

    def refusal(settings, server, timeout_s):
        asked_s.append(timeout_s)
        return Refusal("it wants a certificate" if timeout_s >= PROBE_TIMEOUT_S else "no answer")

    monkeypatch.setattr(connect, "refusal", refusal)
    wait_s = PROBE_TIMEOUT_S + 0.3
    started_s = time.monotonic()
    with pytest.raises(BrokerUnreachable, match="it wants a certificate"):
        connect_admin(Settings(brokers="127.0.0.1:1"), wait_s)
    assert min(asked_s) < PROBE_TIMEOUT_S
    assert time.monotonic() - started_s >= wait_s


def test_a_wait_shorter_than_a_probe_still_tells_why(monkeypatch):
    monkeypatch.setattr(connect, "refusal", lambda settings, server, timeout_s: Refusal("no answer"))
    with pytest.raises(BrokerUnreachable, match="no answer"):
        connect_admin(Settings(brokers="127.0.0.1:1"), 0.2)


def test_a_broker_that_answers_at_the_end_of_the_wait_is_given_some_seconds(monkeypatch):
    given_ms = []
    monkeypatch.setattr(connect, "refusal", lambda settings, server, timeout_s: None)
    found = connect_with(
        Settings(brokers="127.0.0.1:1"), 0.2, lambda **common: given_ms.append(common["bootstrap_timeout_ms"])
    )
    assert found is None
    assert given_ms == [CLIENT_S_MIN * 1000]


def test_a_subscription_that_kafka_python_forgot_is_asked_for_again_within_seconds(monkeypatch):
    given = []
    monkeypatch.setattr(connect, "refusal", lambda settings, server, timeout_s: None)
    monkeypatch.setattr(connect, "KafkaConsumer", lambda **options: given.append(options))
    connect_consumer(Settings(brokers="127.0.0.1:1"), 0.2, group_id="g")
    (options,) = given
    cluster = ClusterMetadata(
        bootstrap_servers=options["bootstrap_servers"], metadata_max_age_ms=options["metadata_max_age_ms"]
    )
    cluster.set_topics(["vitals.wards"])
    cluster.set_topics(["vitals.alerts"])  # while the first question is on its way
    cluster.update_metadata(answer_about("vitals.wards"))
    assert not cluster.need_update, "kafka-python remembers by itself: connect.py need not say it"
    assert cluster.ttl() <= METADATA_AGE_S_MAX * 1000
