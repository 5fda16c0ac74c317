"""The lane's consumer where the agent has room for what was fetched, and where it has none."""

import asyncio

import pytest
from faust.types import TP
from lane_model import COMMANDS, LOG, ONE, TWO, stretch, with_consumer

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
