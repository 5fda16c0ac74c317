"""Logs of batches as a broker keeps them, for tests of what takes them apart."""

from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record import MemoryRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faust.types import TP
from hypothesis import strategies as st

ONE = TP("vitals.readings", 0)
READ_UNCOMMITTED = 0
CONTROL = 0x20

batches = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=4)
"""Batches of records, each by how far its offset is from the one before: compaction leaves gaps."""


def batch(first, gaps, control=False):
    """Return a batch of records as bytes, and the offset of what comes after."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=100_000,
    )
    at = 0
    for gap in gaps:
        assert builder.append(at, 1_000 + at, b"key-%d" % at, b"value", []) is not None
        at += gap
    whole = builder.build()
    whole[:8] = first.to_bytes(8, "big")
    if control:
        whole[22] |= CONTROL
    return whole, first + at - gaps[-1] + 1


def log_of(drawn, first=0, control=()):
    log = bytearray()
    for number, gaps in enumerate(drawn):
        data, first = batch(first, gaps, number in control)
        log += data
    return bytes(log)


def fetched(log, begin=0, crcs=False, of=MemoryRecords):
    return PartitionRecords(ONE, of(log), [], begin, None, None, crcs, READ_UNCOMMITTED)


def plain(record):
    return record.offset, record.timestamp, record.key, record.value
