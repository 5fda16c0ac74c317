"""Batches that compiled code opens hold the records that aiokafka finds in them, and the same faults."""

import random
import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from fetched_log import ATTRIBUTES_AT, CONTROL, ONE, STAMPED, fetched, marker, plain, summed
from hypothesis import given
from hypothesis import strategies as st

from streams.decoding.raw_records import RawRecords
from streams.kafka.stamping import stamp_by
from streams.lane.checksums import CheckedRecords
from streams.lane.fetched import Batches, Opening
from streams.lane.raw_batches import open_raw

HEADER_BYTES = 61
COUNT_AT = 57

texts = st.none() | st.binary(max_size=12) | st.sampled_from((b"bed-1", b"x" * 200))
headers = st.lists(st.tuples(st.sampled_from(("", "origin")), st.none() | st.binary(max_size=5)), max_size=2)
records = st.tuples(st.integers(1, 200), st.integers(-5_000, 5_000), texts, texts, headers)
"""How far the offset is from the one before, time relative to the first, key, value, headers."""

batches = st.tuples(
    st.lists(records, min_size=1, max_size=6),
    st.integers(0, 4),
    st.sampled_from((-1, -1, 7, 8)),
    st.sampled_from((0, 0, STAMPED, CONTROL)),
)


def batch(first, drawn, codec=0, producer=-1, flags=0):
    """Return a batch as bytes, and the offset of what comes after."""
    is_producer = producer >= 0
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=is_producer,
        producer_id=producer,
        producer_epoch=0 if is_producer else -1,
        base_sequence=0 if is_producer else -1,
        batch_size=1_000_000,
    )
    at = -1
    for gap, later_ms, key, value, more in drawn:
        at += gap if at >= 0 else 1
        assert builder.append(at, 10_000 + later_ms, key, value, more) is not None
    whole = builder.build()
    whole[:8] = first.to_bytes(8, "big")
    whole[ATTRIBUTES_AT] |= flags
    return summed(whole), first + at + 1


class Taken:
    """What a fetch comes to, with objects or raw."""

    def __init__(self, raw, log, *arguments, stamp=None, **options):
        self.faults = []
        opening = Opening(
            *(frozenset(), lambda *told: self.faults.append((told[1], type(told[2]))), stamp),
            raw={ONE.topic: open_raw} if raw else {},
        )
        ours = Batches(fetched(log, *arguments, of=CheckedRecords, **options), opening)
        (self.stretch,) = tuple(ours) or (None,)
        self.next = ours.next_fetch_offset

    def said(self):
        read = self.stretch and (list(map(plain, self.stretch)), self.stretch.first, self.stretch.end)
        return read, self.next, self.faults

    @property
    def is_raw(self):
        return self.stretch is not None and isinstance(self.stretch.records, RawRecords)


def log_of(drawn, first=5):
    log, aborted, at = bytearray(), [], first
    for of_batch, codec, producer, flags in drawn:
        begins = at
        data, at = batch(at, of_batch, codec, producer, 0 if producer >= 0 else flags)
        log += data
        if producer == 8:
            aborted.append((producer, begins))
        if producer >= 0:
            data, at = marker(at, producer, commits=producer == 7)
            log += data
    return bytes(log), aborted, at


@given(st.lists(batches, max_size=5), st.integers(0, 300), st.integers(0, 1), st.booleans())
def test_the_same_records_count_whoever_opens_their_batches(drawn, begin, isolation, has_stamp):
    log, aborted, end = log_of(drawn)
    begin = min(5 + begin, max(5, end - 1))
    options = {"isolation": isolation, "stamp": stamp_by(lambda: 9.9, 20) if has_stamp else None}
    objects = Taken(False, log, begin, aborted=list(aborted), **options)
    raw = Taken(True, log, begin, aborted=list(aborted), **options)
    assert raw.said() == objects.said()
    assert raw.is_raw or not raw.stretch
    if raw.stretch:
        assert list(map(plain, raw.stretch[1:-1])) == objects.said()[0][0][1:-1]
        assert plain(raw.stretch[-1]) == objects.said()[0][0][-1]


@pytest.mark.parametrize("codec", range(5), ids=["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("seed", range(6))
def test_of_a_damaged_batch_the_same_is_read_and_told(codec, seed):
    rng = random.Random(seed)
    good, at = batch(5, [(1, 0, b"a", b"1", [])])
    for _ in range(150):
        drawn = [
            (1, i, b"bed-%d" % i, b"value", [("of", b"x")] * (i % 2)) for i in range(rng.randrange(1, 5))
        ]
        bad, _ = batch(at, drawn, codec)
        if rng.random() < 0.2:
            bad[COUNT_AT : COUNT_AT + 4] = struct.pack(">i", rng.choice((-1, 0, 1, 2, 9, 2**31 - 1)))
        for _ in range(rng.randrange(0, 3)):
            bad[rng.randrange(HEADER_BYTES, len(bad))] = rng.randrange(256)
        log = bytes(good + summed(bad))
        assert Taken(True, log, 5).said() == Taken(False, log, 5).said()


def test_a_fetch_with_a_batch_that_compiled_code_does_not_open_comes_as_objects():
    first, at = batch(5, [(1, 0, b"a", b"1", [])])
    second, _ = batch(at, [(1, 0, b"b", b"2", [])], 0)
    opening = Opening(
        frozenset(),
        print,
        raw={ONE.topic: lambda data, start, end: None if start else open_raw(data, start, end)},
    )
    (stretch,) = Batches(fetched(bytes(first + second), 5, of=CheckedRecords), opening)
    assert not isinstance(stretch.records, RawRecords)
    assert list(map(plain, stretch)) == [(5, 10_000, b"a", b"1"), (6, 10_000, b"b", b"2")]
