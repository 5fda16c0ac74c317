"""What the history calls partitions of the readings, in all generations: each reading is kept once, forwarded or not.

The store knows partitions by one number. That of generation g and partition p is `g * PARTITIONS_MAX + p`, so readings
that were never scaled have the partition's own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from streams.config.settings import Settings
from streams.contracts.layout import PARTITIONS_MAX, Layout
from streams.contracts.origin import Origin, origins_of
from streams.contracts.topics import READINGS
from streams.kafka.layout_log import in_generation


def shard_of(generation: int, partition: int) -> int:
    """Return the number of a partition in the store."""
    return generation * PARTITIONS_MAX + partition


def generations_of(settings: Settings, layout: Layout) -> dict[str, int]:
    """Return the topics of readings that there are, by name, with their generation; not one that is being made."""
    until = layout.generations.index(layout.judged) + 1
    return {in_generation(settings, one).topic(READINGS): one.number for one in layout.generations[:until]}


def without_copies(records: Iterable[Any], read: Iterable[int], positions: Mapping[int, int]) -> list[Any]:
    """Return records without those whose reading is kept where it was written, or will be.

    Args:
        records: of one partition.
        read: generations that are there to be read.
        positions: of each shard, up to which offset it is kept.
    """
    read = frozenset(read)

    def is_kept(origin: Origin) -> bool:
        shard = shard_of(origin.generation, origin.partition)
        return origin.generation in read or positions.get(shard, 0) > origin.offset

    return [record for record in records if not any(map(is_kept, origins_of(record.headers)))]
