"""The MLLP server's bounds: stuck and slow clients, bytes, messages and connections."""

import asyncio
import contextlib

import pytest
from hl7_world import VT, Client, Door, desk_of, framed, pcd01, run, said, serving, until

from edge.gateway.hl7 import connection as connection_module
from edge.gateway.hl7 import mllp as mllp_module
from edge.gateway.hl7.connection import BLOCK_BYTES
from edge.gateway.hl7.mllp_bounds import Bounds


@pytest.fixture
def quick_look(monkeypatch):
    monkeypatch.setattr(mllp_module, "LOOK_EVERY_S", 0.02)


def test_a_message_that_does_not_end_in_time_ends_the_connection_with_an_answer(quick_look):
    async def story():
        async with serving(desk_of(), Bounds(message_s_max=0.1)) as server:
            client = await Client.to(server)
            client.send(VT + pcd01(41)[:200])
            assert said(await client.rest()) == [("AR", "41")]
            await until(lambda: server.clients == 0)

    run(story)


def test_a_client_that_trickles_bytes_ends_by_time_too(quick_look):
    async def story():
        async with serving(desk_of(), Bounds(message_s_max=0.2)) as server:
            client = await Client.to(server)
            client.send(VT)
            while server.clients:
                client.send(b"x")
                await asyncio.sleep(0.01)

    run(story)


def test_a_client_that_says_nothing_for_long_is_hung_up_on(quick_look):
    async def story():
        async with serving(desk_of(), Bounds(idle_s_max=0.1)) as server:
            client = await Client.to(server)
            assert await client.rest() == b""

    run(story)


def test_a_client_that_takes_no_answers_stops_being_read_and_is_ended(quick_look, monkeypatch):
    monkeypatch.setattr(connection_module, "WRITE_BYTES_MAX", 1_000)
    door = Door()

    async def story():
        async with serving(desk_of(door), Bounds(write_s_max=0.2)) as server:
            client = await Client.to(server)
            client.writer.transport.pause_reading()
            long = pcd01().replace(b"|ICU|", b"|" + b"long" * 25_000 + b"|", 1)
            client.send(framed(long) * 100)  # each answer repeats the facility: 10 MB
            await until(lambda: server.clients == 1)
            await until(lambda: server.clients == 0)

    run(story)
    assert len(door.frames) < 100


def test_while_the_door_is_shut_a_client_is_not_read_beyond_its_bounds():
    async def story():
        door = Door(gate=asyncio.Event())
        bounds = Bounds(waiting_bytes_max=20_000, run_messages_max=4)
        async with serving(desk_of(door), bounds) as server:
            client = await Client.to(server)
            for number in range(1, 2_001):
                client.send(framed(pcd01(number)))
            await until(lambda: server.held_bytes > bounds.waiting_bytes_max)
            for _ in range(50):
                await asyncio.sleep(0)
            assert server.in_flight == 4
            assert server.held_bytes < bounds.waiting_bytes_max + 300_000  # one read of the loop
            door.gate.set()
            assert [await client.answer() for _ in range(2_000)] == [
                ("AA", str(one)) for one in range(1, 2_001)
            ]
            assert server.held_bytes == 0
        assert [frame.seq % 1000 for frame in door.frames] == [one % 1000 for one in range(1, 2_001)]

    run(story)


def test_blocks_of_a_byte_count_for_the_memory_that_they_take():
    async def story():
        door = Door(gate=asyncio.Event())
        async with serving(desk_of(door)) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1)) + framed(b"a") * 1_000)
            await until(lambda: server.held_bytes >= 1_000 * BLOCK_BYTES)
            door.gate.set()
            assert [await client.answer() for _ in range(1_001)] == [("AA", "1")] + [("AR", "")] * 1_000
            assert server.held_bytes == 0

    run(story)


def test_messages_under_way_in_all_are_bounded_to_one_of_each_connection():
    async def story():
        door = Door(gate=asyncio.Event())
        async with serving(desk_of(door), Bounds(messages_max=6, run_messages_max=5)) as server:
            clients = []
            for under_way in (5, 6, 7, 8):
                clients.append(await Client.to(server))
                clients[-1].send(b"".join(framed(pcd01(number)) for number in range(1, 11)))
                await until(lambda under_way=under_way: server.in_flight == under_way)
            door.gate.set()
            for client in clients:
                assert [await client.answer() for _ in range(10)] == [
                    ("AA", str(one)) for one in range(1, 11)
                ]

    run(story)


def test_bytes_in_all_are_bounded_and_all_go_on_when_there_is_room(quick_look):
    async def story():
        door = Door(gate=asyncio.Event())
        bounds = Bounds(bytes_max=30_000, run_messages_max=1)
        async with serving(desk_of(door), bounds) as server:
            clients = [await Client.to(server) for _ in range(4)]
            for client in clients:
                client.send(b"".join(framed(pcd01(number)) for number in range(1, 41)))
            await until(lambda: server.held_bytes > bounds.bytes_max)
            door.gate.set()
            for client in clients:
                assert [await client.answer() for _ in range(40)] == [
                    ("AA", str(one)) for one in range(1, 41)
                ]
            assert server.held_bytes == 0

    run(story)


def test_connections_are_bounded_in_all_and_of_one_address():
    async def story():
        for bounds in (Bounds(connections_max=2), Bounds(connections_of_address_max=2)):
            desk = desk_of()
            async with serving(desk, bounds) as server:
                first, second = await Client.to(server), await Client.to(server)
                await until(lambda server=server: server.clients == 2)
                third = await Client.to(server)
                with contextlib.suppress(ConnectionResetError):
                    assert await third.rest() == b""
                assert desk.counted.reasons == {"too-many-clients": 1}
                first.close()
                await until(lambda server=server: server.clients == 1)
                again = await Client.to(server)
                again.send(framed(pcd01(7)))
                assert await again.answer() == ("AA", "7")
                second.close()

    run(story)
