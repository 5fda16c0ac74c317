"""`vitals.reference` read whole, or followed in a thread of its own: whoever asks never waits for Kafka.

Shown data, not deciding data: while no broker answers, the last that was known stands, and `age_s` says how old it is.
"""

import threading
import time
from typing import Any, Final

from kafka import TopicPartition
from pydantic import ValidationError

from edge.records import Skipped
from edge.topic_thread import TopicThread
from streams.errors import TopicsMismatch
from streams.log_end import read_whole
from streams.reference import Fact, Reference, ReferenceRecord
from streams.settings import Settings
from streams.topics import REFERENCE

POLL_MS: Final = 500
ANSWER_MS_MAX: Final = 5_000


def read_fact(record: Any) -> Fact | None:
    """Return what a record says; None for one that cannot be read, or stands under another key than its own."""
    try:
        fact = ReferenceRecord.model_validate_json(record.value or b"").root
    except ValidationError:
        return None
    return fact if fact.key == record.key else None


def take(records: Any, before: Reference, skipped: Skipped) -> Reference:
    """Return the reference data after some records."""
    changes: dict[bytes, Fact | None] = {}
    for record in records:
        if record.key is not None and record.value is None:
            changes[bytes(record.key)] = None
        elif (fact := read_fact(record)) is not None:
            changes[fact.key] = fact
            skipped.read += 1
        else:
            skipped.note(record, "no ward, bed or line of the formulary")
    return before.changed(changes) if changes else before


def read_reference(settings: Settings, skipped: Skipped) -> Reference:
    """Return all that is said now; what cannot be read is noted. A topic that does not exist says nothing.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the topic could not be read to its end.
    """
    return take(read_whole(settings, settings.topic(REFERENCE)), Reference(), skipped)


class Follower(TopicThread):
    """Follows the topic; a context manager. `now` is replaced as a whole when something changes.

    Attributes:
        now: what is said by now; empty until the topic was read for the first time.
        skipped: records that cannot be read.
        failure: why the topic cannot be read now; empty while it can.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "reference")
        self._tp = TopicPartition(settings.topic(REFERENCE), 0)
        self._ready = threading.Event()
        self._next = 0
        self._current_s = float("-inf")
        self.now = Reference()
        self.skipped = Skipped()

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_ready(self, wait_s: float) -> bool:
        """Tell whether the topic was read to its end within `wait_s`; for who starts, never for who answers."""
        return self._ready.wait(wait_s)

    @property
    def age_s(self) -> float:
        """How long ago the topic's end was last reached, s; infinite before the first time."""
        return time.monotonic() - self._current_s

    def _follow(self, consumer: Any) -> None:
        if not consumer.partitions_for_topic(self._tp.topic):
            raise TopicsMismatch(f"no topic {self._tp.topic}: run vigil topics apply")
        consumer.assign([self._tp])
        if int(consumer.end_offsets([self._tp], timeout_ms=ANSWER_MS_MAX)[self._tp]) < self._next:
            self._next = 0  # the topic was made anew; what is known stands until its records replace it
        consumer.seek(self._tp, self._next) if self._next else consumer.seek_to_beginning(self._tp)
        while not self._stop.is_set():
            asked_s = time.monotonic()
            records = consumer.poll(timeout_ms=POLL_MS).get(self._tp, [])
            if records:
                self.now = take(records, self.now, self.skipped)
            self._next = int(consumer.position(self._tp, timeout_ms=ANSWER_MS_MAX))
            if self._next >= (self._end(consumer) if not records else self._next + 1):
                self._current_s, self.failure = asked_s, ""
                self._ready.set()

    def _end(self, consumer: Any) -> int:
        """Return where the topic ends, asked of the broker: silence alone does not say that there is one."""
        end = int(consumer.end_offsets([self._tp], timeout_ms=ANSWER_MS_MAX)[self._tp])
        return max(end, int(consumer.highwater(self._tp) or 0))
