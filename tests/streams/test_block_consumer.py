"""The lane's consumer where the agent has room for what was fetched, and where it has none."""

import asyncio
import inspect

import pytest
from faust.transport.consumer import Consumer
from faust.types import TP
from lane_model import COMMANDS, LOG, ONE, TWO, stretch, with_consumer

from streams.lane.block_consumer import REBALANCING_WAIT_S

LONG_S = 60.0
"""Longer than a test may take: what ends before has not waited for it."""

TURNS = 20
"""Of the event loop: more than handing on what was fetched takes."""


def test_a_full_buffer_of_another_agent_stops_the_fetching_of_all_partitions_of_its_topic_and_of_no_other():
    async def test(consumer, broker):
        orders = {TP(COMMANDS, 0), TP(COMMANDS, 1)}
        broker.assigned = {ONE, LOG, *orders}
        consumer._set_active_tps(broker.assigned)
        consumer.on_buffer_full(TP(COMMANDS, 1))
        assert consumer._get_active_partitions() == {ONE, LOG}
        consumer.on_buffer_full(LOG)
        broker.fetched = {ONE: stretch(5)}
        assert [tp async for tp, _ in consumer.getmany(0.1)] == [ONE]
        consumer.on_buffer_drop(TP(COMMANDS, 1))
        assert consumer._get_active_partitions() == {ONE, *orders}

    with_consumer(test)


def test_readings_are_taken_as_soon_as_their_agent_has_room_again_and_until_then_nothing_is():
    async def test(consumer, broker):
        broker.fetched = {ONE: stretch(5), TWO: stretch(7)}
        consumer.on_buffer_full(TWO)
        taking = asyncio.create_task(consumer._wait_next_records(LONG_S))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not taking.done()
        assert broker.fetched
        consumer.on_buffer_drop(TWO)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert taking.done()
        fetched, active = taking.result()
        assert set(fetched) == {ONE, TWO} <= active

    with_consumer(test)


def test_a_worker_whose_agent_has_no_room_sees_that_it_is_to_end():
    async def test(consumer, broker):
        broker.fetched = {ONE: stretch(5)}
        consumer.on_buffer_full(ONE)
        assert [found async for found in consumer.getmany(0.01)] == []
        assert broker.fetched

    with_consumer(test)


@pytest.mark.parametrize("room", [True, False])
def test_a_message_is_handed_on_at_once_where_there_is_room_and_waits_for_the_flow_elsewhere(room):
    async def test(consumer, broker):
        tasks, taken_over = [], asyncio.Event()

        def counted(loop, coroutine, **named):
            tasks.append(coroutine)
            return asyncio.Task(coroutine, loop=loop, **named)

        async def hand_on():
            if not room:
                await taken_over.wait()
            return "handed on"

        loop = asyncio.get_running_loop()
        loop.call_soon(taken_over.set)
        loop.set_task_factory(counted)
        found = await consumer.wait_first(hand_on(), consumer.suspend_flow.wait())
        loop.set_task_factory(None)
        assert found.results == ["handed on"]
        assert bool(tasks) is not room

    with_consumer(test)


def test_a_message_that_finds_no_room_is_let_go_when_the_flow_stops():
    async def test(consumer, broker):
        consumer.resume_flow()
        held, let_go = asyncio.Event(), []

        async def hand_on():
            try:
                await held.wait()
            except asyncio.CancelledError:
                let_go.append(True)
                raise

        asyncio.get_running_loop().call_later(0, consumer.stop_flow)
        await consumer.wait_first(hand_on(), consumer.suspend_flow.wait())
        await asyncio.sleep(0)
        assert let_go == [True]

    with_consumer(test)


def test_what_goes_wrong_with_handing_a_message_on_is_raised():
    async def test(consumer, broker):
        async def hand_on():
            raise LookupError

        never = consumer.suspend_flow.wait()
        with pytest.raises(LookupError):
            await consumer.wait_first(hand_on(), never)
        never.close()

    with_consumer(test)


def test_a_worker_that_ends_is_told_so_instead():
    async def test(consumer, broker):
        async def hand_on():
            pass

        consumer._stopped.set()
        found = await consumer.wait_first(hand_on(), consumer.suspend_flow.wait())
        assert found.stopped

    with_consumer(test)


@pytest.mark.parametrize("rebalancing", [True, False])
def test_faust_sleeps_for_a_second_when_no_partition_is_to_be_read_and_the_lane_does_not(
    rebalancing, monkeypatch
):
    """While nothing changes nobody needs to look more often."""
    assert "await self.sleep(1)" in inspect.getsource(Consumer._wait_next_records)
    slept = []

    async def sleep(_, seconds):
        slept.append(seconds)

    monkeypatch.setattr(Consumer, "sleep", sleep)

    async def test(consumer, broker):
        consumer.app.rebalancing = rebalancing
        consumer.pause_partitions(broker.assigned)
        broker.fetched = {ONE: stretch(5)}
        taking = asyncio.create_task(consumer._wait_next_records(LONG_S))
        found, _ = await asyncio.wait_for(taking, LONG_S / 2)
        assert not found
        assert slept == ([] if rebalancing else [1])
        consumer.resume_partitions({ONE})
        found, _ = await consumer._wait_next_records(LONG_S)
        assert set(found) == {ONE}

    with_consumer(test)


def test_in_a_rebalance_a_wait_for_records_is_short_for_other_partitions_may_be_resumed_meanwhile():
    async def test(consumer, broker):
        waits = []

        async def getmany(_, timeout):
            waits.append(timeout)
            return {}

        broker.getmany = getmany
        for consumer.app.rebalancing in (True, False):
            await consumer._wait_next_records(LONG_S)
        assert waits == [REBALANCING_WAIT_S, LONG_S]

    with_consumer(test)


def test_a_wait_that_began_while_the_flow_was_stopped_is_short_too():
    async def test(consumer, broker):
        consumer.app.rebalancing = True
        consumer.stop_flow()
        consumer.pause_partitions(broker.assigned)
        taking = asyncio.create_task(consumer._wait_next_records(LONG_S))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not taking.done()
        consumer.resume_flow()
        assert await asyncio.wait_for(taking, LONG_S / 2) == (None, None)

    with_consumer(test)
