"""Reads what a system tells: alerts with the time at which the broker appended them."""

import json
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition

from streams.errors import VigilError

REQUEST_MS: Final = 15_000
FETCH_WAIT_MS: Final = 50


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as it stands in the topic; times in ms since the epoch, `append_ms` by the broker's clock."""

    patient: str
    rule: str
    phase: str
    onset_ms: int
    event_ms: int
    append_ms: int

    @property
    def content(self) -> tuple[str, str, str, int, int]:
        """What makes two records the same alert."""
        return self.patient, self.rule, self.phase, self.onset_ms, self.event_ms


def told(record: Any) -> Told:
    """Return the alert of a record of the alerts topic."""
    alert = json.loads(record.value)
    return Told(
        alert["patient"],
        alert["rule"],
        alert["phase"],
        alert["onset_ts_ms"],
        alert["event_ts_ms"],
        record.timestamp,
    )


class AlertsReader:
    """Reads an alerts topic from its present end on; use it as a context manager.

    The topic must stamp records itself (LogAppendTime), so that a late reader changes no time.
    """

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=[broker],
            enable_auto_commit=False,
            request_timeout_ms=REQUEST_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_poll_records=5_000,
        )
        places = [TopicPartition(topic, number) for number in range(partitions)]
        self._consumer.assign(places)
        self._consumer.seek_to_end(*places)
        for place in places:
            self._consumer.position(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # what was read is read
            self._consumer.close()

    def poll(self, wait_s: float) -> list[Told]:
        """Return the alerts that have come, waiting for some at most `wait_s`.

        Raises:
            VigilError: the topic is not stamped by the broker.
        """
        found = []
        for records in self._consumer.poll(timeout_ms=int(wait_s * 1000)).values():
            for record in records:
                if record.timestamp_type != 1:
                    raise VigilError(f"{record.topic} is not stamped with the time of appending")
                found.append(told(record))
        return found
