"""Partitions are judged as soon as their own state is whole, while the changelogs of others are still read.

Faust lets no partition go on before all are recovered: those that stay with a worker over a rebalance, of which there
is nothing to read, would wait for the state of those that it takes over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Set
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


class PartitionwiseRecovery(Recovery):  # type: ignore[misc]  # Faust ships no types
    """Faust's recovery, which says of each partition when its changelog has been read."""

    def need_recovery(self) -> bool:
        """Return whether anything is still to be read; if so, have what is whole go on by itself.

        Faust asks before it reads, and again after each record.
        """
        left = self.active_remaining()
        behind = {tp.partition for tp, records in left.items() if records > 0}
        if behind:
            whole = {tp.partition for tp in left} - behind
            if self.app.consumer.early.is_news(whole):
                self.flush_buffers()
                self.app.consumer.early.note(whole)
        return bool(behind)

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """Go to where reading of changelogs begins: from now on what it knows is of the partitions assigned last."""
        await super()._seek_offsets(consumer, tps, offsets, title)
        if not self.signal_recovery_start.is_set():
            self.app.consumer.early.open()


class PartitionwiseTables(TableManager):  # type: ignore[misc]  # Faust ships no types
    """Faust's tables with that recovery."""

    _recovery: PartitionwiseRecovery | None

    @property
    def recovery(self) -> PartitionwiseRecovery:
        """Return the recovery, which is made when it is asked for first."""
        if self._recovery is None:
            self._recovery = PartitionwiseRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class EarlyStart:
    """Which partitions go on while others are recovered.

    Args:
        begin: has the partitions of these numbers judged.
        crash: awaited with what `begin` raises.
    """

    def __init__(
        self,
        begin: Callable[[frozenset[int]], Awaitable[None]],
        crash: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self._begin, self._crash = begin, crash
        self._is_assigned = self._is_open = False
        self._whole: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self.begun: set[int] = set()
        """Numbers of the partitions that are judged already."""
        self.ends = 0
        """How often the group has taken partitions back."""

    def assigned(self) -> None:
        """Take note that the group has assigned partitions."""
        self._is_assigned = True

    def open(self) -> None:
        """Believe from now on what recovery says is whole; what it says before is of an assignment that is over."""
        self._is_open = self._is_assigned

    def is_news(self, whole: Set[int]) -> bool:
        """Return whether any of these is whole and was not known to be."""
        return self._is_open and not whole <= self._whole

    def note(self, whole: Set[int]) -> None:
        """Have partitions go on whose state is whole."""
        if not self._is_open:
            return
        self._whole |= whole
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        try:
            while waiting := frozenset(self._whole - self.begun):
                await self._begin(waiting)
                self.begun |= waiting
        except Exception as error:
            await self._crash(error)

    async def settled(self) -> None:
        """Wait until all that is known to be whole goes on."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def end(self) -> None:
        """Forget all, and believe nothing: the group takes partitions back, or the worker ends."""
        self._is_assigned = self._is_open = False
        self.ends += 1
        self._whole.clear()
        self.begun.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
