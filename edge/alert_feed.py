"""Reading the alerts topic without a consumer group: from its start or from now, to its end or on and on."""

import time
from dataclasses import dataclass
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.records import Skipped, read_record
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.topics import ALERTS
from streams.errors import BrokerUnreachable, TopicsMismatch
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of
from streams.kafka.log_search import offsets_at

LIVENESS_S: Final = 5.0
"""After so long without a record the broker is asked for a sign of life: silence must not look like calm."""

OFFSETS_TIMEOUT_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Received:
    """One alert and where it was; `timestamp_ms` is the record's on the broker."""

    alert: Alert
    timestamp_ms: int
    partition: int
    offset: int


class AlertFeed:
    """A reader of `vitals.alerts`; close it, or use it in a `with` block.

    `since_ms` is the time, ms, at which the broker took the first alerts that are read; 0 = from the topic's start,
    None = those that come from now on.

    Attributes:
        skipped: records that cannot be read as an alert.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no alerts topic.
    """

    def __init__(self, settings: Settings, since_ms: int | None = 0) -> None:
        self._brokers = settings.brokers
        self._consumer: Any = connect_consumer(settings, allow_auto_create_topics=False)
        self.skipped = Skipped()
        try:
            topic = settings.topic(ALERTS)
            found = self._consumer.partitions_for_topic(topic)
            if not found:
                raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
            self._partitions = [TopicPartition(topic, number) for number in sorted(found)]
            self._ends: dict[TopicPartition, int] = ends_of(self._consumer, self._partitions)
            self._consumer.assign(self._partitions)
            begin = offsets_at(self._consumer, self._partitions, since_ms) if since_ms else {}
            self._consumer.assign(self._partitions)  # looking for a time may have left others assigned
            for partition in self._partitions:
                if since_ms is None:
                    self._consumer.seek(partition, self._ends[partition])
                elif partition in begin:
                    self._consumer.seek(partition, begin[partition])
                else:
                    self._consumer.seek_to_beginning(partition)
        except BaseException:
            self.close()
            raise
        self._heard_s = time.monotonic()

    def __enter__(self) -> "AlertFeed":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    @property
    def reached_end(self) -> bool:
        """Whether everything that was there when the feed was opened has been read."""
        return all(
            self._consumer.position(partition, timeout_ms=OFFSETS_TIMEOUT_MS) >= self._ends[partition]
            for partition in self._partitions
        )

    def poll(self, timeout_s: float) -> list[Received]:
        """Return the alerts that are there or come within `timeout_s`, in the order of each partition.

        Raises:
            BrokerUnreachable: nothing came for `LIVENESS_S` and the broker does not answer.
        """
        batches = self._consumer.poll(timeout_ms=max(0, int(timeout_s * 1000)))
        received = [
            item for records in batches.values() for record in records if (item := self._read(record))
        ]
        now_s = time.monotonic()
        if batches:
            self._heard_s = now_s
        elif now_s - self._heard_s > LIVENESS_S:
            self._offsets()
            self._heard_s = time.monotonic()
        return received

    def _offsets(self) -> dict[TopicPartition, int]:
        try:
            return dict(self._consumer.end_offsets(self._partitions, timeout_ms=OFFSETS_TIMEOUT_MS))
        except KafkaError as error:
            raise BrokerUnreachable(f"the broker at {self._brokers} stopped answering: {error}") from None

    def _read(self, record: Any) -> Received | None:
        if (alert := read_record(Alert, record, self.skipped)) is None:
            return None
        return Received(alert, int(record.timestamp), int(record.partition), int(record.offset))
