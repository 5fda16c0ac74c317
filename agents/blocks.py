"""How an agent works off blocks: in order, each admitted, all of a fetch done before they count as done."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from streams.block import Block
from streams.decode import Record

logger = logging.getLogger(__name__)

Admitted = list[tuple[Block, Sequence[Record]]]
"""Blocks of different partitions, each with those of its records that come next there."""


async def work_off(
    stream: Any,
    admit: Callable[[Block], Awaitable[list[Any]]],
    work: Callable[[Admitted], Awaitable[None]],
    on_failure: Callable[[str], None],
    records_max: int,
) -> None:
    """Do the work of every block of a stream, in order within its partition.

    Faust counts a block as done even when its agent raises, so nothing may escape from here: what cannot be
    handled stops the process, and another worker takes over from what is durable.

    Args:
        stream: Faust's stream of events, each with the blocks of a fetch.
        admit: returns the records of a block that come next in its partition.
        work: what to do with blocks of different partitions.
        on_failure: told what went wrong; stops the process.
        records_max: how many records are worked off at once, or else one block.
    """
    async for event in _events(stream):
        for blocks in together(event.value.value, records_max):
            try:
                admitted: Admitted = [(block, records) for block in blocks if (records := await admit(block))]
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


def together(blocks: Sequence[Block], records_max: int) -> Iterator[list[Block]]:
    """Yield blocks that are worked off at once: consecutive ones of different partitions, of few records in all."""
    chosen, records = list[Block](), 0
    for block in blocks:
        is_full = records + len(block.value) > records_max
        if chosen and (is_full or any(block.partition == other.partition for other in chosen)):
            yield chosen
            chosen, records = [], 0
        chosen.append(block)
        records += len(block.value)
    if chosen:
        yield chosen


async def _events(stream: Any) -> AsyncIterator[Any]:
    async for event in stream.noack().events():
        yield event
