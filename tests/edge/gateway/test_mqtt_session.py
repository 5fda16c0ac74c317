"""A session at a broker of the test's own: what is read, when no more is, and how it ends."""

import asyncio
import contextlib

import pytest
from gateway_world import until

from edge.gateway.mqtt import session as module
from edge.gateway.mqtt.access import Access
from edge.gateway.mqtt.session import CLOSE_S_MAX, NoSession, Session
from edge.gateway.mqtt.subscriber import STOP_S_MAX
from edge.gateway.process import ANSWER_S_MAX

CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x04\x00\x01\x00\x01"


def publication(payload):
    body = b"\x00\x01t\x00" + payload
    size = len(body)
    length = b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return b"\x30" + length + bytes([size]) + body


@contextlib.asynccontextmanager
async def opened():
    """A session that is open, and what writes to it as its broker."""
    writers, ended, closed = [], asyncio.Event(), asyncio.Event()

    async def serve(reader, writer):
        await reader.read(1_000)
        writer.write(CONNACK)
        await reader.read(1_000)
        writer.write(SUBACK)
        writers.append(writer)
        await ended.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    session = Session(Access("127.0.0.1", server.sockets[0].getsockname()[1], "c", "g"))
    try:
        await session.open(("t",))
        await until(lambda: writers)
        yield session, writers[0]
    finally:
        await session.close()
        ended.set()
        await asyncio.wait_for(closed.wait(), 5)
        server.close()


def test_a_packet_over_which_something_was_raised_is_not_read_again_until_the_session_ends(caplog):
    async def scenario():
        async with opened() as (session, writer):
            session._client.took = {}.__getitem__
            writer.write(publication(b"x") * 3)
            await until(lambda: session._lost)
            for _ in range(20):  # somebody is at work meanwhile, and does not ask for messages
                await asyncio.sleep(0)
            with pytest.raises(NoSession):
                await session.messages(10, 1_000, 1.0)

    asyncio.run(scenario())
    assert sum("cannot be read" in one.getMessage() for one in caplog.records) == 1


def test_no_more_is_held_than_the_bound_and_one_message(monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES_MAX", 5_000)

    async def scenario():
        async with opened() as (session, writer):
            writer.write(publication(b"x" * 900) * 30)
            await until(lambda: session.waiting)
            assert session._held_bytes <= 5_000 + 900 + module.MESSAGE_BYTES
            found = []
            while len(found) < 30:
                found += await session.messages(2, 10_000, 5.0)
                assert session._held_bytes <= 5_000 + 900 + module.MESSAGE_BYTES
            assert {one.payload for one in found} == {b"x" * 900}

    asyncio.run(scenario())


def test_what_is_in_flight_and_the_goodbye_are_within_the_time_that_the_process_gives():
    assert STOP_S_MAX + CLOSE_S_MAX < ANSWER_S_MAX
