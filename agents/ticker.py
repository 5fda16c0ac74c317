"""The ticker: writes a tick a second into every partition of the readings that this worker owns.

Ticks make the absence of data part of the log: a replay sees the same ticks, and a worker that is behind does not
take its own lag for a silent patient. Two owners ticking for a moment are harmless.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from streams.contracts.frame import TICK_KEY, encode_tick
from streams.kafka.publisher import Publisher

TURNS: Final = 8
"""Partitions get their ticks in turns within the second: judged all at once, they would hold up what comes then."""


@dataclass(slots=True)
class Ticker:
    """Writes ticks to the partitions of the topic that `owned` names: this worker's, none while they change."""

    publisher: Publisher
    topic: str
    owned: Callable[[], Iterable[int]]
    wall_s: Callable[[], float]
    _turn: int = 0

    async def tick(self) -> None:
        """Write one tick to each owned partition whose turn it is; called `TURNS` times a second."""
        turn, self._turn = self._turn, (self._turn + 1) % TURNS
        value = encode_tick(int(self.wall_s() * 1000))
        for partition in sorted(self.owned())[turn::TURNS]:
            await self.publisher.publish(self.topic, TICK_KEY, value, partition=partition)
