"""What a fetch brought, taken out batch by batch as aiokafka's C parser made it.

aiokafka hands records over one by one and copies each into an object of eleven fields, which costs more than parsing
it. The lane reads offset, timestamp, key and value, which the parser's own object has, and takes a batch at a time.
What this relies on in aiokafka 0.14.0 is held by tests/streams/test_fetched.py, which asks both for the same records.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException


class Batches:
    """Stands in for a partition's fetched records, of which transactions are no part: Vigil's writers use none.

    Once begun it is to be taken to its end: the position is known between batches only.
    """

    def __init__(self, records: PartitionRecords) -> None:
        records._records_iterator = None  # never begun, it and the bytes of the fetch would hold each other
        self.next_fetch_offset: int = records.next_fetch_offset
        self._batches = self._take(records)

    def __iter__(self) -> Iterator[list[Any]]:
        return self._batches

    def _take(self, fetched: PartitionRecords) -> Iterator[list[Any]]:
        """Yield each batch's records.

        Raises:
            CorruptRecordException: a checksum is wrong; what comes after is fetched again.
        """
        batches = fetched._records
        while batches.has_next():
            batch = batches.next_batch()
            if fetched._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
            if not batch.is_control_batch:
                found = list(batch)
                if found and found[0].offset < self.next_fetch_offset:  # a batch is always sent whole
                    found = [record for record in found if record.offset >= self.next_fetch_offset]
                yield found
            self.next_fetch_offset = batch.next_offset


class BatchResults(OrderedDict[Any, Any]):
    """The fetcher's results by partition; those of some topics come as batches, to be joined with `records_of`."""

    def __init__(self, topics: frozenset[str], results: Mapping[Any, Any]) -> None:
        self._topics = topics
        super().__init__()
        for tp, result in results.items():
            self[tp] = result

    def __setitem__(self, tp: Any, result: Any) -> None:
        if tp.topic in self._topics and isinstance(result, FetchResult):
            result._partition_records = Batches(result._partition_records)
        super().__setitem__(tp, result)


def records_of(batches: Iterable[list[Any]]) -> list[Any]:
    """Return the records of batches, in order."""
    return list(chain.from_iterable(batches))
