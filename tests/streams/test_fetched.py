"""What a fetch brought comes out batch by batch as it would record by record."""

import gc
import weakref

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record import MemoryRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.fetched import Batches, BatchResults, records_of

ONE = TP("vitals.readings", 0)
READ_UNCOMMITTED = 0
CRC_AT = 17
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


def fetched(log, begin=0, crcs=False):
    return PartitionRecords(ONE, MemoryRecords(log), [], begin, None, None, crcs, READ_UNCOMMITTED)


def plain(record):
    return record.offset, record.timestamp, record.key, record.value


@given(batches, st.integers(0, 12), st.sets(st.integers(0, 3)))
def test_the_same_records_come_out_and_the_same_is_fetched_next(drawn, begin, control):
    log = log_of(drawn, control=control)
    theirs, ours = fetched(log, begin), Batches(fetched(log, begin))
    assert list(map(plain, records_of(ours))) == list(map(plain, theirs))
    assert ours.next_fetch_offset == theirs.next_fetch_offset


def test_what_was_taken_is_let_go_without_a_collection():
    gc.disable()
    try:
        theirs = fetched(log_of([[1, 1], [1]]))
        bytes_of_the_fetch = weakref.ref(theirs)
        ours = Batches(theirs)
        del theirs
        assert list(map(len, ours)) == [2, 1]
        assert bytes_of_the_fetch() is None
    finally:
        gc.enable()


def test_a_wrong_checksum_is_an_error_and_ends_what_was_fetched():
    log = bytearray(log_of([[1, 1], [1, 1]]))
    log[CRC_AT] ^= 0xFF
    ours = Batches(fetched(bytes(log), crcs=True))
    with pytest.raises(CorruptRecordException, match="CRC"):
        list(ours)
    assert list(ours) == []
    assert ours.next_fetch_offset == 0


@pytest.mark.parametrize(("topic", "kind"), [(ONE.topic, Batches), ("other", PartitionRecords)])
def test_only_the_lanes_topics_are_taken_batch_by_batch(topic, kind):
    tp = TP(topic, 0)
    results = BatchResults(frozenset({ONE.topic}), {})
    results[tp] = FetchResult(tp, assignment=None, partition_records=fetched(b""), backoff=0)
    assert type(results[tp]._partition_records) is kind
    error = object()
    results[tp] = error
    assert results[tp] is error
    assert type(BatchResults(frozenset({ONE.topic}), results)[tp]) is object
