"""What a fetch brought of a partition, opened batch by batch as aiokafka's C parser made it: a `Stretch` of its log.

aiokafka hands records over one by one and copies each into an object of eleven fields, which costs more than parsing
it. The lane reads offset, timestamp, key and value, which the parser's own object has, and takes a fetch at a time.
It also learns how far the log was read: what transactions leave in it has offsets, but no records to hand over.
What this relies on in aiokafka 0.14.0 is held by tests/streams/test_fetched.py, which asks both for the same records.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from streams.decoding.raw_records import RawRecords, joined
from streams.lane.checksums import CheckedRecords

OnFault = Callable[[Any, int, Exception], None]
"""Told the partition, the offset that nothing could be read from on, and what was wrong."""

Stamp = Callable[[Any, Sequence[Any]], Sequence[Any]]
"""Given a batch and its records; returns the records with the times by which they are judged."""

OpenRaw = Callable[[memoryview, int, int], RawRecords | None]
"""Given what was fetched and where a batch begins and ends; returns its records, None = to be opened otherwise."""


class Stretch(Sequence[Any]):
    """The records from offset `first` up to but not including `end`, in order: those that are there and count."""

    def __init__(self, records: Sequence[Any], first: int, end: int) -> None:
        self.records, self.first, self.end = records, first, end

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, i: Any) -> Any:
        return self.records[i]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Opening:
    """How the batches of some topics are opened.

    Without `stamp` records keep the times that they carry; `on_fault` is told where nothing could be opened. What is
    missing in topics that are `compacted` was compacted away: a stretch covers it. Records of topics in `raw` stay
    bytes, opened by what stands there.
    """

    topics: frozenset[str]
    on_fault: OnFault
    stamp: Stamp | None = None
    compacted: frozenset[str] = frozenset()
    raw: Mapping[str, OpenRaw] = field(default_factory=dict)


class Batches:
    """Stands in for a partition's fetched records and yields them as one stretch, or nothing if none could be opened.

    What follows a batch that cannot be opened, or records that the log does not have, is left to the next fetch,
    which begins there: nothing is passed over. Once begun it is to be taken to its end.
    """

    def __init__(self, records: PartitionRecords, opening: Opening) -> None:
        records._records_iterator = None  # never begun, it and the bytes of the fetch would hold each other
        self.next_fetch_offset: int = records.next_fetch_offset
        self._stretches = self._take(records, opening)

    def __iter__(self) -> Iterator[Stretch]:
        return self._stretches

    def _take(self, fetched: PartitionRecords, opening: Opening) -> Iterator[Stretch]:
        found: list[Sequence[Any]] = []
        first, batches = -1, fetched._records
        covers, open_raw = fetched._tp.topic in opening.compacted, opening.raw.get(fetched._tp.topic)
        try:
            while batches.has_next():
                batch = batches.next_batch()
                if fetched._check_crcs and not batch.validate_crc():
                    raise CorruptRecordException("a fetched batch has a wrong checksum")
                begins = batch.base_offset
                if batch.next_offset <= self.next_fetch_offset:
                    continue
                if first >= 0 and begins > self.next_fetch_offset and not covers:
                    break  # a hole: the next stretch begins behind it, where it is seen
                if first < 0:
                    first = self.next_fetch_offset if covers else max(begins, self.next_fetch_offset)
                if _counts(fetched, batch):
                    records = _opened(batches, batch, open_raw)
                    if begins < self.next_fetch_offset:  # a batch is always sent whole
                        records = records[bisect_left(records, self.next_fetch_offset, key=_offset) :]
                    found.append(opening.stamp(batch, records) if opening.stamp else records)
                self.next_fetch_offset = batch.next_offset
        except Exception as error:  # whatever a decompressor or parser raises: it is the batch that is wrong
            opening.on_fault(fetched._tp, self.next_fetch_offset, error)
        if self.next_fetch_offset > first >= 0:
            yield Stretch(_together(found), first, self.next_fetch_offset)


_offset = attrgetter("offset")


def _opened(batches: Any, batch: Any, open_raw: OpenRaw | None) -> Sequence[Any]:
    """Return the records of a batch, the last one that was taken of some."""
    raw = open_raw(*batches.last) if open_raw and isinstance(batches, CheckedRecords) else None
    return list(batch) if raw is None else raw


def _together(found: list[Sequence[Any]]) -> Sequence[Any]:
    raw = [records for records in found if isinstance(records, RawRecords)]
    return joined(raw) if raw and len(raw) == len(found) else [r for records in found for r in records]


def _counts(fetched: PartitionRecords, batch: Any) -> bool:
    """Whether a batch holds records: no marker of a transaction, and of none that was aborted."""
    is_marker = batch.is_control_batch
    if not (is_marker or batch.is_transactional) or fetched._isolation_level != READ_COMMITTED:
        return not is_marker
    fetched._consume_aborted_up_to(batch.base_offset)
    aborted = fetched._aborted_producers
    if is_marker and fetched._contains_abort_marker(batch):
        aborted.discard(batch.producer_id)
    return not is_marker and batch.producer_id not in aborted


class FetchedResults(OrderedDict[Any, Any]):
    """The fetcher's results by partition; those of some topics come as stretches."""

    def __init__(self, opening: Opening, results: Mapping[Any, Any]) -> None:
        self._opening = opening
        super().__init__()
        for tp, result in results.items():
            self[tp] = result

    def __setitem__(self, tp: Any, result: Any) -> None:
        if tp.topic in self._opening.topics and isinstance(result, FetchResult):
            result._partition_records = Batches(result._partition_records, self._opening)
        super().__setitem__(tp, result)
