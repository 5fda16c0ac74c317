"""Logs of batches as a broker keeps them, for tests of what takes them apart."""

from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record import MemoryRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from crc32c import crc32c
from faust.types import TP
from hypothesis import strategies as st

ONE = TP("vitals.readings", 0)
READ_UNCOMMITTED = 0
READ_COMMITTED = 1
STAMPED, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
ATTRIBUTES_AT, CRC_AT, CRC_END = 22, 17, 21

batches = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=4)
"""Batches of records, each by how far its offset is from the one before: compaction leaves gaps."""


def batch(first, gaps, control=False, codec=0, producer=-1, key=b"key-%d", flags=0):
    """Return a batch of records as bytes, and the offset of what comes after."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=producer >= 0,
        producer_id=producer,
        producer_epoch=0 if producer >= 0 else -1,
        base_sequence=0 if producer >= 0 else -1,
        batch_size=100_000,
    )
    at = 0
    for gap in gaps:
        name = key % at if b"%" in key else key
        assert builder.append(at, 1_000 + at, name, b"value", []) is not None
        at += gap
    whole = builder.build()
    whole[:8] = first.to_bytes(8, "big")
    if control:
        whole[ATTRIBUTES_AT] |= CONTROL
    whole[ATTRIBUTES_AT] |= flags
    return summed(whole), first + at - gaps[-1] + 1


def summed(whole):
    """Return a batch with the checksum of what it has become."""
    whole[CRC_AT:CRC_END] = crc32c(bytes(whole[CRC_END:])).to_bytes(4, "big")
    return whole


def marker(first, producer, commits):
    """Return the marker by which a producer's transaction ends, and the offset of what comes after."""
    return batch(first, [1], control=True, producer=producer, key=bytes([0, 0, 0, int(commits)]))


def log_of(drawn, first=0, control=()):
    log = bytearray()
    for number, gaps in enumerate(drawn):
        data, first = batch(first, gaps, number in control)
        log += data
    return bytes(log)


def fetched(log, begin=0, crcs=False, of=MemoryRecords, aborted=(), isolation=READ_UNCOMMITTED):
    return PartitionRecords(ONE, of(log), list(aborted), begin, None, None, crcs, isolation)


def plain(record):
    return record.offset, record.timestamp, record.key, record.value
