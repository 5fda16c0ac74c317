"""Where a process says that it waits."""

import asyncio
import threading

from agents.health.stacks import whereabouts

DEADLINE_S = 10.0


async def _wait_for(event):
    await event.wait()


async def _take(event):
    await _wait_for(event)


def test_each_task_is_followed_down_to_what_it_awaits():
    async def run():
        event = asyncio.Event()
        tasks = [asyncio.create_task(_take(event), name="taker"), asyncio.create_task(asyncio.sleep(60))]
        await asyncio.sleep(0)
        told = whereabouts(asyncio.get_running_loop())
        for task in tasks:
            task.cancel()
        return told

    told = asyncio.run(run())
    taker = told[told.index("task taker") :]
    assert taker.index("_take") < taker.index("_wait_for") < taker.index("Future")


def test_another_thread_can_ask_while_the_loop_is_stuck():
    told = []

    def ask(loop):
        told.append(whereabouts(loop))

    async def stuck_here():
        thread = threading.Thread(target=ask, args=(asyncio.get_running_loop(),))
        thread.start()
        thread.join(DEADLINE_S)

    asyncio.run(stuck_here())
    assert "thread MainThread" in told[0]
    assert "stuck_here" in told[0]
