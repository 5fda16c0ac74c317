"""The faults themselves: what a drill does to processes, brokers' logs and folders. Nothing here waits for recovery."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import VigilError
from streams.kafka.admin import changelog_topic
from streams.kafka.connect import connect_admin

UP_TO_THE_END: Final = -1
"""As the protocol has it: delete records up to the high watermark."""

DELETE_TIMEOUT_MS: Final = 15_000
_CLEANUP_POLICY: Final = "cleanup.policy"


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process with SIGSTOP while the `with` block lasts, then let it go on as if no time had passed."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def leader_of(settings: Settings, topic: str, partition: int = 0) -> int:
    """Return the id of the node that leads a partition.

    Raises:
        VigilError: the topic or the partition is not there, or has no leader.
    """
    with closing(connect_admin(settings)) as admin:
        for described in admin.describe_topics([topic]):
            for found in described["partitions"]:
                if found["partition_index"] == partition and found["leader_id"] >= 0:
                    return int(found["leader_id"])
    raise VigilError(f"partition {partition} of {topic} has no leader")


def in_sync(settings: Settings) -> bool:
    """Whether every copy of every partition of the readings, alerts and the changelog is in sync, as brokers say."""
    topics = [settings.topic(READINGS), settings.topic(ALERTS), changelog_topic(settings)]
    try:
        with closing(connect_admin(settings)) as admin:
            return all(
                len(found["isr_nodes"]) == len(found["replica_nodes"])
                for described in admin.describe_topics(topics)
                for found in described["partitions"]
            )
    except (VigilError, KafkaError):  # who does not answer is not in sync
        return False


def delete_records(settings: Settings, topic: str) -> None:
    """Delete everything that a topic holds, as an operator's mistake would: its log then begins at its end.

    Kafka refuses this for a topic that is only compacted; like the operator, we change the policy first and put
    it back after.
    """
    with closing(connect_admin(settings)) as admin:
        partitions = [found["partition_index"] for found in admin.describe_topics([topic])[0]["partitions"]]
        _set_policy(admin, topic, "compact,delete")
        try:
            whole = {TopicPartition(topic, partition): UP_TO_THE_END for partition in partitions}
            admin.delete_records(whole, timeout_ms=DELETE_TIMEOUT_MS)
        finally:
            _set_policy(admin, topic, "compact")


def remove_folder(folder: Path) -> None:
    """Delete what a worker keeps on disk."""
    shutil.rmtree(folder)


def _set_policy(admin: KafkaAdminClient, topic: str, policy: str) -> None:
    changed = admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, {_CLEANUP_POLICY: policy})]
    )
    if (said := changed["topic"][topic]) != "OK":
        raise VigilError(f"{topic}: {_CLEANUP_POLICY} was not changed: {said}")
