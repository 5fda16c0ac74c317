"""A call in a process of its own: what it returns or raises, and its end when it is late or nobody waits."""

import asyncio
import os
import time

import psutil
import pytest
from waiting import wait_until

from edge.board.beside import beside
from streams.errors import UsageError, VigilError

LONG_S = 60.0


def children():
    return psutil.Process().children()


def test_it_returns_what_the_function_returns_in_a_process_of_its_own():
    assert asyncio.run(beside(LONG_S, os.getpid)) not in (os.getpid(), None)


def test_what_the_function_raises_is_raised_here():
    with pytest.raises(VigilError, match="rate"):
        asyncio.run(beside(LONG_S, _refuse, "no such rate"))


def _refuse(what):
    raise UsageError(what)


def test_a_process_that_ends_without_an_answer_is_told():
    with pytest.raises(VigilError, match="without an answer"):
        asyncio.run(beside(LONG_S, os._exit, 3))


def test_one_that_is_late_is_killed():
    before = children()
    with pytest.raises(VigilError, match=r"not done within 0\.2 s"):
        asyncio.run(beside(0.2, time.sleep, LONG_S))
    assert children() == before


def test_one_whom_nobody_waits_for_is_killed():
    before = children()

    async def test():
        asked = asyncio.create_task(beside(LONG_S, time.sleep, LONG_S))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    began_s = time.monotonic()
    asyncio.run(test())
    wait_until(lambda: children() == before, "its end", 5)
    assert time.monotonic() - began_s < LONG_S / 2
