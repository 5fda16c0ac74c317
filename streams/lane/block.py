"""Blocks: what the lane hands over instead of single records, and what stands in for one towards Faust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from streams.lane.fetched import Stretch


class StandIn:
    """What Faust asks of a consumed record besides its place, its time and its value."""

    __slots__ = ()
    timestamp_type = 0
    key = None
    headers = ()
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0


@dataclass(slots=True)
class Block(StandIn):
    """A stretch of one partition's log; of a changelog it stands in for one record towards Faust.

    Its records, in log order, need not be all that lies between `first` and `offset`: markers of transactions, records
    of those that were aborted and what was compacted away have offsets, too. There may be none at all.
    """

    topic: str
    partition: int
    value: Sequence[Any]
    rewinds: int = 0
    """How often the lane had been rewound when the records were fetched."""
    first: int = -1
    offset: int = -1
    """The first and the last one that it covers; by default those of its records."""
    timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        records = self.value
        self.first = self.first if self.first >= 0 else records[0].offset
        self.offset = self.offset if self.offset >= 0 else records[-1].offset
        self.timestamp = records[-1].timestamp if records else 0


Turn = list[Block]
"""Blocks of different partitions, which are worked off at once."""


@dataclass(slots=True)
class Blocks(StandIn):
    """What one fetch brought of a topic, turn by turn; stands in for one record, at the place of the first block."""

    value: list[Turn]
    topic: str = field(init=False)
    partition: int = field(init=False)
    offset: int = field(init=False)
    timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        first = self.value[0][0]
        self.topic, self.partition = first.topic, first.partition
        self.offset, self.timestamp = first.offset, first.timestamp


def turns(fetched: Mapping[TP, Stretch], records_max: int, rewinds: int = 0) -> list[Turn]:
    """Divide what a fetch brought of a topic's partitions into turns: a full block by itself, small ones together.

    Not an even part of each partition a turn: then every turn goes through the state of all patients of the worker,
    which costs more in caches than fewer ticks and rounds spare.

    Args:
        fetched: what was read of each partition.
        records_max: most records of a turn.
        rewinds: see `Block`.
    """
    found: list[Turn] = []
    room = 0
    for start in range(0, max(1, *map(len, fetched.values())), records_max):
        for tp, stretch in fetched.items():
            if start and start >= len(stretch):
                continue
            block = _block(tp, stretch, start, records_max, rewinds)
            if not found or len(block.value) > room or tp.partition in {b.partition for b in found[-1]}:
                found.append([])
                room = records_max
            found[-1].append(block)
            room -= len(block.value)
    return found


def _block(tp: TP, stretch: Stretch, start: int, records_max: int, rewinds: int) -> Block:
    """Return the part of a stretch from its record number `start` on; the first and the last reach to its ends."""
    behind = start + records_max
    first = stretch[start - 1].offset + 1 if start else stretch.first
    last = stretch[behind - 1].offset if behind < len(stretch) else stretch.end - 1
    return Block(tp.topic, tp.partition, stretch[start:behind], rewinds, first, last)
