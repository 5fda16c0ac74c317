"""The live lane without a broker: blocks, their order, and commits of exactly what was declared durable."""

import asyncio

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from lane_model import (
    CHANGELOG,
    LOG,
    ONE,
    READINGS,
    TWO,
    Record,
    answer,
    block,
    records,
    stretch,
    taken,
    with_consumer,
)

from streams.lane import block_consumer
from streams.lane.block import Block, Blocks
from streams.lane.fetched import Stretch
from streams.lane.lane import BlockScheduler, BlockSchema, LanePlan

fetches = st.dictionaries(
    st.sampled_from([ONE, TWO, TP(READINGS, 2), LOG, TP(CHANGELOG, 1), TP("other", 0)]),
    st.integers(0, 12).map(lambda n: Stretch([Record(offset) for offset in range(5, 5 + n)], 3, 6 + n)),
)


@given(fetches, st.integers(1, 5))
def test_a_fetch_becomes_bounded_blocks_in_the_order_of_the_log(fetched, size):
    lane = LanePlan(frozenset({READINGS}), size, 1, changelogs=frozenset({CHANGELOG}))
    found = []
    for tp, item in BlockScheduler(lane).iterate(fetched):
        if isinstance(item, Blocks):
            first = item.value[0][0]
            assert (item.topic, item.partition, item.offset) == (*tp, first.offset)
            found += [(TP(block.topic, block.partition), block) for turn in item.value for block in turn]
        else:
            found.append((tp, item))
    for tp, log in fetched.items():
        items = [item for at, item in found if at == tp]
        if tp.topic in (READINGS, CHANGELOG):
            assert [record for item in items for record in item.value] == log
            assert all(len(item.value) <= size for item in items)
            assert len(items) == max(1, -(-len(log) // size))
            assert (items[0].first, items[-1].offset) == (log.first, log.end - 1)
        else:
            assert items == log


def test_what_a_fetch_brings_of_a_topic_is_one_event_in_which_partitions_take_turns_block_by_block():
    fetched = {ONE: stretch(0, 1, 2), TWO: stretch(0, 1, 2, 3)}
    ((tp, blocks),) = BlockScheduler(LanePlan(frozenset({READINGS}), 2, 1)).iterate(fetched)
    assert tp == ONE
    found = [[(block.partition, block.first, block.offset) for block in turn] for turn in blocks.value]
    assert found == [[(0, 0, 1)], [(1, 0, 1)], [(0, 2, 2)], [(1, 2, 3)]]


def test_blocks_stand_in_for_the_last_record_of_the_first_and_reach_the_agent_whole():
    async def test(consumer, broker):
        broker.fetched = {ONE: stretch(3, 4, 5), TWO: stretch(7)}
        ((tp, message),) = [found async for found in consumer.getmany(0.1)]
        assert (tp, message.offset, message.timestamp) == (ONE, 5, 1.0)
        blocks = BlockSchema().loads_value(None, message)
        assert isinstance(blocks, Blocks)
        (turn,) = blocks.value
        assert [[record.offset for record in block.value] for block in turn] == [[3, 4, 5], [7]]

    with_consumer(test)


def test_faust_leaves_out_nothing_of_the_lane_as_read_before():
    async def test(consumer, broker):
        consumer._read_offset.update({ONE: 9, LOG: 9})
        consumer._read_offset[TWO] = 9
        assert [consumer._read_offset[tp] for tp in (ONE, TWO, LOG)] == [None, None, 9]

    with_consumer(test)


def test_the_changelog_reaches_recovery_in_blocks_that_are_neither_admitted_nor_committed():
    async def test(consumer, broker):
        broker.fetched = {LOG: Stretch([Record(o, topic=CHANGELOG) for o in (7, 8, 11)], 7, 12)}
        ((tp, message),) = [found async for found in consumer.getmany(0.1)]
        assert (tp, message.offset, message.key) == (LOG, 11, None)
        assert [record.offset for record in message.value.value] == [7, 8, 11]
        await consumer.perform_seek()
        assert LOG not in consumer._admissions
        await consumer.commit()
        assert broker.commits == []

    with_consumer(test)


def test_a_commit_takes_what_was_declared_durable_at_once_and_only_once():
    async def test(consumer, broker):
        for last in (99, 199, 299):
            consumer.ack(taken(consumer, block(last - 99, last)))
        consumer.mark_durable(ONE, 300)
        consumer.mark_durable(TWO, 50)
        await consumer.commit()
        assert broker.commits == [{ONE: 300, TWO: 50}]
        await consumer.commit()
        assert broker.commits == [{ONE: 300, TWO: 50}]

    with_consumer(test)


def test_a_first_record_at_offset_0_is_committed_like_any_other():
    async def test(consumer, broker):
        broker.committed = {ONE: 0}
        await consumer.perform_seek()
        consumer.ack(taken(consumer, block(0, 0)))
        consumer.mark_durable(ONE, 1)
        await consumer.commit()
        consumer.mark_durable(ONE, 40)
        await consumer.commit()
        assert broker.commits == [{ONE: 1}, {ONE: 40}]

    with_consumer(test)


def test_what_the_agent_is_done_with_is_not_committed_by_that_alone():
    async def test(consumer, broker):
        message = taken(consumer, block(0, 9))
        assert consumer.ack(message) is True
        assert consumer.ack(message) is False
        await consumer.commit()
        assert broker.commits == []
        assert not consumer.unacked
        assert not consumer._acked[ONE]

    with_consumer(test)


def test_blocks_that_finish_out_of_order_or_never_do_not_move_the_commit():
    async def test(consumer, broker):
        first, second = taken(consumer, block(0, 9)), taken(consumer, block(10, 19))
        consumer.mark_durable(ONE, 5)
        consumer.ack(second)
        await consumer.commit()
        assert broker.commits == [{ONE: 5}]
        assert set(consumer.unacked) == {first}

    with_consumer(test)


def test_a_durable_offset_never_goes_back():
    async def test(consumer, broker):
        consumer.mark_durable(ONE, 30)
        consumer.mark_durable(ONE, 20)
        await consumer.commit()
        assert broker.commits == [{ONE: 30}]

    with_consumer(test)


def test_gaps_in_the_offsets_do_not_hold_the_commit_back():
    async def test(consumer, broker):
        await consumer._add_gap(ONE, 10, 499)
        consumer.ack(taken(consumer, Block(ONE.topic, 0, records(500, 700, 900))))
        consumer.mark_durable(ONE, 901)
        await consumer.commit()
        assert broker.commits == [{ONE: 901}]
        assert not consumer._gap[ONE]

    with_consumer(test)


def test_topics_outside_the_lane_are_acknowledged_and_committed_as_faust_does():
    async def test(consumer, broker):
        consumer.app.topics._acking_topics.add(CHANGELOG)
        for offset in (1, 2, 3):
            consumer.ack(taken(consumer, Record(offset, topic=CHANGELOG)))
        await consumer.commit()
        assert broker.commits == [{LOG: 4}]

    with_consumer(test)


def test_a_partition_that_was_revoked_is_forgotten_after_the_handover():
    async def test(consumer, broker):
        await consumer.perform_seek()
        consumer.mark_durable(ONE, 10)
        consumer.mark_durable(TWO, 20)
        await consumer.on_partitions_revoked({ONE})
        assert consumer.told == [({ONE}, {ONE: 10, TWO: 20})]
        assert await consumer.admit(block(0, 5)) is None
        await consumer.commit()
        assert broker.commits == [{TWO: 20}]

    with_consumer(test)


def test_records_that_come_while_the_flow_has_stopped_are_read_again_and_no_old_state_is_asked():
    async def test(consumer, broker):
        asked = []

        def resume_at(committed, _):
            asked.append(committed)
            return committed

        answer(consumer, resume_at=resume_at)
        broker.committed = {ONE: 10, TWO: 20}
        await asyncio.create_task(consumer.perform_seek())
        assert len(asked) == 1
        broker.committed = {ONE: 900, TWO: 900}  # somebody else's: this worker slept, and does not know yet
        broker.seeks.clear()
        rewinds = broker.rewinds

        async def getmany(*_):
            consumer.stop_flow()
            return {ONE: records(10, 11)}

        broker.getmany = getmany
        consumer.resume_flow()
        assert [found async for found in consumer.getmany(0.1)] == []
        assert len(asked) == 1
        assert sorted(broker.seeks, key=str) == [{ONE: 10}, {TWO: 20}]
        assert (
            broker.rewinds == rewinds + 3
        )  # the first one in all topics: recovery may miss of a changelog, too
        assert len(await consumer.admit(block(10, 11, rewinds=broker.rewinds))) == 2

    with_consumer(test)


def test_what_is_handed_over_while_a_commit_goes_on_is_committed_too():
    async def test(consumer, broker):
        go_on = asyncio.Event()
        commit = broker.commit

        async def slow_commit(offsets):
            await go_on.wait()
            return await commit(offsets)

        async def handover():
            consumer.mark_durable(ONE, 20)
            asyncio.get_running_loop().call_soon(go_on.set)

        broker.commit = slow_commit
        answer(consumer, hand_over=handover)
        consumer.mark_durable(ONE, 10)
        going_on = asyncio.create_task(consumer.commit())
        await asyncio.sleep(0)
        await asyncio.wait_for(consumer.wait_empty(), 5)
        await going_on
        assert broker.commits == [{ONE: 10}, {ONE: 20}]

    with_consumer(test)


def test_what_is_not_ours_any_more_is_not_declared_durable():
    async def test(consumer, broker):
        broker.assigned = {TWO}
        consumer.mark_durable(ONE, 10)
        broker.assigned = {ONE, TWO}
        await consumer.commit()
        assert broker.commits == []

    with_consumer(test)


def test_handing_over_waits_for_the_block_in_work_then_commits_what_it_made_durable():
    async def test(consumer, broker):
        message = taken(consumer, block(0, 9))
        steps = []

        async def handover():
            steps.append(message.acked)
            consumer.mark_durable(ONE, 10)

        answer(consumer, hand_over=handover)
        handing = asyncio.ensure_future(consumer.wait_empty())
        await asyncio.sleep(0)
        assert steps == []
        consumer.ack(message)
        await asyncio.wait_for(handing, 5)
        assert steps == [True]
        assert broker.commits == [{ONE: 10}]

    with_consumer(test)


def test_handing_over_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(block_consumer, "WAIT_PROCESSED_S_MAX", 1.0)

    async def test(consumer, broker):
        stuck = taken(consumer, block(0, 9))
        await asyncio.wait_for(consumer.wait_empty(), 10)
        assert not stuck.acked
        assert broker.commits == []

    with_consumer(test)


def test_a_topic_that_is_its_agent_s_state_is_read_from_its_start_whatever_is_committed():
    wards = TP("vitals.wards", 1)

    async def test(consumer, broker):
        told = []
        answer(consumer, wards.topic, begin_anew=lambda *begun: told.append(begun))
        consumer._set_active_tps(broker.assigned | {wards})
        broker.assigned, broker.committed, broker.ends = {ONE, wards}, {ONE: 7, wards: 40}, {wards: 50}
        await consumer.perform_seek()
        assert told == [(1, 40, 50)]
        assert consumer.expected(wards) == 0
        assert consumer.expected(ONE) == 7
        assert broker.seeks == [{wards: 0}]
        assert not consumer._lane.is_judged(wards.topic)

    with_consumer(test)
