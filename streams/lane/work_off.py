"""How blocks are worked off: in order, each admitted, all of a fetch done before they count as done."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from streams.decoding.decoded import Record
from streams.lane.block import Block

logger = logging.getLogger(__name__)

Admitted = list[tuple[Block, Sequence[Record]]]
"""Blocks of different partitions, each with those of its records that come next there; perhaps none, but it is next."""


async def work_off(
    stream: Any,
    admit: Callable[[Block], Awaitable[Sequence[Any] | None]],
    work: Callable[[Admitted], Awaitable[None]],
    on_failure: Callable[[str], None],
) -> None:
    """Do the work of every block of a stream, turn by turn, in order within its partition.

    Faust counts a block as done even when its agent raises, so nothing may escape from here: what cannot be
    handled stops the process, and another worker takes over from what is durable.

    Args:
        stream: Faust's stream of events, each with the blocks of a fetch, turn by turn.
        admit: returns the records of a block that come next in its partition; None when it does not.
        work: what to do with blocks of different partitions.
        on_failure: told what went wrong; stops the process.
    """
    async for event in _events(stream):
        for blocks in event.value.value:
            try:
                admitted: Admitted = [
                    (block, records) for block in blocks if (records := await admit(block)) is not None
                ]
                if admitted:
                    await work(admitted)
            except Exception as error:
                partitions = ", ".join(str(block.partition) for block in blocks)
                logger.exception("blocks of partitions %s", partitions)
                on_failure(f"a block could not be worked off: {error!r}")
                return
            for block in blocks:
                block.value = []  # Faust's event and message hold each other and so the block, until collected
            await asyncio.sleep(0)  # what it led to is sent before the next one is worked off
        event.ack()


async def _events(stream: Any) -> AsyncIterator[Any]:
    async for event in stream.noack().events():
        yield event
