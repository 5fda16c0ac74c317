"""Blocks: what the lane hands over instead of single records, and what stands in for one towards Faust."""

from dataclasses import dataclass, field
from typing import Any


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


@dataclass(slots=True)
class Blocks(StandIn):
    """The blocks that one fetch brought of a topic; stands in for one record, at the place of the first."""

    value: list[Block]
    topic: str = field(init=False)
    partition: int = field(init=False)
    offset: int = field(init=False)
    timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        first = self.value[0]
        self.topic, self.partition = first.topic, first.partition
        self.offset, self.timestamp = first.offset, first.timestamp
