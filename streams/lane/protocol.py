"""What agents know of the lane: six methods, and what they answer when it asks them. Nothing here is Faust's.

A worker's lane is over Faust (`streams.lane.faust_lane`); the simulation and tests have lanes of their own.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from streams.lane.log_faults import Gone, LogFaults
from streams.lane.work_off import Admitted


def _as_committed(committed: Mapping[int, int], begins: Mapping[int, int]) -> Mapping[int, int]:
    """Go on at what is committed."""
    return committed


async def _nothing() -> None:
    """Hand over nothing."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who works off the blocks of a topic, and answers the lane when partitions come and go."""

    name: str
    take: Callable[[Admitted], Awaitable[None]]
    """Works off blocks of different partitions; what it raises stops the process."""
    assign: Callable[[Iterable[int]], None] = lambda partitions: None
    """Told of the partitions that the group assigns to this worker."""
    recovered: Callable[[int], None] | None = None
    """Told of a partition whose changelog was read to its end while those of others are still read: it goes on by
    itself. None = it waits for all."""
    resume_at: Callable[[Mapping[int, int], Mapping[int, int]], Mapping[int, int]] = _as_committed
    """Given the committed offset of each partition (0 where there is none) and the first one of its changelog, returns
    the offset to read from: an earlier one where the state does not reach so far."""
    begin_anew: Callable[[int, int, int], None] = lambda partition, committed, end: None
    """Told (partition, committed offset or 0, end of the log) of a topic that is read from its start each time."""
    hand_over: Callable[[], Awaitable[None]] = _nothing
    """Awaited when the group takes partitions back or the worker ends: behind the block in work, before the commit."""
    give_up: Callable[[int], None] = lambda partition: None
    """Told of a partition whose changelog cannot be opened."""
    gone: Callable[[Gone], None] = lambda gone: None
    """Told at once of records that were deleted, before anything that follows is judged."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a partition is."""

    at: int
    """The offset that comes next."""
    records: int
    """How many wait from there on."""
    is_stopped: bool
    """The log itself lets nothing be read on: it is damaged, or a transaction is open."""
    committed: int
    """The committed offset as far as this worker knows, 0 where there is none."""

    @property
    def can_go_on(self) -> bool:
        """Whether records wait that can be read."""
        return self.records > 0 and not self.is_stopped


class Lane(Protocol):
    """The log, block by block; partitions are those of a topic."""

    faults: LogFaults
    """What is wrong with the log."""

    def blocks(self, topic: str, reader: Reader) -> None:
        """Have a topic's blocks worked off, each partition's in the order of the log, no record twice and no hole."""

    def owned(self, topic: str | None = None) -> frozenset[int] | None:
        """Return this worker's partitions of a topic, by default of the one that is judged.

        None while none is, and when the worker ends; while partitions are recovered, those that are judged already. Of
        topics of another number of partitions it may own others.
        """

    def lag(self, topic: str, partition: int, at: int | None = None) -> Lag | None:
        """Return how far a partition is from offset `at` on, by default from what is admitted next; None = not ours."""

    async def read_again(self, topic: str, partition: int) -> None:
        """Read a partition again from the first record that was not admitted."""

    def durable(self, topic: str, partition: int, offset: int) -> None:
        """Declare that everything below the offset needs no replay; of what is not ours nothing is noted."""

    async def commit(self) -> None:
        """Commit what was declared durable; the lane does so now and then by itself."""


def is_settled(lane: Lane, beside: Iterable[str]) -> bool:
    """Return whether all that this worker owns is recovered: topics that run along with the judging begin then."""
    return all(lane.owned(topic) is not None for topic in beside)
