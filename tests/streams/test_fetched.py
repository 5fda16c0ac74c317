"""What a fetch brought comes out at once as it would record by record, as far as it can be opened."""

import gc
import weakref

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record import MemoryRecords
from faust.types import TP
from fetched_log import (
    ATTRIBUTES_AT,
    CRC_AT,
    ONE,
    READ_COMMITTED,
    STAMPED,
    batch,
    batches,
    fetched,
    log_of,
    marker,
    plain,
    summed,
)
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.stamping import stamp_by
from streams.lane.checksums import CheckedRecords
from streams.lane.fetched import Batches, FetchedResults, Opening


class Taken:
    """What `Batches` makes of a fetch: at most one stretch, and the faults that it was told."""

    def __init__(self, theirs, stamp=None, compacted=frozenset()):
        self.faults = []
        opening = Opening(frozenset(), lambda *told: self.faults.append(told), stamp, compacted)
        ours = Batches(theirs, opening)
        stretches = list(ours)
        assert len(stretches) <= 1
        self.stretch = stretches[0] if stretches else None
        self.records = list(map(plain, self.stretch or ()))
        self.next = ours.next_fetch_offset


@given(batches, st.integers(0, 12), st.sets(st.integers(0, 3)))
def test_the_same_records_come_out_and_the_same_is_fetched_next(drawn, begin, control):
    log = log_of(drawn, control=control)
    begin = min(begin, MemoryRecords(log).next_batch().next_offset - 1)  # a broker sends nothing from before
    theirs, ours = fetched(log, begin), Taken(fetched(log, begin))
    assert ours.records == list(map(plain, theirs))
    assert ours.next == theirs.next_fetch_offset
    assert ours.faults == []
    assert ours.stretch is None or ours.stretch.end == ours.next


transactions = st.lists(
    st.tuples(st.sampled_from([-1, 7, 8]), st.sampled_from(["send", "commit", "abort"])), max_size=12
)


@given(transactions, st.integers(0, 1))
def test_of_transactions_the_same_records_count_and_all_that_was_read_is_covered(drawn, isolation):
    log, at, begun, aborted = bytearray(), 0, {}, []
    for producer, act in drawn:
        if act == "send":
            begun.setdefault(producer, at)
            data, at = batch(at, [1, 1], producer=producer)
        elif producer in begun and producer >= 0:
            first = begun.pop(producer)
            if act == "abort":
                aborted.append((producer, first))
            data, at = marker(at, producer, commits=act == "commit")
        else:
            continue
        log += data
    theirs = fetched(bytes(log), aborted=aborted, isolation=isolation)
    ours = Taken(fetched(bytes(log), aborted=aborted, isolation=isolation))
    assert ours.records == list(map(plain, theirs))
    assert ours.next == theirs.next_fetch_offset == at
    if at:
        assert (ours.stretch.first, ours.stretch.end) == (0, at)


def test_a_log_of_markers_and_aborted_records_only_is_a_stretch_without_records():
    first, at = batch(40, [1, 1], producer=7)
    last, end = marker(at, 7, commits=False)
    ours = Taken(fetched(bytes(first + last), 40, aborted=[(7, 40)], isolation=READ_COMMITTED))
    assert (ours.records, ours.stretch.first, ours.stretch.end) == ([], 40, end)


def test_what_follows_a_hole_in_the_log_is_left_to_the_next_fetch_which_shows_the_hole():
    log = bytes(batch(5, [1, 1])[0] + batch(9, [1])[0])
    ours = Taken(fetched(log, 5))
    assert ([r[0] for r in ours.records], ours.next) == ([5, 6], 7)
    behind = Taken(fetched(bytes(batch(9, [1])[0]), 7))
    assert (behind.stretch.first, behind.stretch.end) == (9, 10)


def test_what_was_compacted_away_is_no_hole_and_needs_no_other_fetch():
    log = bytes(batch(5, [1, 1])[0] + batch(9, [1])[0])
    ours = Taken(fetched(log, 2), compacted={ONE.topic})
    assert ([r[0] for r in ours.records], ours.stretch.first, ours.next) == ([5, 6, 9], 2, 10)


def test_a_batch_from_before_what_was_asked_for_is_left_out_and_nothing_is_fetched_twice():
    ours = Taken(fetched(log_of([[1, 1], [1, 1], [1, 1]]), 4))
    assert ([r[0] for r in ours.records], ours.stretch.first, ours.next) == ([4, 5], 4, 6)


def test_what_was_taken_is_let_go_without_a_collection():
    gc.disable()
    try:
        theirs = fetched(log_of([[1, 1], [1]]))
        bytes_of_the_fetch = weakref.ref(theirs)
        ours = Batches(theirs, Opening(frozenset(), print))
        del theirs
        assert list(map(len, ours)) == [3]
        assert bytes_of_the_fetch() is None
    finally:
        gc.enable()


def a_wrong_checksum(whole):
    whole[CRC_AT] ^= 0xFF


def a_codec_of_the_future(whole):
    whole[ATTRIBUTES_AT] |= 5
    summed(whole)


def a_broken_compression(whole):
    whole[-6:] = b"broken"
    summed(whole)


def a_length_beyond_the_fetch(whole):
    whole[8:12] = (1 << 20).to_bytes(4, "big")


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4], ids=["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_of_kafka_is_opened(codec):
    ours = Taken(fetched(bytes(batch(3, [1, 1, 1], codec=codec)[0]), 3, of=CheckedRecords))
    assert [offset for offset, *_ in ours.records] == [3, 4, 5]


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "damage", [a_wrong_checksum, a_codec_of_the_future, a_broken_compression, a_length_beyond_the_fetch]
)
def test_a_batch_that_cannot_be_opened_is_told_of_and_fetched_again_and_what_came_before_it_counts(
    codec, damage
):
    good, at = batch(3, [1, 1])
    bad, _ = batch(at, [1, 1], codec=0 if damage is a_codec_of_the_future else codec)
    damage(bad)
    alone = Taken(fetched(bytes(bad), at, of=CheckedRecords))
    assert (alone.stretch, alone.next) == (None, at)
    assert [(tp, offset) for tp, offset, _ in alone.faults] == [(ONE, at)]
    after = Taken(fetched(bytes(good + bad), 3, of=CheckedRecords))
    assert ([r[0] for r in after.records], after.next) == ([3, 4], at)
    # What is cut off behind a whole batch is as usual, and comes with the next fetch.
    assert after.faults == [] if damage is a_length_beyond_the_fetch else len(after.faults) == 1


def test_a_wrong_checksum_is_found_by_aiokafkas_check_too():
    log = bytearray(log_of([[1, 1], [1, 1]]))
    log[CRC_AT] ^= 0xFF
    ours = Taken(fetched(bytes(log), crcs=True, of=MemoryRecords))
    assert (ours.stretch, ours.next, len(ours.faults)) == (None, 0, 1)


def test_a_time_that_no_broker_stamped_counts_up_to_a_bound_and_the_brokers_always():
    stamp = stamp_by(lambda: 1.0, ahead_ms_max=1)
    unstamped, stamped = (bytes(batch(0, [1, 1, 1, 1], flags=flag)[0]) for flag in (0, STAMPED))
    assert [time for _, time, *_ in Taken(fetched(unstamped), stamp).records] == [1_000, 1_001, 1_000, 1_000]
    assert [key for _, _, key, _ in Taken(fetched(unstamped), stamp).records][2] == b"key-2"
    assert {time for _, time, *_ in Taken(fetched(stamped), stamp).records} == {1_003}


@pytest.mark.parametrize(("topic", "kind"), [(ONE.topic, Batches), ("other", PartitionRecords)])
def test_only_the_lanes_topics_are_taken_at_once(topic, kind):
    tp, opening = TP(topic, 0), Opening(frozenset({ONE.topic}), print)
    results = FetchedResults(opening, {})
    results[tp] = FetchResult(tp, assignment=None, partition_records=fetched(b""), backoff=0)
    assert type(results[tp]._partition_records) is kind
    error = object()
    results[tp] = error
    assert results[tp] is error
    assert type(FetchedResults(opening, results)[tp]) is object
