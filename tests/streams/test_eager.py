"""Coroutines that are begun without a task: they come to the same as ones that have one from the beginning."""

import asyncio

import pytest

from streams.lane.eager import Ended, begin


async def steps(told, waits, fault=None):
    """Wait `waits` times, then raise the fault or return what was told."""
    for _ in range(waits):
        told.append(await asyncio.sleep(0, len(told)))
    if fault is not None:
        raise fault
    return told


def test_a_coroutine_that_waits_for_nothing_has_ended_and_says_what_it_returned():
    assert begin(steps([], 0)) == Ended([])


def test_a_fault_before_the_first_wait_comes_at_once():
    with pytest.raises(LookupError):
        begin(steps([], 0, LookupError()))


@pytest.mark.parametrize("in_a_task", [False, True])
def test_what_is_left_is_awaited_with_all_that_it_is_told(in_a_task):
    async def test():
        left = begin(steps([], 3))
        return await (asyncio.ensure_future(left) if in_a_task else left)

    assert asyncio.run(test()) == [0, 1, 2]


def test_a_fault_after_a_wait_comes_to_whoever_awaits_the_rest():
    async def test():
        await begin(steps([], 2, LookupError()))

    with pytest.raises(LookupError):
        asyncio.run(test())


@pytest.mark.parametrize("turns", [0, 1])
def test_the_rest_is_told_when_its_task_is_cancelled_even_before_it_has_run(turns):
    seen = []

    async def waiting():
        try:
            await asyncio.get_running_loop().create_future()
        except BaseException as error:
            seen.append(type(error))
            raise

    async def test():
        task = asyncio.ensure_future(begin(waiting()))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(test())
    assert seen == [asyncio.CancelledError if turns else GeneratorExit]


def test_a_coroutine_may_go_on_after_a_cancellation():
    async def patient():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return await asyncio.sleep(0, "well")

    async def test():
        task = asyncio.ensure_future(begin(patient()))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(test()) == "well"
