import socket
import time
from contextlib import closing

import pytest
from kafka.errors import RequestTimedOutError, TopicAuthorizationFailedError

import streams.kafka.admin
from edge.brokers.embedded import EmbeddedBroker, free_port
from streams.config.settings import Settings
from streams.contracts.topics import DAY_MS, TOPICS
from streams.errors import BrokerUnreachable, UsageError, VigilError
from streams.kafka.admin import Difference, apply_topics, changelog_topic, check_topics, inspect_topics, plan
from streams.kafka.connect import connect_admin


@pytest.fixture(scope="module")
def broker():
    with EmbeddedBroker() as running:
        yield running


def settings_for(broker, prefix, **more):
    return Settings(brokers=broker.bootstrap, topic_prefix=prefix, group=f"{prefix}vigil", **more)


def test_the_plan_is_every_topic_and_the_changelog_of_the_patient_table():
    settings = Settings(brokers="", topic_prefix="t.", group="ward", partitions=3)
    planned = {topic.name: topic for topic in plan(settings)}
    assert list(planned) == ["t." + topic.name for topic in TOPICS] + [
        "ward-delivery-escalations-changelog",
        "ward-patients-changelog",
    ]
    changelog = planned[changelog_topic(settings)]
    assert changelog.config["cleanup.policy"] == "compact"
    assert changelog.partitions == planned["t.vitals.readings"].partitions == 3
    assert planned["t.vitals.dead-letters"].partitions == 1


def test_three_copies_ask_for_two_in_sync_and_one_copy_does_not():
    three = plan(Settings(brokers="", replication=3))
    assert all(topic.config["min.insync.replicas"] == "2" for topic in three)
    assert not any("min.insync.replicas" in topic.config for topic in plan(Settings(brokers="")))


def test_applying_creates_what_is_missing_and_repeating_it_changes_nothing(broker):
    settings = settings_for(broker, "a.")
    names = [topic.name for topic in plan(settings)]
    first, second = apply_topics(settings), apply_topics(settings)
    assert [(outcome.topic, outcome.result) for outcome in first] == [(name, "created") for name in names]
    assert [(outcome.topic, outcome.result) for outcome in second] == [(name, "exists") for name in names]
    assert check_topics(settings) == []


def test_a_missing_topic_is_a_difference_and_checking_does_not_create_it(broker):
    settings = settings_for(broker, "b.")
    expected = [Difference(topic.name, "topic", "present", None) for topic in plan(settings)]
    assert check_topics(settings) == expected
    assert check_topics(settings) == expected


def test_another_number_of_partitions_is_a_difference(broker):
    apply_topics(settings_for(broker, "c.", partitions=2))
    found = check_topics(settings_for(broker, "c.", partitions=4))
    assert Difference("c.vitals.readings", "partitions", "4", "2") in found
    assert not [difference for difference in found if difference.topic == "c.vitals.dead-letters"]


def test_another_configuration_is_a_difference(broker):
    settings = settings_for(broker, "d.")
    with closing(connect_admin(settings)) as admin:
        admin.create_topics(
            {
                "d.vitals.alerts": {
                    "num_partitions": 8,
                    "replication_factor": 1,
                    "configs": {"retention.ms": "5"},
                }
            }
        )
    found = [difference for difference in check_topics(settings) if difference.topic == "d.vitals.alerts"]
    assert found == [
        Difference("d.vitals.alerts", "retention.ms", str(30 * DAY_MS), "5"),
        Difference("d.vitals.alerts", "message.timestamp.type", "LogAppendTime", None),
    ]


@pytest.mark.parametrize(
    ("codec", "missing", "is_told"),
    [("zstd", False, False), ("zstd", True, True), ("producer", True, False), ("brotli", False, True)],
)
def test_a_codec_that_could_not_be_read_here_is_a_difference(broker, monkeypatch, codec, missing, is_told):
    name = f"codec-{codec}-{missing}."
    if missing:
        monkeypatch.setattr("aiokafka.codec.cramjam", None)
    settings = settings_for(broker, name)
    topic = settings.topic("vitals.limits")
    made = {"num_partitions": 8, "replication_factor": 1}
    configs = {"cleanup.policy": "compact", "compression.type": codec}
    with closing(connect_admin(settings)) as admin:
        admin.create_topics({topic: {**made, "configs": configs}})
    found = [difference for difference in check_topics(settings) if difference.topic == topic]
    assert [(difference.what, difference.found) for difference in found] == (
        [("compression.type", codec)] if is_told else []
    )


def test_configuration_that_the_broker_does_not_report_is_said_to_be_unreported(broker):
    settings = settings_for(broker, "e.")
    with closing(connect_admin(settings)) as admin:
        admin.create_topics({"e.vitals.alerts": {"num_partitions": 8, "replication_factor": 1}})
    inspection = inspect_topics(settings)
    assert inspection.unreported == ("e.vitals.alerts",)
    assert "e.vitals.alerts" not in {difference.topic for difference in inspection.differences}


def test_a_broker_that_does_not_answer_is_reported_within_the_bound():
    settings = Settings(brokers=f"127.0.0.1:{free_port()}")
    started_s = time.monotonic()
    with pytest.raises(BrokerUnreachable, match="connection refused"):
        connect_admin(settings, wait_s=0.3)
    assert time.monotonic() - started_s < 3


def test_no_broker_at_all_is_a_usage_error():
    with pytest.raises(UsageError, match="--brokers"):
        connect_admin(Settings(brokers=""))


def test_a_node_that_accepts_and_says_nothing_does_not_keep_us_from_the_others(broker):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for servers in (f"{address},{broker.bootstrap}", f"{broker.bootstrap},{address}"):
            with closing(connect_admin(Settings(brokers=servers))) as admin:
                assert admin.describe_topics() is not None


@pytest.mark.parametrize(
    ("error", "kind"),
    [(RequestTimedOutError(), BrokerUnreachable), (TopicAuthorizationFailedError(), VigilError)],
)
def test_a_broker_that_does_not_answer_in_time_is_told_from_one_that_refuses(monkeypatch, error, kind):
    class Admin:
        def describe_topics(self):
            raise error

        def close(self):
            pass

    monkeypatch.setattr(streams.kafka.admin, "connect_admin", lambda settings: Admin())
    with pytest.raises(VigilError, match="topics could not be read") as raised:
        inspect_topics(Settings(brokers="127.0.0.1:1"))
    assert type(raised.value) is kind
