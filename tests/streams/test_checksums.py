"""Batches are checked as aiokafka checks them, and what is wrong with one is found wherever its bytes changed."""

from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import MemoryRecords
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from fetched_log import batches, log_of, plain
from hypothesis import given
from hypothesis import strategies as st

from streams.lane.checksums import CRC_AT, CheckedRecords, check_in_hardware


def taken(records):
    found = []
    while records.has_next():
        found.append(list(map(plain, records.next_batch())))
    return found


@given(batches)
def test_the_same_batches_come_out(drawn):
    log = log_of(drawn)
    ours = CheckedRecords(log)
    assert ours.size_in_bytes() == MemoryRecords(log).size_in_bytes()
    assert taken(ours) == taken(MemoryRecords(log))
    assert ours.next_batch() is None


@given(batches, st.data())
def test_one_changed_byte_of_what_is_summed_up_is_found(drawn, data):
    log = bytearray(log_of(drawn))
    first = len(log_of(drawn[:1]))
    at = data.draw(st.integers(CRC_AT, first - 1))
    log[at] ^= data.draw(st.integers(1, 255))
    wrong = MemoryRecords(bytes(log)).next_batch()
    assert not wrong.validate_crc()
    with pytest.raises(CorruptRecordException, match="checksum"):
        CheckedRecords(bytes(log)).next_batch()


@given(batches, st.integers(0, 10))
def test_a_batch_that_was_cut_off_is_left_out(drawn, cut):
    log = log_of(drawn)
    log = log[: len(log) - cut]
    whole = taken(MemoryRecords(log))
    if whole:
        assert taken(CheckedRecords(log)) == whole
    else:  # brokers send the first one whole; aiokafka would go on behind its first record
        with pytest.raises(CorruptRecordException, match="cut off"):
            taken(CheckedRecords(log))


def test_nothing_fetched_is_no_batch():
    assert taken(CheckedRecords(b"")) == []
    assert CheckedRecords(b"").next_batch() is None


def test_a_batch_of_an_older_format_is_checked_by_aiokafka():
    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1_000)
    builder.append(0, timestamp=5, key=b"key", value=b"value")
    log = builder.build()
    assert taken(CheckedRecords(bytes(log))) == [[(0, 5, b"key", b"value")]]
    log[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        CheckedRecords(bytes(log)).next_batch()


def test_aiokafka_takes_what_a_fetch_brought_by_the_name_that_is_replaced_and_checks_nothing_itself(
    monkeypatch,
):
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)
    assert "MemoryRecords" in fetcher.Fetcher._proc_fetch_request.__code__.co_names
    assert "_check_crcs" in AIOKafkaConsumer.start.__code__.co_names
    consumer = SimpleNamespace(_check_crcs=True)
    check_in_hardware(consumer)
    assert fetcher.MemoryRecords is CheckedRecords
    assert consumer._check_crcs is False
