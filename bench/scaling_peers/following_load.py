"""The drill's load from a writer that follows the topic: what partitions there are, it learns as any producer does.

Runs as a process of its own: `python -m bench.scaling_peers.following_load PLAN LEDGER`. It is `bench.drills.load` but
for this: a frame goes to the partition that its key's hash says among those that the writer knows at the moment.
"""

import asyncio
import sys
from typing import Any, Final

from bench.drills.ledger import Ledger
from bench.drills.load import Lanes, main
from bench.drills.ward import Due, LoadPlan
from streams.contracts.partitions import partition_of

METADATA_AGE_MS: Final = 1_000
"""How old what the writer knows of the topic may be. Kafka's default is five minutes: longer than the drill."""

ASK_S: Final = 0.25


class FollowingLanes(Lanes):
    """A lane a partition; more of them when the topic has more."""

    def __init__(self, producer: Any, plan: LoadPlan, ledger: Ledger) -> None:
        self._places: dict[bytes, int] = {}
        super().__init__(producer, plan, ledger)
        self._following = asyncio.create_task(self._follow())

    def grow(self, partitions: int) -> None:
        """Have as many lanes as that, and look anew where each key belongs."""
        if partitions > len(self._lanes):
            super().grow(partitions)
            self._places.clear()

    def put(self, due: Due) -> None:
        """Take over one record."""
        assert due.key is not None  # the plain shape has a key everywhere
        place = self._places.get(due.key)
        if place is None:
            place = self._places[due.key] = partition_of(due.key.decode(), len(self._lanes))
        self._lanes[place].put(due)

    def end(self) -> None:
        """Follow no more, and end as others do."""
        self._following.cancel()
        super().end()

    async def _follow(self) -> None:
        """Ask for ever how many partitions the topic has."""
        while True:
            self.grow(len(await self._producer.partitions_for(self._plan.topic)))
            await asyncio.sleep(ASK_S)


if __name__ == "__main__":
    sys.exit(main(FollowingLanes, metadata_max_age_ms=METADATA_AGE_MS))
