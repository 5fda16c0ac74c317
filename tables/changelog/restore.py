"""Where judging goes on after a recovery: what is committed, or further back where the state is not whole.

The committed offset promises that the state of all before it is in the changelog. Somebody may have deleted
records of the changelog, or the topic, or a batch of it may be damaged. The end record of a checkpoint
(`tables.changelog.progress`) says how far the state reaches and from which changelog offset on the records hold all of
it; where it is missing, the changelog begins later, or it could not be read to its end, the partition's state is built
again from the readings that are still there. Judging them again raises alerts of the same ids, which consumers drop.
Nobody's open alarm is forgotten in silence.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping

from faust.types import TP

from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import NOTHING

logger = logging.getLogger(__name__)


class Restorer:
    """Compares recovered state with what is committed.

    Args:
        store: the state, just recovered.
        changelog: topic of its records.
        earliest: the first offset of each of some topic partitions.
    """

    def __init__(
        self,
        store: ColumnStore,
        changelog: str,
        earliest: Callable[..., Awaitable[Mapping[TP, int | None]]],
    ) -> None:
        self._store = store
        self._changelog = changelog
        self._earliest = earliest
        self.on_rebuild: Callable[[int], None] = lambda partition: None
        """Told of each partition whose state must be built again."""
        self._given_up: set[int] = set()

    def give_up(self, partition: int) -> None:
        """Do not trust what was recovered of a partition: its changelog could not be read to its end."""
        self._given_up.add(partition)

    async def resume_at(self, committed: Mapping[int, int]) -> dict[int, int]:
        """Return the offset of the readings at which judging goes on, by partition.

        Args:
            committed: the committed offset of each partition that was assigned, 0 where there is none.
        """
        tps = {partition: TP(self._changelog, partition) for partition in committed}
        earliest = await self._earliest(*tps.values()) if tps else {}
        return {
            partition: self._resume(partition, offset, earliest.get(tps[partition]) or 0)
            for partition, offset in committed.items()
        }

    def _resume(self, partition: int, committed: int, begins: int) -> int:
        table = self._store.state(partition)
        self._store.set_persisted_offset(TP(self._changelog, partition), begins - 1)
        progress, is_damaged = self._store.progress(partition), partition in self._given_up
        self._given_up.discard(partition)
        if committed and table.processed + 1 >= committed:
            if begins > table.whole_from:  # here it is whole still: write all of it again
                table.dirty[table.occupied()] = True
                table.whole_from = begins
            return committed
        if progress == NOTHING and not committed and not begins:
            return 0
        if progress == NOTHING or begins > progress.whole_from or is_damaged:
            self._forget(partition, begins)
            if is_damaged:
                logger.error(
                    "partition %s: %s holds a batch that cannot be opened; its state is built again from the readings",
                    *(partition, self._changelog),
                )
                self.on_rebuild(partition)
            elif committed:
                logger.error(
                    "partition %s: its state is not in %s, which begins at %s; it is built again from the readings",
                    *(partition, self._changelog, begins),
                )
                self.on_rebuild(partition)
            return 0
        table.whole_from = progress.whole_from
        if progress.processed + 1 < committed:
            logger.error(
                "partition %s: its state reaches to %s, before the committed %s; judged again from there",
                *(partition, progress.processed, committed),
            )
            self.on_rebuild(partition)
        return min(committed, progress.processed + 1)

    def _forget(self, partition: int, begins: int) -> None:
        """Begin with an empty state whose records will all be written from `begins` on."""
        self._store.forget(partition)
        self._store.state(partition).whole_from = begins
