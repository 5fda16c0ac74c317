"""Blocks: what the lane hands over instead of single records, and what stands in for one towards Faust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
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


def turns(fetched: Mapping[TP, Sequence[Any]], records_max: int, rewinds: int = 0) -> list[Turn]:
    """Divide what a fetch brought of a topic's partitions into turns, each with an even part of every partition.

    Even, because ticks and rounds of patients in alarm cost much the same for one partition as for several.

    Args:
        fetched: the records of each partition, at least one.
        records_max: most records of a turn; or else it has one of each partition.
        rewinds: see `Block`.
    """
    # A part is rounded up, in all by less than a record for each partition.
    room = max(1, records_max - len(fetched) + 1)
    count = ceil(sum(map(len, fetched.values())) / room)
    found: list[Turn] = [[] for _ in range(count)]
    for tp, records in fetched.items():
        size = ceil(len(records) / count)
        for turn, start in zip(found, range(0, len(records), size), strict=False):
            turn.append(Block(tp.topic, tp.partition, list(records[start : start + size]), rewinds=rewinds))
    return [turn for turn in found if turn]
