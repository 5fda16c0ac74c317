"""Topics on the broker: what is planned, creating what is missing, telling what differs.

Nothing that exists is changed: more partitions would move patients between them, and a shorter retention
loses records. Configuration is compared where the broker reports it; the embedded one reports what it was
given and nothing for a topic that it created on demand.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kafka import KafkaAdminClient
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.contracts.topics import READINGS, TOPICS
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.codecs import AS_SENT, CODECS, unreadable_codecs
from streams.kafka.connect import connect_admin

CREATE_WAIT_S: Final = 15.0
"""For the broker to create the topics, and again for their partitions to have leaders."""

IN_SYNC_COPIES_MIN: Final = 2
"""With three copies or more a write counts once two have it: one broker may fail without loss or stop."""

COMPRESSED_BY: Final = "compression.type"

_ALREADY_EXISTS: Final = 36
_UNKNOWN_TOPIC: Final = 3


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """One topic as it should be; `config` holds only what differs from a broker's defaults."""

    name: str
    partitions: int
    replication: int
    about: str
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying the plan did to one topic."""

    topic: str
    result: Literal["created", "exists"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the broker is not as planned; `found` None means absent."""

    topic: str
    what: str
    planned: str
    found: str | None


CHANGELOG_CONFIG: Final = {
    "cleanup.policy": "compact",
    # Kafka never compacts the segment that it writes: small ones bound what a recovery reads beside the newest records.
    "segment.bytes": str(16 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.2",
    # A worker that slept may write old records behind newer ones. The owner notices at its next checkpoint and writes
    # them again; until then the newer ones must stay.
    "min.compaction.lag.ms": "120000",
}


@dataclass(frozen=True, slots=True)
class Inspection:
    """All differences, and the topics whose configuration the broker does not report."""

    differences: tuple[Difference, ...]
    unreported: tuple[str, ...]


def changelog_topic(settings: Settings) -> str:
    """Return the name that Faust gives to the patient table's changelog."""
    return f"{settings.judging_group}-patients-changelog"


def delivery_settings(settings: Settings) -> Settings:
    """Return the settings of delivery, which is a group of its own beside that of the workers."""
    alone = {"group": f"{settings.group}-delivery", "generation": 0, "factor": 1}
    return settings.model_copy(update=alone)


def delivery_changelog_topic(settings: Settings) -> str:
    """Return the name that Faust gives to the changelog of what delivery remembers."""
    return f"{delivery_settings(settings).group}-escalations-changelog"


def plan(settings: Settings) -> list[PlannedTopic]:
    """Return every topic that must exist, in the order of the flow, the changelogs of both tables last."""
    replicated = settings.replication > IN_SYNC_COPIES_MIN
    safety = {"min.insync.replicas": str(IN_SYNC_COPIES_MIN)} if replicated else {}
    planned = [
        PlannedTopic(
            settings.topic(topic.name),
            topic.partitions
            or (settings.reading_partitions if topic.name == READINGS else settings.partitions),
            settings.replication,
            topic.about,
            {**topic.config, **safety},
        )
        for topic in TOPICS
    ]
    changelogs = [
        PlannedTopic(name, partitions, settings.replication, about, {**CHANGELOG_CONFIG, **safety})
        for name, partitions, about in (
            (
                delivery_changelog_topic(settings),
                settings.partitions,
                "what delivery knows of open alarms, one record an episode, read back on recovery",
            ),
            (
                changelog_topic(settings),
                settings.reading_partitions,
                "the patient table's state, one record a patient, read back on recovery",
            ),
        )
    ]
    return [*planned, *changelogs]


def apply_topics(settings: Settings) -> list[Outcome]:
    """Create the topics that are missing and wait until they can be used; safe to repeat.

    Raises:
        BrokerUnreachable: no broker answered in time.
        VigilError: the broker refused a topic, or it got no leader in time.
    """
    planned = plan(settings)
    with closing(connect_admin(settings)) as admin:
        try:
            there = {topic["name"] for topic in admin.describe_topics() if _exists(topic)}
            # Only what is missing: who gives the readings more partitions has no right to make any other topic.
            missing = {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": topic.replication,
                    "configs": dict(topic.config),
                }
                for topic in planned
                if topic.name not in there
            }
            outcomes = [Outcome(topic.name, "exists") for topic in planned if topic.name in there]
            if missing:
                answer = admin.create_topics(
                    missing, timeout_ms=int(CREATE_WAIT_S * 1000), raise_errors=False
                )
                outcomes += [_outcome(topic) for topic in answer["topics"]]
            admin.wait_for_topics([topic.name for topic in planned], timeout_ms=int(CREATE_WAIT_S * 1000))
        except KafkaError as error:
            raise failure("topics were not created", error) from None
    order = {topic.name: position for position, topic in enumerate(planned)}
    return sorted(outcomes, key=lambda outcome: order[outcome.topic])


def check_topics(settings: Settings) -> list[Difference]:
    """Return every way in which the broker's topics differ from the plan; empty if there is none.

    Raises:
        BrokerUnreachable: no broker answered in time.
    """
    return list(inspect_topics(settings).differences)


def inspect_topics(settings: Settings) -> Inspection:
    """Compare the broker's topics with the plan and say what could not be compared.

    Raises:
        BrokerUnreachable: no broker answered in time.
        VigilError: the broker refused to answer.
    """
    planned = plan(settings)
    with closing(connect_admin(settings)) as admin:
        try:
            # All topics are listed, because asking for one by name would create it on some brokers.
            there = {topic["name"]: topic for topic in admin.describe_topics()}
            present = [topic for topic in planned if _exists(there.get(topic.name))]
            configs = _reported_configs(admin, [topic.name for topic in present])
        except KafkaError as error:
            raise failure("topics could not be read", error) from None
    differences: list[Difference] = []
    for topic in planned:
        if topic not in present:
            differences.append(Difference(topic.name, "topic", "present", None))
            continue
        differences += _shape_differences(topic, there[topic.name]["partitions"])
        reported = configs.get(topic.name, {})
        differences += [
            Difference(topic.name, key, value, reported.get(key))
            for key, value in topic.config.items()
            if reported and reported.get(key) != value
        ]
        differences += _codec_differences(topic.name, reported.get(COMPRESSED_BY))
    unreported = tuple(topic.name for topic in present if topic.config and not configs.get(topic.name))
    return Inspection(tuple(differences), unreported)


def kept_ms(settings: Settings, topic: str) -> int | None:
    """Return for how long a topic keeps its records, as the broker has it, ms; None where time alone does not say.

    Args:
        settings: where the brokers are.
        topic: with its prefix.

    Raises:
        BrokerUnreachable: no broker answered in time.
        VigilError: the broker refused to answer.
    """
    with closing(connect_admin(settings)) as admin:
        try:
            reported = _reported_configs(admin, [topic]).get(topic, {})
        except KafkaError as error:
            raise failure("topics could not be read", error) from None
    is_by_time = reported.get("retention.bytes") == "-1" and int(reported.get("retention.ms", -1)) >= 0
    return int(reported["retention.ms"]) if is_by_time else None


def failure(what: str, error: KafkaError) -> VigilError:
    """Return the error to raise: what another attempt may mend is a broker that does not serve at the moment."""
    return (BrokerUnreachable if error.retriable else VigilError)(f"{what}: {error}")


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    name, code = str(answer["name"]), int(answer["error_code"])
    if code == 0:
        return Outcome(name, "created")
    if code == _ALREADY_EXISTS:
        return Outcome(name, "exists")
    raise VigilError(f"topic {name} was refused: {answer.get('error_message') or f'error code {code}'}")


def _exists(answer: Mapping[str, Any] | None) -> bool:
    return answer is not None and answer["error_code"] != _UNKNOWN_TOPIC and bool(answer["partitions"])


def _shape_differences(topic: PlannedTopic, partitions: Sequence[Mapping[str, Any]]) -> list[Difference]:
    differences = []
    if len(partitions) != topic.partitions:
        differences.append(Difference(topic.name, "partitions", str(topic.partitions), str(len(partitions))))
    copies = min(len(partition["replica_nodes"]) for partition in partitions)
    if copies != topic.replication:
        differences.append(Difference(topic.name, "replication", str(topic.replication), str(copies)))
    return differences


def _codec_differences(topic: str, compressed: str | None) -> list[Difference]:
    """Return what is wrong with the codec in which a broker keeps all of a topic, if that is asked of it."""
    if compressed is None or compressed in AS_SENT:
        return []
    unreadable = {codec for _, codec in unreadable_codecs()}
    if compressed in CODECS and compressed not in unreadable:
        return []
    return [Difference(topic, COMPRESSED_BY, "a codec that can be read here (see vigil doctor)", compressed)]


def _reported_configs(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = admin.describe_configs(resources, config_filter=ConfigFilterType.ALL)
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in answer.get("topic", {}).items()
    }
