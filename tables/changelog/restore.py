"""Where judging goes on after a recovery: what is committed, or further back where the state is not whole.

The committed offset promises that the state of all before it is in the changelog. Somebody may have deleted
records of the changelog, or the topic, or a batch of it may be damaged. The end record of a checkpoint
(`tables.changelog.progress`) says how far the state reaches and from which changelog offset on the records hold all of
it; where it is missing, the changelog begins later, or it could not be read to its end, the partition's state is built
again from the readings that are still there. Judging them again raises alerts of the same ids, which consumers drop.
Nobody's open alarm is forgotten in silence.
"""

import logging
from collections.abc import Callable, Mapping

from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import NOTHING
from tables.partition import Partition
from tables.partition_life import Event

logger = logging.getLogger(__name__)


class Restorer:
    """Compares recovered state with what is committed.

    Args:
        store: the state, just recovered.
        changelog: topic of its records.
        on_rebuild: told of each partition whose state must be built again.
    """

    def __init__(self, store: ColumnStore, changelog: str, on_rebuild: Callable[[int], None]) -> None:
        self._store = store
        self._changelog = changelog
        self._on_rebuild = on_rebuild

    def resume_at(self, committed: Mapping[int, int], begins: Mapping[int, int]) -> dict[int, int]:
        """Return the offset of the readings at which judging goes on, by partition.

        Args:
            committed: the committed offset of each partition that was assigned, 0 where there is none.
            begins: the first offset of its changelog.
        """
        found = {}
        for number, offset in committed.items():
            partition = self._store.partition(number)
            found[number] = self._resume(partition, offset, begins[number])
            partition.on(Event.RESUME)
        return found

    def _resume(self, partition: Partition, committed: int, begins: int) -> int:
        number, table = partition.number, partition.table
        partition.note_applied(begins - 1)
        progress, is_damaged = partition.progress, partition.is_given_up
        partition.is_given_up = False
        if committed and table.processed + 1 >= committed:
            if begins > table.whole_from:  # here it is whole still: write all of it again
                table.dirty[table.occupied()] = True
                table.whole_from = begins
            return committed
        if progress == NOTHING and not committed and not begins:
            return 0
        if progress == NOTHING or begins > progress.whole_from or is_damaged:
            self._store.build_again(number, begins)
            if is_damaged:
                logger.error(
                    "partition %s: %s holds a batch that cannot be opened; its state is built again from the readings",
                    *(number, self._changelog),
                )
                self._on_rebuild(number)
            elif committed:
                logger.error(
                    "partition %s: its state is not in %s, which begins at %s; it is built again from the readings",
                    *(number, self._changelog, begins),
                )
                self._on_rebuild(number)
            return 0
        table.whole_from = progress.whole_from
        if progress.processed + 1 < committed:
            logger.error(
                "partition %s: its state reaches to %s, before the committed %s; judged again from there",
                *(number, progress.processed, committed),
            )
            self._on_rebuild(number)
        return min(committed, progress.processed + 1)
