"""The ticker: writes a tick a second into every partition of the readings that this worker owns.

Ticks make the absence of data part of the log: a replay sees the same ticks, and a worker that is behind does not
take its own lag for a silent patient. Two owners ticking for a moment are harmless.
"""

import logging
from collections.abc import Callable, Iterable

from streams.frames import TICK_KEY, encode_tick
from streams.publisher import Publisher

logger = logging.getLogger(__name__)


class Ticker:
    """Writes ticks for the partitions that `owned` names.

    Args:
        publisher: where the ticks go.
        topic: the readings topic.
        owned: partitions of this worker at the moment; empty while it is rebalancing or recovering.
        wall_s: the wall clock.
    """

    def __init__(
        self,
        publisher: Publisher,
        topic: str,
        owned: Callable[[], Iterable[int]],
        wall_s: Callable[[], float],
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._owned = owned
        self._wall_s = wall_s

    async def tick(self) -> None:
        """Write one tick to each owned partition."""
        value = encode_tick(int(self._wall_s() * 1000))
        for partition in sorted(self._owned()):
            await self._publisher.publish(self._topic, TICK_KEY, value, partition=partition)
