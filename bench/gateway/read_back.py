"""The ledger against the topic: is all that was acknowledged there, and in each device's order?"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.gateway.frames import identity_in

FETCH_BYTES: Final = 16 * 1024 * 1024
POLL_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the topic says. `again` are frames that came a second time, which is one reading each."""

    found: int
    missing: int
    out_of_order: int
    again: int


async def found_in(brokers: str, topic: str, boot: int) -> dict[tuple[int, int], list[int]]:
    """Return the numbers of each (connection, device) in the order of the topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=FETCH_BYTES
    )
    await consumer.start()
    numbers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    try:
        partitions = [TopicPartition(topic, p) for p in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        left = {partition for partition in partitions if ends[partition]}
        while left:
            for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                for record in records:
                    place = identity_in(record.value)
                    if place is not None and int(place[3]) == boot:
                        numbers[int(place[1]), int(place[2])].append(int(place[4]))
                if records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    finally:
        await consumer.stop()
    return numbers


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    await consumer._client.add_topic(topic)
    return set(consumer.partitions_for_topic(topic) or ())


def judge(numbers: dict[tuple[int, int], list[int]], acknowledged: list[list[int]], frames: int) -> Verdict:
    """Compare the topic with what connections had acknowledged, each request of `frames` devices."""
    missing = out_of_order = again = 0
    for connection, requests in enumerate(acknowledged):
        for device in range(frames):
            there = numbers.get((connection, device), [])
            firsts = list(dict.fromkeys(there))
            again += len(there) - len(firsts)
            missing += len(set(requests) - set(firsts))
            out_of_order += sum(b < a for a, b in pairwise(firsts))
    return Verdict(sum(map(len, numbers.values())), missing, out_of_order, again)


def read_back(brokers: str, topic: str, boot: int, acknowledged: list[list[int]], frames: int) -> Verdict:
    """Read the topic and compare."""
    return judge(asyncio.run(found_in(brokers, topic, boot)), acknowledged, frames)
