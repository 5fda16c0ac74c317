"""A worker that dies at a named point: `python -m bench.drills.crashing_worker POINT N`, at the N-th time it comes by.

The flow is the worker's own, wired as `agents.__main__` does it; the crash is put around methods from outside.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from agents.wiring import Flow
from bench.drills.changed_worker import run_changed
from bench.drills.worker_faults import CRASH_CODE
from streams.contracts.topics import ALERTS
from streams.lane.block_consumer import BlockConsumer

ON_THE_WIRE_S: Final = 0.002
"""Time for what was handed over to leave the process, too short for an answer to be dealt with."""


class Fuse:
    """Counts the times a point is passed and ends the process at the chosen one."""

    def __init__(self, times: int) -> None:
        self._left = times

    def burn(self) -> None:
        """Pass the point once."""
        self._left -= 1
        if self._left <= 0:
            os._exit(CRASH_CODE)

    async def burn_soon(self) -> None:
        """Pass the point once, after what was handed over has left."""
        if self._left <= 1:
            await asyncio.sleep(ON_THE_WIRE_S)
        self.burn()


def after_state_write(flow: Flow, fuse: Fuse) -> None:
    """Die when records are on their way to the changelog, not acknowledged and nothing committed."""
    publisher: Any = flow.monitor.publisher
    publish_batch = publisher.publish_batch

    async def wrapped(*args: Any) -> Any:
        future = await publish_batch(*args)
        await fuse.burn_soon()
        return future

    publisher.publish_batch = wrapped


def after_send(flow: Flow, fuse: Fuse) -> None:
    """Die when alerts are on their way, before state or offsets know of them."""
    publisher: Any = flow.monitor.publisher
    alerts = flow.monitor.settings.topic(ALERTS)
    publish = publisher.publish

    async def wrapped(topic: str, *args: Any, **kwargs: Any) -> Any:
        future = await publish(topic, *args, **kwargs)
        if topic == alerts:
            await fuse.burn_soon()
        return future

    publisher.publish = wrapped


def before_commit(flow: Flow, fuse: Fuse) -> None:
    """Die when state is durable and the offset is declared so, but not committed."""
    checkpointer: Any = flow.checkpointer
    declare = checkpointer._declare

    def wrapped(*durable: Any) -> None:
        declare(*durable)
        fuse.burn()

    checkpointer._declare = wrapped


def in_commit(_: Flow, fuse: Fuse) -> None:
    """Die while the commit is on its way."""
    commit = BlockConsumer._commit

    async def wrapped(self: Any, offsets: Any) -> Any:
        committing = asyncio.ensure_future(commit(self, offsets))
        await fuse.burn_soon()
        return await committing

    BlockConsumer._commit = wrapped


def in_recovery(flow: Flow, fuse: Fuse) -> None:
    """Die when a part of the state has been read back."""
    store: Any = flow.monitor.store
    apply_changelog_batch = store.apply_changelog_batch

    def wrapped(batch: Any, **how: Any) -> None:
        for event in batch:
            apply_changelog_batch([event], **how)
            fuse.burn()

    store.apply_changelog_batch = wrapped


POINTS: Final[dict[str, Callable[[Flow, Fuse], None]]] = {
    "after-state-write": after_state_write,
    "after-send": after_send,
    "before-commit": before_commit,
    "in-commit": in_commit,
    "in-recovery": in_recovery,
}


def main() -> int:
    """Run the worker with the crash that the arguments name."""
    point, fuse = POINTS[sys.argv[1]], Fuse(int(sys.argv[2]))
    return run_changed(lambda _, flow: point(flow, fuse))


if __name__ == "__main__":
    sys.exit(main())
