"""Stops the process when a topic's number of partitions changes under it.

Clients choose a patient's partition by hash over the number of partitions. When that number changes, new frames of
a patient go to another partition than its state, delays and open alarms: a silent alarm that nobody would notice.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.kafka.publisher import fail_stop

METADATA_AGE_S_MAX: Final = 5.0
"""How long a client of ours goes on with what the broker told it about partitions."""


class PartitionGuard:
    """Listens to what the broker tells a Kafka client about its topics.

    Args:
        planned: number of partitions by name of the topic, as it is on the broker.
        on_change: what to do about another number; the default stops the process.
    """

    def __init__(self, planned: Mapping[str, int], on_change: Callable[[str], None] = fail_stop) -> None:
        self._planned = dict(planned)
        self._on_change = on_change

    def watch(self, client: Any) -> None:
        """Listen to an aiokafka client, from before it is started: the first listener is called first."""
        client.cluster.add_listener(self)

    def __call__(self, cluster: Any) -> None:
        """Compare what a client has just been told; a topic of which it was told nothing is left alone."""
        for topic, planned in self._planned.items():
            found = cluster.partitions_for_topic(topic)
            if found and len(found) != planned:
                self._on_change(
                    f"{topic} has {len(found)} partitions now, this group works with {planned}: patients would "
                    "move away from their state; `vigil topics check` tells more, docs/operations.md what to do"
                )
