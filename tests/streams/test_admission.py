"""No hole in the log passes: what the lane admits when blocks are lost, doubled or late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lane_model import ONE, TWO, answer, block, expected, records, with_consumer

from streams.lane.block import Block
from streams.lane.log_faults import Gone


def test_seeking_stops_the_flow_and_expects_what_is_committed_or_the_first_that_is_left():
    async def test(consumer, broker):
        broker.committed, broker.earliest = {ONE: 40, TWO: 3}, {TWO: 8}
        consumer.resume_flow()
        await consumer.perform_seek()
        assert not consumer.flow_active
        assert expected(consumer) == {ONE: 40, TWO: 8}

    with_consumer(test)


def test_judging_goes_on_before_what_is_committed_where_the_state_does_not_reach_so_far():
    async def test(consumer, broker):
        broker.committed, broker.earliest = {ONE: 40, TWO: 30}, {TWO: 8}
        asked = []

        def resume_at(committed, _):
            asked.append(committed)
            return {0: 40, 1: 0}

        answer(consumer, resume_at=resume_at)
        await consumer.perform_seek()
        assert asked == [{0: 40, 1: 30}]
        assert broker.seeks == [{TWO: 8}]
        assert await consumer.admit(block(30, 34, TWO, rewinds=0)) is None
        assert [r.offset for r in await consumer.admit(block(8, 9, TWO, rewinds=broker.rewinds))] == [8, 9]
        assert [r.offset for r in await consumer.admit(block(40, 41, ONE))] == [40, 41]

    with_consumer(test)


def test_blocks_are_admitted_in_order_once_and_without_what_came_before():
    async def test(consumer, broker):
        broker.committed = {ONE: 10}
        assert await consumer.admit(block(10, 14)) is None
        await consumer.perform_seek()
        assert await consumer.admit(block(5, 9)) is None
        assert [r.offset for r in await consumer.admit(block(8, 14))] == [10, 11, 12, 13, 14]
        assert await consumer.admit(block(10, 14)) is None
        assert [r.offset for r in await consumer.admit(block(15, 16))] == [15, 16]
        assert broker.seeks == []

    with_consumer(test)


def test_a_hole_is_read_again_and_what_was_fetched_before_that_is_left_out():
    async def test(consumer, broker):
        await consumer.perform_seek()
        stale = broker.rewinds
        assert await consumer.admit(block(5, 9, rewinds=stale)) is None
        assert broker.seeks == [{ONE: 0}]
        assert await consumer.admit(block(10, 14, rewinds=stale)) is None
        assert broker.seeks == [{ONE: 0}]
        assert [r.offset for r in await consumer.admit(block(0, 6, rewinds=broker.rewinds))] == [*range(7)]
        assert [r.offset for r in await consumer.admit(block(7, 9, rewinds=broker.rewinds))] == [7, 8, 9]

    with_consumer(test)


def test_a_hole_that_is_still_there_after_reading_again_is_the_logs_own(caplog):
    async def test(consumer, broker):
        await consumer.perform_seek()
        await consumer.admit(block(5, 9, rewinds=broker.rewinds))
        assert [r.offset for r in await consumer.admit(block(5, 9, rewinds=broker.rewinds))] == [
            5,
            6,
            7,
            8,
            9,
        ]
        assert "records 0 to 4 were deleted before they were judged" in caplog.text

    with_consumer(test)


def test_records_that_were_deleted_before_they_were_judged_are_told_at_the_start():
    async def test(consumer, broker):
        told = []
        answer(consumer, gone=told.append)
        broker.committed, broker.earliest = {ONE: 40}, {ONE: 43, TWO: 8}  # of TWO nothing was ever judged
        await consumer.perform_seek()
        assert told == [Gone(ONE, 40, 43)]
        assert expected(consumer) == {ONE: 43, TWO: 8}
        await consumer.perform_seek()
        assert len(told) == 1

    with_consumer(test)


@pytest.mark.parametrize(
    ("begin", "earliest", "gone"), [(0, 30, None), (0, 45, (40, 45)), (20, 30, (20, 30))]
)
def test_of_a_state_that_is_built_again_what_is_neither_in_it_nor_in_the_log_is_told(begin, earliest, gone):
    async def test(consumer, broker):
        told = []
        broker.committed, broker.earliest = {ONE: 40}, {ONE: earliest}

        def resume_at(committed, _):
            return {0: begin, 1: 0}

        answer(consumer, resume_at=resume_at, gone=told.append)
        await consumer.perform_seek()
        assert [(each.first, each.end) for each in told] == ([gone] if gone else [])

    with_consumer(test)


def test_markers_of_transactions_and_what_was_aborted_are_no_holes():
    async def test(consumer, broker):
        await consumer.perform_seek()
        ends = Block(ONE.topic, 0, records(0, 2), first=0, offset=4)
        assert [r.offset for r in await consumer.admit(ends)] == [0, 2]
        assert await consumer.admit(Block(ONE.topic, 0, [], first=5, offset=6)) == []
        assert await consumer.admit(Block(ONE.topic, 0, [], first=5, offset=6)) is None
        assert [r.offset for r in await consumer.admit(block(7, 8))] == [7, 8]
        assert broker.seeks == []

    with_consumer(test)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["take", "lose", "twice", "late"])), max_size=30)
)
def test_whatever_deliveries_are_lost_doubled_or_late_every_record_is_admitted_once_in_order(deliveries):
    end = 30
    admitted, position, late = [], 0, []

    async def test(consumer, broker):
        nonlocal position
        await consumer.perform_seek()

        async def deliver(found):
            nonlocal position
            seeks = len(broker.seeks)
            admitted.extend(record.offset for record in await consumer.admit(found) or ())
            if len(broker.seeks) > seeks:
                position = broker.seeks[-1][ONE]

        # A hole shows when something follows it, so the last record is always delivered. What is read again is
        # not lost again: only a rebalance loses blocks, and it begins anew with a seek.
        for size, fate in [*deliveries, *[(4, "take")] * 2 * end]:
            if position > end:
                break
            found = block(position, min(position + size - 1, end), rewinds=broker.rewinds)
            position = found.offset + 1
            steady = consumer._admissions[ONE].rewound is None and found.offset < end
            if fate == "late" and steady:
                late.append(found)
            elif fate != "lose" or not steady:
                for _ in range(2 if fate == "twice" else 1):
                    await deliver(found)
            elif late:
                await deliver(late.pop())

    with_consumer(test)
    assert admitted == [*range(end + 1)]
