"""Dead letters: the beginning of records that could not be accepted, with reason and origin in their headers."""

from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import Counter

from streams.config.settings import Settings
from streams.contracts.topics import DEAD_LETTERS
from streams.decoding.decoded import Reject
from streams.kafka.publisher import Publisher

DETAIL_MAX: Final = 300
"""Characters of a dead letter's explanation."""

KEPT_BYTES_MAX: Final = 64 * 1024
"""Of a record, key and value together: whoever sends what is refused must not fill the brokers' disks with it."""

KEY_KEPT_BYTES_MAX: Final = 1024
"""Of its key: no key of ours is longer."""


class Counts(Protocol):
    """What counts dead letters: the metrics of whichever process refuses records."""

    @property
    def dead_letters(self) -> Counter:
        """Records refused, by reason."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Writes what was refused."""

    settings: Settings
    publisher: Publisher
    metrics: Counts

    async def refuse(self, reject: Reject, topic: str, partition: int) -> None:
        """Write a record of a partition of a topic as it came, but no more of it than `KEPT_BYTES_MAX`."""
        record = reject.record
        key, value = kept(record.key, record.value)
        headers = [
            ("reason", reject.reason.encode()),
            ("detail", reject.detail[:DETAIL_MAX].encode(errors="replace")),
            ("topic", topic.encode()),
            ("partition", str(partition).encode()),
            ("offset", str(record.offset).encode()),
            ("append_ts_ms", str(record.timestamp).encode()),
            ("key_bytes", str(len(record.key or b"")).encode()),
            ("value_bytes", str(len(record.value or b"")).encode()),
        ]
        to = self.settings.topic(DEAD_LETTERS)
        await self.publisher.publish(to, key, value, headers=headers)
        self.metrics.dead_letters.labels(reason=reject.reason).inc()


def kept(key: bytes | None, value: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Return as much of a refused record as its dead letter holds."""
    key = None if key is None else key[:KEY_KEPT_BYTES_MAX]
    return key, None if value is None else value[: KEPT_BYTES_MAX - len(key or b"")]
