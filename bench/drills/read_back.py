"""Reads a topic from its first record to its end, partition by partition in offset order."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.errors import VigilError

FETCH_BYTES: Final = 4 * 1024 * 1024
STILL_S_MAX: Final = 60.0
"""A topic that brings nothing for so long before its end cannot be read."""

REQUEST_MS: Final = 15_000

Take = Callable[[int, Sequence[Any]], None]


def read_back(brokers: str, topic: str, partitions: int, take: Take) -> list[int]:
    """Hand every record to `take(partition, records)`, in order within a partition; return the end offsets.

    Raises:
        VigilError: nothing came for `STILL_S_MAX` though the end was not reached.
    """
    return asyncio.run(_read_back(brokers, topic, partitions, take))


async def _read_back(brokers: str, topic: str, partitions: int, take: Take) -> list[int]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=REQUEST_MS,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        last_s = time.monotonic()
        left = set(tps)
        while left := {tp for tp in left if await consumer.position(tp) < ends[tp]}:
            found = await consumer.getmany(*left, timeout_ms=500)
            for tp, records in found.items():
                if inside := [record for record in records if record.offset < ends[tp]]:
                    take(tp.partition, inside)
            if found:
                last_s = time.monotonic()
            elif time.monotonic() - last_s > STILL_S_MAX:
                raise VigilError(f"{topic} could not be read to its end: {sorted(left)}")
        return [ends[tp] for tp in tps]
    finally:
        await consumer.stop()


def end_offsets(brokers: str, topic: str, partitions: int) -> list[int]:
    """Return where each partition ends now."""

    async def ask() -> list[int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=brokers, request_timeout_ms=REQUEST_MS)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, partition) for partition in range(partitions)]
            ends = await consumer.end_offsets(tps)
            return [ends[tp] for tp in tps]
        finally:
            await consumer.stop()

    return asyncio.run(ask())
