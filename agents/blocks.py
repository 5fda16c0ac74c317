"""How an agent works off blocks: one after the other, each admitted, all of a fetch done before they count as done."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from streams.decode import Record
from streams.lane import Block

logger = logging.getLogger(__name__)


async def work_off(
    stream: Any,
    admit: Callable[[Block], Awaitable[list[Any]]],
    work: Callable[[Block, Sequence[Record]], Awaitable[None]],
    on_failure: Callable[[str], None],
) -> None:
    """Do the work of every block of a stream, in order.

    Faust counts a block as done even when its agent raises, so nothing may escape from here: what cannot be
    handled stops the process, and another worker takes over from what is durable.

    Args:
        stream: Faust's stream of events, each with the blocks of a fetch.
        admit: returns the records of a block that come next in its partition.
        work: what to do with them.
        on_failure: told what went wrong; stops the process.
    """
    async for event in _events(stream):
        for block in event.value.value:
            try:
                if records := await admit(block):
                    await work(block, records)
            except Exception as error:
                logger.exception("block of partition %s", block.partition)
                on_failure(f"a block could not be worked off: {error!r}")
                return
            block.value = []  # Faust's event and message hold each other and so the block, until they are collected
            await asyncio.sleep(0)  # what it led to is sent before the next one is worked off
        event.ack()


async def _events(stream: Any) -> AsyncIterator[Any]:
    async for event in stream.noack().events():
        yield event
