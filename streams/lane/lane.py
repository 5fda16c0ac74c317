"""The live lane: Faust hands the agent one event per fetch, which holds a block of each partition, not one per record.

Faust's own seams, no fork: a transport whose consumer groups the fetched records of lane topics into blocks, and
commits exactly what was declared durable (`streams.lane.block_consumer`). Assignment, seeking, recovery and the commit
itself stay Faust's; changelog topics come in blocks too, which its recovery takes one by one. What this relies on in
faust-streaming 0.15.3 is held by tests/streams/test_faust_assumptions.py and test_faust_recovery.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faust.serializers.schemas import Schema
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from streams.lane.block import Blocks, turns
from streams.lane.fetched import OpenRaw, Stamp, Stretch
from streams.lane.log_faults import LogFaults


@dataclass(slots=True)
class LanePlan:
    """What runs block by block: topics, and the bound on a block."""

    topics: frozenset[str]
    records_max: int
    fetch_wait_ms: int
    changelogs: frozenset[str] = frozenset()
    """Topics that recovery reads: in blocks too, but neither admitted nor committed."""
    stateless: frozenset[str] = frozenset()
    """Those of `topics` whose agent keeps no state: reading always goes on at what is committed."""
    rebuilt: frozenset[str] = frozenset()
    """Compacted ones of `topics`, which are their agent's state themselves: reading begins at their start."""
    faults: LogFaults = field(default_factory=LogFaults)
    """What is wrong with the log of partitions."""
    stamp: Stamp | None = None
    """Gives records the times by which they are judged; None = those that they carry."""
    unhurried: frozenset[str] = frozenset()
    """Topics that are written by a producer of their own: what is written to others waits behind none of it."""
    raw: Mapping[str, OpenRaw] = field(default_factory=dict)
    """Topics whose records stay bytes, and what opens their batches."""
    watch_client: Callable[[Any], None] = lambda client: None
    """Told of the consumer's and the producers' Kafka clients before they connect."""

    def is_judged(self, topic: str) -> bool:
        """Return whether the agent of a topic keeps the state that alerts follow from."""
        return topic in self.topics and topic not in self.stateless | self.rebuilt

    @property
    def in_blocks(self) -> frozenset[str]:
        """All topics that are delivered block by block."""
        return self.topics | self.changelogs


class Fetched(dict[TP, Any]):
    """What one fetch brought, by partition, with the number of rewinds that the consumer had seen then.

    Of the topics that come in blocks it is a stretch of the log, of others a list of records.
    """

    rewinds = 0


class BlockScheduler(DefaultSchedulingStrategy):
    """Turns what was fetched of lane topics into blocks, all of a topic together, the rest as Faust does."""

    def __init__(self, lane: LanePlan) -> None:
        self._lane = lane

    def iterate(self, records: Mapping[TP, Any]) -> Iterator[tuple[TP, Any]]:
        """Yield each topic's blocks together; a changelog's one by one, in turns over partitions; then the rest."""
        lane, rewinds = self._lane, getattr(records, "rewinds", 0)
        together: defaultdict[str, dict[TP, Stretch]] = defaultdict(dict)
        changelogs, rest = {}, {}
        for tp, found in records.items():
            if tp.topic in lane.topics:
                together[tp.topic][tp] = found
            elif tp.topic in lane.changelogs:
                changelogs[tp] = [block for (block,) in turns({tp: found}, lane.records_max, rewinds)]
            else:
                rest[tp] = found
        yield from super().iterate(changelogs)
        for topic, fetched in together.items():
            blocks = Blocks(turns(fetched, lane.records_max, rewinds))
            yield TP(topic, blocks.partition), blocks
        yield from super().iterate(rest)


class BlockSchema(Schema):
    """Passes blocks through whole; the agent decodes them."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """Blocks have no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """Return the blocks."""
        return message.value
