"""Careful devices against servers that fail: the same bytes again, to the other one, nothing newer before."""

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from bench.drills import device_lines
from bench.drills.device_ledger import DeviceLedger
from bench.drills.device_lines import Frame, HttpLine, MllpLine

FRAMES = [Frame("gw-a", 1_000, 1), Frame("gw-b", 1_000, 1), Frame("gw-a", 2_000, 2)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(device_lines, "RETRY_S", 0.01)
    monkeypatch.setattr(device_lines, "TURN_S", 0.01)


@asynccontextmanager
async def server(ends, answer):
    """Serve a port: each message, up to what `ends` it, is kept and answered by `answer`; None closes."""
    kept = []

    async def serve(reader, writer):
        try:
            while True:
                message = await ends(reader)
                kept.append(message)
                said = answer(message, len(kept))
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    started = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield started.sockets[0].getsockname()[1], kept
    finally:
        started.close()


async def hl7(reader):
    return await reader.readuntil(b"\x1c\r")


async def http(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))


def acked(code):
    return lambda message, _: (
        b"\x0bMSH|^~\\&\rMSA|%s|%s\r\x1c\r" % (code, message.split(b"\r")[0].split(b"|")[9])
    )


def answered(status, body):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def played(line, ledger):
    for frame in FRAMES:
        line.plan(frame)
    line.closing = True
    await asyncio.wait_for(line.run(), 10.0)
    assert ledger.sent == ledger.acknowledged == {"gw-a": [1_000, 2_000], "gw-b": [1_000]}


def test_a_message_without_an_answer_goes_to_the_other_gateway_before_anything_newer_of_its_device():
    async def run():
        ledger = DeviceLedger()
        async with server(hl7, lambda *_: None) as (dead, lost), server(hl7, acked(b"CA")) as (port, kept):
            await played(MllpLine([dead, port], ledger, 0, "AL|NE"), ledger)
        assert lost == kept[:1]
        assert [b"gw-a" in one for one in kept] == [True, False, True]
        assert ledger.again == 2
        assert ledger.answers == {"none": 1, "CA": 3}

    asyncio.run(run())


def test_a_message_that_is_not_stored_is_sent_again_as_it_was():
    async def run():
        ledger = DeviceLedger()

        def at_first_not(message, count):
            return acked(b"AE" if count == 1 else b"AA")(message, count)

        async with server(hl7, at_first_not) as (port, kept):
            await played(MllpLine([port], ledger, 1, "|"), ledger)
        assert sorted(kept)[0] == sorted(kept)[1]
        assert ledger.answers == {"AE": 1, "AA": 3}

    asyncio.run(run())


def test_a_line_that_roams_goes_to_the_other_gateway_with_what_is_not_stored():
    async def run():
        ledger = DeviceLedger()
        async with server(hl7, acked(b"AE")) as (full, lost), server(hl7, acked(b"AA")) as (port, kept):
            await played(MllpLine([full, port], ledger, 2, "|"), ledger)
        assert kept[: len(lost)] == lost

    asyncio.run(run())


@pytest.mark.parametrize("numbered", [True, False])
def test_a_request_is_sent_again_until_it_is_taken(numbered):
    async def run():
        ledger = DeviceLedger()

        def in_the_end(message, count):
            return answered(503, b"{}") if count == 1 else answered(202, b'{"accepted":3}')

        async with server(http, lambda *_: None) as (dead, lost), server(http, in_the_end) as (port, kept):
            await played(HttpLine([port, dead], ledger, numbered), ledger)
        assert [*lost, *kept] == [kept[0]] * 3
        assert (b'"seq":2' in kept[0]) == numbered
        assert ledger.answers == {"none": 1, "503": 1, "202": 1}

    asyncio.run(run())
