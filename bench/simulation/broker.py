"""The broker as workers see it: a log that grows, topics that are written with delays, and a group's offsets."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from streams.decoding.decoded import Record

Pair = tuple[bytes | None, bytes | None]
ALERTS: Final = "alerts"
ANSWERS: Final = "answers"
CHANGELOG: Final = "changelog"
PROMISED: Final = (ALERTS, ANSWERS, CHANGELOG)
"""What a promise hangs on; other writes arrive at once."""

TWICE: Final = 0.05
"""How often a write is repeated by the producer, because its first acknowledgement was lost."""


@dataclass(slots=True)
class Write:
    """Records on their way from one worker to one topic partition; they arrive together."""

    worker: int
    topic: str
    partition: int
    records: list[Pair]
    arrival: "asyncio.Future[int]"
    last_offset: int = -1


@dataclass(slots=True)
class Broker:
    """Topics, writes on their way, acknowledgements on their way, and what the group has committed."""

    random: Random
    readings: list[Sequence[Record]]
    visible: list[int] = field(default_factory=list)
    """How many records of each readings partition have been written so far."""
    changelog: list[list[Pair]] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    committed: dict[int, int] = field(default_factory=dict)
    generation: int = 0
    sent: dict[tuple[int, str, int], deque[Write]] = field(default_factory=dict)
    """Writes that have not arrived, in the order of each worker and topic partition."""
    arrived: list[Write] = field(default_factory=list)
    """Writes whose acknowledgement is on its way."""

    def __post_init__(self) -> None:
        self.visible = [0] * len(self.readings)
        self.changelog = [[] for _ in self.readings]

    def send(self, worker: int, topic: str, partition: int, records: Sequence[Pair]) -> "asyncio.Future[int]":
        """Put a write on its way."""
        write = Write(worker, topic, partition, list(records), asyncio.get_running_loop().create_future())
        if topic not in PROMISED:  # boards, whose writes would only crowd out the others
            write.arrival.set_result(write.last_offset)
            return write.arrival
        self.sent.setdefault((worker, topic, partition), deque()).append(write)
        return write.arrival

    def arrive(self, place: tuple[int, str, int]) -> None:
        """Let the oldest write of a place arrive, now and then twice."""
        write = self.sent[place].popleft()
        if not self.sent[place]:
            del self.sent[place]
        for _ in range(2 if self.random.random() < TWICE else 1):
            if write.topic == ALERTS:
                self.alerts += [value for _, value in write.records if value is not None]
            elif write.topic == ANSWERS:
                self.answers += [value for _, value in write.records if value is not None]
            elif write.topic == CHANGELOG:
                self.changelog[write.partition] += write.records
                write.last_offset = len(self.changelog[write.partition]) - 1
        self.arrived.append(write)

    def acknowledge(self, index: int) -> None:
        """Tell a worker that its write has arrived."""
        write = self.arrived.pop(index)
        if not write.arrival.done():
            write.arrival.set_result(write.last_offset)

    def lose(self, worker: int) -> None:
        """The worker is dead: some of its writes still arrive, the others are lost; nobody is told."""
        for place in [place for place in self.sent if place[0] == worker]:
            for _ in range(self.random.randint(0, len(self.sent[place]))):
                self.arrive(place)
            self.sent.pop(place, None)
        self.arrived = [write for write in self.arrived if write.worker != worker]

    def commit(self, generation: int, offsets: dict[int, int]) -> bool:
        """Commit offsets of a member of the group; one that has been left out is refused."""
        if generation != self.generation:
            return False
        self.committed.update(offsets)
        return True

    def state(self) -> dict[str, Any]:
        """Return how far everything is, for a failure's report."""
        return {
            "visible": self.visible,
            "committed": self.committed,
            "changelog": list(map(len, self.changelog)),
        }
