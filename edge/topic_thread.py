"""A thread that reads topics without a consumer group, as long as it is wanted: brokers may go and come."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import closing
from typing import Any, Final, Self

from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.connect import connect_consumer

AGAIN_S: Final = 1.0
"""Between two tries to reach a broker."""

END_S_MAX: Final = 5.0
"""How long the end of the thread is waited for."""

POLL_MS: Final = 500
ANSWER_MS_MAX: Final = 5_000


class TopicThread(ABC):
    """Gives `_follow` a consumer, and another one whenever it has failed, until it is closed.

    Args:
        settings: where the brokers are.
        name: of the thread.
        client: further options of the consumer.

    Attributes:
        failure: why nothing can be read now; empty while it can.
    """

    def __init__(self, settings: Settings, name: str, **client: Any) -> None:
        self._settings, self._client = settings, client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure = ""

    def close(self) -> None:
        """End the thread, if it was begun."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_S_MAX)

    def _run(self) -> None:
        options = {"allow_auto_create_topics": False, **self._client}
        while not self._stop.is_set():
            try:
                with closing(connect_consumer(self._settings, **options)) as consumer:
                    self._follow(consumer)
            except (
                Exception
            ) as error:  # kafka-python raises others than its own, too; all the same, try again
                known = isinstance(error, KafkaError | VigilError)
                self.failure = str(error) if known else type(error).__name__
                self._stop.wait(AGAIN_S)

    @abstractmethod
    def _follow(self, consumer: Any) -> None:
        """Read until `_stop` is set, and clear `failure` when it succeeds."""


class WholeTopic(TopicThread):
    """Reads a compacted topic of one partition whole and follows it; a context manager. Whoever asks never waits.

    Shown data, not deciding data: while no broker answers, the last that was known stands; `age_s` says how old it is.

    Args:
        settings: where the brokers are.
        topic: without its prefix.
        name: of the thread.
    """

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        super().__init__(settings, name)
        self._tp = TopicPartition(settings.topic(topic), 0)
        self._ready = threading.Event()
        self._next = 0
        self._current_s = float("-inf")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_ready(self, wait_s: float) -> bool:
        """Tell whether the topic was read to its end within `wait_s`; for who starts, never for who answers."""
        return self._ready.wait(wait_s)

    @property
    def is_ready(self) -> bool:
        """Whether the topic was ever read to its end."""
        return self._ready.is_set()

    @property
    def age_s(self) -> float:
        """How long ago the topic's end was last reached, s; infinite before the first time."""
        return time.monotonic() - self._current_s

    @abstractmethod
    def _take(self, records: Iterable[Any]) -> None:
        """Take records in, in the order of the log; a value of None deletes its key."""

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
                self._take(records)
            self._next = int(consumer.position(self._tp, timeout_ms=ANSWER_MS_MAX))
            if not records and self._next >= self._end(consumer):
                self._current_s, self.failure = asked_s, ""
                self._ready.set()

    def _end(self, consumer: Any) -> int:
        """Return where the topic ends, asked of the broker: silence alone does not say that there is one."""
        end = int(consumer.end_offsets([self._tp], timeout_ms=ANSWER_MS_MAX)[self._tp])
        return max(end, int(consumer.highwater(self._tp) or 0))
