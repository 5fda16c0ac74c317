"""How far the readings reach and how far the group has judged them for good, asked in a thread of its own.

The questions wait for the brokers; the watcher does not. What was answered last is there to be taken at any time.
"""

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.watching.signs import NOTHING
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import VigilError
from streams.kafka.connect import connect_admin, connect_consumer

EVERY_S: Final = 2.0
ANSWER_S_MAX: Final = 5.0
END_S_MAX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """When it was answered (monotonic clock, s), and by partition the log's end and the group's committed offset."""

    at_s: float
    found: dict[int, tuple[int, int]]


class LogLook:
    """Asks every `EVERY_S` for as long as the `with` block lasts."""

    def __init__(self, settings: Settings, partitions: tuple[int, ...]) -> None:
        self._settings = settings
        self._tps = [TopicPartition(settings.topic(READINGS), number) for number in partitions]
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._fresh: Look | None = None
        self._thread = threading.Thread(target=self._run, name="vigil-log-look", daemon=True)

    def __enter__(self) -> "LogLook":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(END_S_MAX)  # it is a daemon: one that waits for a broker ends with the process

    def take(self) -> Look | None:
        """Return the last answer, once; None if there is none since the last time."""
        with self._lock:
            fresh, self._fresh = self._fresh, None
        return fresh

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with (
                    closing(connect_admin(self._settings, ANSWER_S_MAX)) as admin,
                    closing(connect_consumer(self._settings, ANSWER_S_MAX)) as consumer,
                ):
                    while not self._ending.wait(EVERY_S):
                        self._look(admin, consumer)
            except (KafkaError, VigilError, OSError):
                self._ending.wait(EVERY_S)  # the brokers are away: the age of the last answer says so

    def _look(self, admin: Any, consumer: Any) -> None:
        group = self._settings.judging_group
        offsets = admin.list_group_offsets({group: self._tps})[group]
        ends = consumer.end_offsets(self._tps, timeout_ms=round(ANSWER_S_MAX * 1000))
        found = {
            tp.partition: (int(ends[tp]), max(NOTHING, int(offsets[tp].offset)) if tp in offsets else NOTHING)
            for tp in self._tps
        }
        with self._lock:
            self._fresh = Look(time.monotonic(), found)
