"""A gateway's view of `vitals.associations`: read to its end before it counts, followed in a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from edge.topic_thread import TopicThread
from streams.config.settings import Settings
from streams.contracts.association import AssociationRecord, Fact
from streams.contracts.topics import ASSOCIATIONS
from streams.errors import BrokerUnreachable, TopicsMismatch, VigilError
from streams.kafka.log_end import READ_S_MAX

CHECK_S: Final = 2.0
"""How often the broker is asked where the topic ends: the view is as old as the last answer that it had reached."""

ANSWER_MS_MAX: Final = 5_000
POLL_MS: Final = 200


class Known(NamedTuple):
    """A record of the topic: no `fact` = it was forgotten."""

    offset: int
    key: bytes
    fact: Fact | None
    append_ms: int


def read(record: Any) -> Known | None:
    """Return what a record says, None for one that cannot be read: it was written by no gateway of ours."""
    if record.key is None:
        return None
    fact = None
    if record.value is not None:
        try:
            fact = AssociationRecord.model_validate_json(record.value).root
        except ValidationError:
            return None
        if fact.key != record.key:
            return None
    return Known(int(record.offset), bytes(record.key), fact, int(record.timestamp))


class Following(TopicThread):
    """Follows the topic. `deliver` is called in the follower's thread with what has come.

    Args:
        settings: where the brokers are.
        deliver: told what came, in the log's order; hands it to the thread that files.
        forget: called, likewise, where all that came counts no more: the topic was made anew.
    """

    def __init__(
        self,
        settings: Settings,
        deliver: Callable[[Sequence[Known]], None],
        forget: Callable[[], None],
    ) -> None:
        super().__init__(settings, "associations")
        self._deliver, self._forget = deliver, forget
        self._tp = TopicPartition(settings.topic(ASSOCIATIONS), 0)
        self._ready = threading.Event()
        self._next = 0
        self._current_s = float("-inf")
        self.skipped = 0
        """Records that could not be read."""

    def start(self, wait_s: float = READ_S_MAX) -> None:
        """Begin, and return when the topic was read to its end.

        Raises:
            VigilError: it was not within `wait_s`.
        """
        self._thread.start()
        if not self._ready.wait(wait_s):
            self.close()
            raise VigilError(
                f"{self._tp.topic} was not read to its end within {wait_s:g} s: {self.failure or 'no end'}"
            )

    @property
    def age_s(self) -> float:
        """How old the view may be, s: beyond `refiler.VIEW_MS_MAX` nothing may be filed by it."""
        return time.monotonic() - self._current_s

    def _follow(self, consumer: Any) -> None:
        if not consumer.partitions_for_topic(self._tp.topic):
            raise TopicsMismatch(f"no topic {self._tp.topic}: run vigil topics apply")
        consumer.assign([self._tp])
        if self._end(consumer) < self._next:
            self._current_s, self._next = float("-inf"), 0  # first: nothing is filed by what is being read
            self._forget()
        consumer.seek(self._tp, self._next) if self._next else consumer.seek_to_beginning(self._tp)
        asked_s, end = float("-inf"), None
        while not self._stop.is_set():
            now_s = time.monotonic()
            if now_s - asked_s >= CHECK_S:
                end, asked_s = self._end(consumer), now_s
            found = consumer.poll(timeout_ms=POLL_MS).get(self._tp, [])
            known = [one for record in found if (one := read(record)) is not None]
            self.skipped += len(found) - len(known)
            if known:
                self._deliver(known)
            position = consumer.position(self._tp, timeout_ms=ANSWER_MS_MAX)
            if position < self._next:
                raise VigilError(f"{self._tp.topic} ends before what was read of it: was it made anew?")
            self._next = position
            end = max(end or 0, consumer.highwater(self._tp) or 0)
            if self._next >= end:
                self._current_s, self.failure = asked_s, ""
                self._ready.set()

    def _end(self, consumer: Any) -> int:
        try:
            return int(consumer.end_offsets([self._tp], timeout_ms=ANSWER_MS_MAX)[self._tp])
        except KafkaError as error:
            raise BrokerUnreachable(f"the broker does not say where {self._tp.topic} ends: {error}") from None
