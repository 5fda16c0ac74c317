"""Blocks: what the lane hands over instead of single records, and what stands in for one towards Faust."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP


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
    """Records of one partition, in log order; of a changelog it stands in for one record towards Faust."""

    topic: str
    partition: int
    value: list[Any]
    rewinds: int = 0
    """How often the lane had been rewound when the records were fetched."""
    first: int = field(init=False)
    offset: int = field(init=False)
    timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        last = self.value[-1]
        self.first, self.offset, self.timestamp = self.value[0].offset, last.offset, last.timestamp


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


def turns(fetched: Mapping[TP, list[Any]], records_max: int, rewinds: int = 0) -> list[Turn]:
    """Divide what a fetch brought of a topic's partitions into turns: a full block by itself, small ones together.

    Not an even part of each partition a turn: then every turn goes through the state of all patients of the worker,
    which costs more in caches than fewer ticks and rounds spare.

    Args:
        fetched: the records of each partition, at least one.
        records_max: most records of a turn.
        rewinds: see `Block`.
    """
    found: list[Turn] = []
    room = 0
    for start in range(0, max(map(len, fetched.values())), records_max):
        for tp, records in fetched.items():
            part = records[start : start + records_max]
            if not part:
                continue
            if len(part) > room or tp.partition in {block.partition for block in found[-1]}:
                found.append([])
                room = records_max
            found[-1].append(Block(tp.topic, tp.partition, part, rewinds=rewinds))
            room -= len(part)
    return found
