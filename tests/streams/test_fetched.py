"""What a fetch brought comes out batch by batch as it would record by record."""

import gc
import weakref

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record import MemoryRecords
from faust.types import TP
from fetched_log import ONE, batches, fetched, log_of, plain
from hypothesis import given
from hypothesis import strategies as st

from streams.checksums import CRC_AT, CheckedRecords
from streams.fetched import Batches, BatchResults, records_of


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


@pytest.mark.parametrize(("of", "crcs"), [(MemoryRecords, True), (CheckedRecords, False)])
def test_a_wrong_checksum_is_an_error_and_ends_what_was_fetched(of, crcs):
    log = bytearray(log_of([[1, 1], [1, 1]]))
    log[CRC_AT] ^= 0xFF
    ours = Batches(fetched(bytes(log), crcs=crcs, of=of))
    with pytest.raises(CorruptRecordException, match=r"CRC|checksum"):
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
