"""The MLLP server, over sockets of this machine: messages in, answers out, an orderly end."""

import asyncio
import time

import pytest
from hl7_world import (
    CR,
    FS,
    SENDER,
    VT,
    WAIT_S,
    Client,
    Door,
    block,
    desk_of,
    framed,
    obx,
    pcd01,
    run,
    said,
    segments,
    serving,
    until,
)

from edge.gateway.accept import Busy
from edge.gateway.hl7.mllp_bounds import Bounds


def test_a_device_sends_and_hears_in_turn():
    door = Door()

    async def story():
        async with serving(desk_of(door)) as server:
            client = await Client.to(server)
            for number in range(1, 6):
                client.send(framed(pcd01(number)))
                assert await client.answer() == ("AA", str(number))

    run(story)
    assert len(door.frames) == 5


@pytest.mark.parametrize(
    "between",
    [FS + CR + VT, FS + VT, FS + FS + CR + VT + VT, FS + CR + b"\n" + VT],
    ids=["usual", "without CR", "twice", "LF before VT"],
)
def test_every_message_has_its_own_answer_however_blocks_end(between):
    async def story():
        async with serving(desk_of()) as server:
            client = await Client.to(server)
            client.send(VT + pcd01(1) + between + pcd01(2) + FS + CR)
            assert [await client.answer() for _ in range(2)] == [("AA", "1"), ("AA", "2")]

    run(story)


def test_a_message_of_many_reads_and_many_messages_of_one_read_are_all_answered_in_order():
    async def story():
        async with serving(desk_of()) as server:
            client = await Client.to(server)
            for byte in framed(pcd01(1)):
                client.send(bytes([byte]))
                await asyncio.sleep(0)
            assert await client.answer() == ("AA", "1")
            client.send(b"".join(framed(pcd01(number)) for number in range(2, 300)))
            assert [await client.answer() for _ in range(298)] == [("AA", str(one)) for one in range(2, 300)]

    run(story)


def test_nothing_is_answered_before_the_door_has_it():
    async def story():
        door = Door(gate=asyncio.Event())
        async with serving(desk_of(door)) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)))
            await until(lambda: server.in_flight == 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.05)
            door.gate.set()
            async with asyncio.timeout(WAIT_S):
                assert said(await client.reader.readuntil(FS + CR)) == [("AA", "1")]

    run(story)


def test_a_message_that_is_cut_off_or_too_long_is_rejected_by_its_id_and_the_next_is_taken():
    long = block(segments(*[obx()] * 200, message_id="2"))

    async def story():
        async with serving(desk_of(), Bounds(message_bytes_max=4_000)) as server:
            client = await Client.to(server)
            client.send(VT + pcd01(1)[:700] + framed(long) + framed(pcd01(3)))
            assert [await client.answer() for _ in range(3)] == [("AR", "1"), ("AR", "2"), ("AA", "3")]

    run(story)


def test_another_protocol_is_answered_once_and_hung_up_on():
    async def story():
        async with serving(desk_of()) as server:
            client = await Client.to(server)
            client.send(b"GET / HTTP/1.1\r\n" * 400)
            assert said(await client.rest()) == [("AR", "")]

    run(story)


def test_umlauts_are_no_trouble():
    door = Door()
    message = block(segments(obx(), patient="Ü1^^^Höspital^MR"))

    async def story():
        async with serving(desk_of(door)) as server:
            client = await Client.to(server)
            client.send(framed(message))
            assert await client.answer() == ("AA", "1")

    run(story)
    assert door.frames[0].patient.startswith("p-")


def test_a_fault_of_ours_is_an_error_to_its_sender_and_ends_no_connection():
    desk = desk_of(identify=lambda peer, application, facility: 1 / 0 if "BAD" in application else SENDER)

    async def story():
        async with serving(desk) as server:
            client = await Client.to(server)
            bad = pcd01(1).replace(b"MSH|^~\\&|MON", b"MSH|^~\\&|BAD", 1)
            client.send(VT + bad + framed(bad) + framed(pcd01(2)))
            assert [await client.answer() for _ in range(2)] == [("AE", "1"), ("AA", "2")]

    run(story)


def test_a_door_that_fails_unforeseen_is_an_error_to_the_sender():
    async def story():
        async with serving(desk_of(Door(errors=[RuntimeError("?")]))) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)) + framed(pcd01(2)))
            found = [await client.answer() for _ in range(2)]
            assert {code for code, _ in found} <= {"AE", "AA"}
            assert found[0] == ("AE", "1")

    run(story)


def test_stopping_answers_what_has_come_and_ends():
    async def story():
        door = Door(gate=asyncio.Event())
        async with serving(desk_of(door), Bounds(run_messages_max=2)) as server:
            client = await Client.to(server)
            client.send(b"".join(framed(pcd01(number)) for number in range(1, 6)) + VT + pcd01(6)[:50])
            await until(lambda: server.in_flight == 2)
            stopping = asyncio.create_task(server.stop())
            await asyncio.sleep(0)
            door.gate.set()
            assert said(await client.rest()) == [("AA", str(one)) for one in range(1, 6)]
            await stopping
            assert server.clients == 0

    run(story)


def test_stopping_ends_in_time_also_where_the_door_never_answers():
    async def story():
        async with serving(desk_of(Door(gate=asyncio.Event())), Bounds(stop_s_max=0.2)) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)))
            await until(lambda: server.in_flight == 1)
            began_s = time.monotonic()
            await server.stop()
            assert time.monotonic() - began_s < 2.0
            assert await client.rest() == b""

    run(story)


def test_a_stopping_server_ends_well_within_the_twenty_seconds():
    assert Bounds().stop_s_max < 20.0


def test_who_hangs_up_early_has_its_message_stored_and_harms_nobody():
    async def story():
        door = Door(gate=asyncio.Event())
        async with serving(desk_of(door)) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)))
            await until(lambda: server.in_flight == 1)
            client.writer.transport.abort()
            await asyncio.sleep(0)
            door.gate.set()
            await until(lambda: len(door.frames) == 1 and server.clients == 0)
            assert server.held_bytes == 0

    run(story)


def test_a_client_that_has_said_all_still_hears_its_answers():
    async def story():
        async with serving(desk_of()) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)))
            client.writer.write_eof()
            assert said(await client.rest()) == [("AA", "1")]

    run(story)


def test_many_connections_keep_each_its_own_order():
    door = Door(errors=[Busy("full", 0.001)] * 3)

    async def one_client(server, base):
        client = await Client.to(server)
        client.send(b"".join(framed(pcd01(base + at)) for at in range(50)))
        assert [await client.answer() for _ in range(50)] == [("AA", str(base + at)) for at in range(50)]

    async def story():
        async with serving(desk_of(door)) as server:
            await asyncio.gather(*(one_client(server, base) for base in range(0, 1_000, 100)))

    run(story)
    numbers = [frame.seq % 1000 for frame in door.frames]
    for base in range(0, 1_000, 100):
        assert [one for one in numbers if base <= one < base + 100] == list(range(base, base + 50))
