"""Where readings wait that nobody acknowledges: a bounded queue in memory, and the task that empties it."""

import asyncio
import time
from collections import deque
from typing import Final, Protocol

from edge.gateway.accept import Busy, Door, NotStored, Reading, Sender
from edge.gateway.metrics import ProtocolMetrics

READINGS_HELD_MAX: Final = 50_000
"""Readings that wait for Kafka; 25 min of 30 providers at 1 Hz."""

READINGS_A_CALL_MAX: Final = 500
RETRY_S_MIN: Final = 0.05
RETRY_S: Final = 1.0


class Full(Exception):
    """There is no room for another reading."""


class Holding(Protocol):
    """Takes readings that must be kept until Kafka has them."""

    def put(self, sender: Sender, reading: Reading) -> None:
        """Keep a reading; raises Full where there is no room."""


class MemoryHolding:
    """Holds them in memory: what waits is lost with the process.

    Args:
        door: the way into Kafka.
        counted: counts.
        readings_max: how many wait.
    """

    def __init__(self, door: Door, counted: ProtocolMetrics, readings_max: int = READINGS_HELD_MAX) -> None:
        self._door, self._counted, self._max = door, counted, readings_max
        self._waiting: deque[tuple[Sender, Reading, str]] = deque()
        self._come, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()

    @property
    def held(self) -> int:
        """Readings that are not known to be in Kafka."""
        return len(self._waiting)

    def put(self, sender: Sender, reading: Reading) -> None:
        """Keep a reading.

        Raises:
            Full: as many wait as may.
        """
        if len(self._waiting) >= self._max:
            raise Full
        # The door writes into a frame whom it filed it under; another try must know whom the provider named.
        self._waiting.append((sender, reading, reading.frame.patient))
        self._come.set()
        self._empty.clear()

    async def run(self) -> None:
        """Bring what waits to the door, in its order, again until it is there."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                wait_s = await self._bring()
                if wait_s:
                    await asyncio.sleep(wait_s)
            self._empty.set()

    async def flush(self, wait_s: float) -> int:
        """Wait until nothing waits, at most so long; return how many are given up."""
        try:
            async with asyncio.timeout(wait_s):
                await self._empty.wait()
        except TimeoutError:
            pass
        return len(self._waiting)

    async def _bring(self) -> float:
        """Store the first that are of one sender; return how long to wait before the next try."""
        sender = self._waiting[0][0]
        readings: list[Reading] = []
        for whose, reading, named in self._waiting:
            if whose != sender or len(readings) == READINGS_A_CALL_MAX:
                break
            reading.frame.patient = named
            readings.append(reading)
        began_s = time.monotonic()
        try:
            results = await self._door.readings(sender, readings)
        except Busy as busy:
            self._counted.refused("busy")
            return min(max(busy.retry_after_s, RETRY_S_MIN), RETRY_S)
        except (NotStored, TimeoutError):
            self._counted.refused("not-stored")
            return RETRY_S
        for _ in readings:
            self._waiting.popleft()
        self._counted.answered(results, time.monotonic() - began_s)
        return 0.0
