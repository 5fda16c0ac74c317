"""Reports from other threads: in their order, and what does not fit is counted."""

import asyncio
import threading

from test_state_gaps import report

from edge.gateway.sdc.handover import Handover


def test_reports_of_a_thread_come_in_their_order():
    async def run():
        taken, done = [], asyncio.Event()

        def take(epr, one):
            taken.append(one.metrics[0].version)
            if len(taken) == 100:
                done.set()

        handover = Handover(asyncio.get_running_loop(), take, lambda lost: None)
        thread = threading.Thread(
            target=lambda: [handover.offer("e", report("a", hr=version)) for version in range(100)]
        )
        thread.start()
        await asyncio.wait_for(done.wait(), 5)
        thread.join()
        assert taken == list(range(100))

    asyncio.run(run())


def test_while_the_loop_is_held_up_the_oldest_make_room_and_are_counted():
    async def run():
        taken, lost, told = [], [], asyncio.Event()

        def take(epr, one):
            taken.append(one.metrics[0].version)
            told.set()

        handover = Handover(asyncio.get_running_loop(), take, lost.append, reports_max=3)
        for version in range(10):
            handover.offer("e", report("a", hr=version))
        await asyncio.wait_for(told.wait(), 5)
        assert (taken, lost) == ([7, 8, 9], [7])

    asyncio.run(run())
