"""Dead letters: records that could not be accepted, as they came, with reason and origin in their headers."""

from dataclasses import dataclass
from typing import Final

from agents.metrics import Metrics
from streams.decoded import Reject
from streams.publisher import Publisher
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

DETAIL_MAX: Final = 300
"""Characters of a dead letter's explanation."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Writes what was refused."""

    settings: Settings
    publisher: Publisher
    metrics: Metrics

    async def refuse(self, reject: Reject, topic: str, partition: int) -> None:
        """Write a record of a partition of a topic as it came."""
        record = reject.record
        headers = [
            ("reason", reject.reason.encode()),
            ("detail", reject.detail[:DETAIL_MAX].encode(errors="replace")),
            ("topic", topic.encode()),
            ("partition", str(partition).encode()),
            ("offset", str(record.offset).encode()),
            ("append_ts_ms", str(record.timestamp).encode()),
        ]
        to = self.settings.topic(DEAD_LETTERS)
        await self.publisher.publish(to, record.key, record.value, headers=headers)
        self.metrics.dead_letters.labels(reason=reject.reason).inc()
