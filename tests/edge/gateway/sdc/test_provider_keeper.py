"""One provider is kept: whatever a session does, another follows, and none that was built is forgotten."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from edge.gateway.sdc.provider_keeper import ProviderKeeper
from edge.gateway.sdc.provider_session import Whereabouts

WAIT_S = 5.0


class Sitting:
    """A session that is never lost; `fault` is raised where it is asked."""

    def __init__(self, fault=None):
        self.fault, self.closed = fault, threading.Event()
        self.certificate_names = ()

    def is_lost(self, silence_s_max):
        if self.fault is not None:
            raise self.fault
        return False

    def mute(self):
        pass

    def close(self):
        self.closed.set()


def keeper_of(open_session, executor):
    return ProviderKeeper(open_session, lambda names: True, 10.0, executor)


async def until(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_session_that_was_being_built_when_the_keeping_ended_is_closed():
    async def run():
        begun, go_on, session = threading.Event(), threading.Event(), Sitting()

        def build(at):
            begun.set()
            assert go_on.wait(WAIT_S)
            return session

        with ThreadPoolExecutor(1) as executor:
            keeper = keeper_of(build, executor)
            keeping = asyncio.create_task(keeper.run())
            keeper.found(Whereabouts("e", None))
            await until(begun.is_set)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            go_on.set()
            await until(session.closed.is_set)

    asyncio.run(run())


def test_a_session_that_cannot_be_held_is_closed_and_another_is_built(caplog):
    async def run():
        first, second = Sitting(ValueError("of a patient")), Sitting()
        sessions = [first, second]
        with ThreadPoolExecutor(1) as executor:
            keeper = keeper_of(lambda at: sessions.pop(0), executor)
            keeping = asyncio.create_task(keeper.run())
            keeper.found(Whereabouts("e", None))
            await until(first.closed.is_set)
            await until(lambda: keeper.at is None)
            keeper.found(Whereabouts("e", None))
            await until(lambda: keeper.connected)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await until(second.closed.is_set)

    asyncio.run(run())
    assert "patient" not in caplog.text
