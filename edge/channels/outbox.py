"""What is to be in Kafka: written in order, acknowledged by all copies, again until it is there."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

BATCH_MAX: Final = 500
LOOK_S: Final = 0.002
AGAIN_S: Final = 0.2
UNWRITTEN_MAX: Final = 100_000
"""With Kafka away nothing new is queued, and what is being tried ends: far fewer than these. The oldest go first."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One record; `partition` None = where its key says."""

    key: bytes | None
    value: bytes
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Producing(Protocol):
    """`streams.kafka.producers.Producer`, as it is used here."""

    def send(
        self,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        ts_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Any | None:
        """Hand over a record; None = not now."""
        ...


class Outbox:
    """Writes to one topic. A record that failed for good is written again before what came after it."""

    def __init__(self, producer: Producing) -> None:
        self._producer = producer
        self._waiting: deque[Letter] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost = 0
        """Records that were let go because too many waited."""

    @property
    def unwritten(self) -> int:
        """Records that Kafka has not acknowledged, but for those of the batch that is under way."""
        return len(self._waiting)

    def put(self, letter: Letter) -> None:
        """Take a record."""
        if len(self._waiting) >= UNWRITTEN_MAX:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(letter)
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            if not self._waiting:
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            left = await self._write(batch)
            if left:
                self._waiting.extendleft(reversed(left))
                await asyncio.sleep(AGAIN_S)

    async def drained(self, wait_s: float) -> bool:
        """Wait until all is written; False = it was not within `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _write(self, batch: list[Letter]) -> list[Letter]:
        """Return what of a batch is not written: from the first record on that has failed."""
        under_way = []
        for one in batch:
            sent = self._producer.send(one.key, one.value, one.partition, headers=one.headers)
            if sent is None:
                break
            under_way.append(sent)
        for sent in under_way:
            while not sent.is_done:  # noqa: ASYNC110  # kafka-python's futures have no event of asyncio's
                await asyncio.sleep(LOOK_S)
        good = 0
        for sent in under_way:
            if not sent.succeeded():
                break
            good += 1
        return batch[good:]
