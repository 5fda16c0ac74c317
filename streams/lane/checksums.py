"""The checksums of fetched batches, computed with the processor's instruction for them.

aiokafka computes them step by step, which took 3 % of a worker in a drain. What this relies on in aiokafka 0.14.0 is
held by tests/streams/test_checksums.py.
"""

from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c

LENGTH_AT: Final = 8
LENGTH_END: Final = 12
MAGIC_AT: Final = 16
CRC_AT: Final = 17
CRC_END: Final = 21
"""Where a batch says how many bytes follow its length, its format, and the checksum of all that follows that."""

MAGIC: Final = 2
"""The format of batches since Kafka 0.11; brokers since 4.0 know no older one."""


class CheckedRecords:
    """Stands in for `MemoryRecords`, what a fetch brought of a partition as bytes; no batch leaves it unchecked."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._data = memoryview(data)
        self._at = 0
        self.last: tuple[memoryview, int, int] = (self._data, 0, 0)
        """What was fetched, and where in it the last batch that was taken begins and ends."""

    def has_next(self) -> bool:
        """Whether a whole batch is left, or not even the first one came whole.

        Brokers cut off the last batch of a fetch, never the first. aiokafka would pass over a record and raise.
        """
        return bool(self._records.has_next()) or (self._at == 0 and len(self._data) > 0)

    def size_in_bytes(self) -> int:
        """Return how much was fetched, bytes."""
        return len(self._data)

    def next_batch(self) -> Any:
        """Return the next batch, None if there is none.

        Raises:
            CorruptRecordException: its checksum is wrong, or it is the first one and not whole.
        """
        batch, start = self._records.next_batch(), self._at
        if batch is None:
            if start == 0 and len(self._data):
                raise CorruptRecordException("a fetched batch is cut off")
            return None
        self._at = (
            start + LENGTH_END + int.from_bytes(self._data[start + LENGTH_AT : start + LENGTH_END], "big")
        )
        if not (self._is_right(start) if self._data[start + MAGIC_AT] >= MAGIC else batch.validate_crc()):
            raise CorruptRecordException("a fetched batch has a wrong checksum")
        self.last = (self._data, start, self._at)
        return batch

    def _is_right(self, start: int) -> bool:
        stated = int.from_bytes(self._data[start + CRC_AT : start + CRC_END], "big")
        return bool(crc32c(self._data[start + CRC_END : self._at]) == stated)


def check_in_hardware(consumer: Any) -> None:
    """Have what aiokafka fetches from now on checked so, and not again by a consumer that has not started yet."""
    fetcher.MemoryRecords = CheckedRecords
    consumer._check_crcs = False
