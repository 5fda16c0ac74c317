"""A Faust table that is recovered block by block, and the store below it, which is the state itself."""

from collections.abc import Callable
from typing import Any, Final

import faust
from faust.stores import base

from streams.kafka.publisher import fail_stop
from streams.lane.lane import BlockSchema

BLOCKS_BUFFERED: Final = 2
"""Blocks of the changelog that recovery collects before it applies them. With 1, Faust would go on to read the
changelog of a partition that it owns after recovery, and apply what this worker has just written."""


def nobody() -> None:
    """Stand in for who is told that records were read."""


class BlockStore(base.Store):
    """State in memory, whose copy is the changelog; it changes by its log, never by assignment.

    Args:
        name: of the table.
        on_read: told when records of the changelog were taken into the state: a recovery makes progress.
        on_failure: what to do when the changelog cannot be read; the default stops the process.
    """

    def __init__(
        self, name: str, on_read: Callable[[], None] = nobody, on_failure: Callable[[str], None] = fail_stop
    ) -> None:
        super().__init__("memory://", None, None, table_name=name)
        self._on_read, self._on_failure = on_read, on_failure

    async def backup_partition(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to back up: the changelog is the copy."""

    def restore_backup(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to restore: the changelog is the copy."""

    def __setitem__(self, key: str, record: bytes) -> None:
        raise TypeError(f"{self.table_name} change by judging their log, not by assignment")

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"{self.table_name} change by judging their log, not by deletion")


class BlockTable(faust.Table):
    """Faust's table over a `BlockStore`."""

    def __init__(self, *args: Any, store: BlockStore, **kwargs: Any) -> None:
        super().__init__(
            *args,
            schema=BlockSchema(),
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=BLOCKS_BUFFERED,
            standby_buffer_size=1,
            **kwargs,
        )
        self._block_store = store

    def _new_store(self) -> BlockStore:
        return self._block_store
