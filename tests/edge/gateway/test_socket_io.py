"""The server of Vital Recorder: its makers' client, who may send, gaps, bounds, and the spool behind it."""

import asyncio
import contextlib
import gzip
import socket

import aiohttp
import pytest
import socketio
from vital_world import (
    DEADLINE_S,
    NOW_S,
    PATIENTS,
    World,
    connected,
    in_loop,
    makers_client,
    makers_payload,
    room,
    rooms_payload,
    serving,
    until,
)

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.profile import Profile
from edge.gateway.vital_recorder.vital_clients import UNKNOWN
from edge.gateway.vital_recorder.vital_payload import read_payload
from streams.errors import Busy, NotStored

WARD = Sender("ward", ("BED-1",))


def only_ward(address, code):
    return (WARD, Profile()) if (address, code) == ("127.0.0.1", "WARD3") else UNKNOWN


async def said_by(process, text):
    """Wait for a line with this text: the client's threads write in pieces, and may do so after it has left."""

    def read():
        return any(text in line for line in process.stdout)

    async with asyncio.timeout(DEADLINE_S):
        assert await asyncio.to_thread(read)


@in_loop
async def test_the_makers_own_client_is_heard(tmp_path):
    async with serving(tmp_path) as world:
        with makers_client(world.server.port):
            await until(lambda: len(world.door.given) > 1, "its readings")
        frame = world.door.given[0].frame
        assert (frame.device, frame.spo2) == ("BED-7", 97.0)
        await until(lambda: world.count("accepted_total") > 1, "them to be counted")


@in_loop
async def test_the_makers_own_client_with_an_unknown_code_is_told_at_once(tmp_path):
    async with serving(tmp_path, identify=only_ward) as world:
        with makers_client(world.server.port, "OTHER") as process:
            await until(lambda: world.refused("unknown-sender") > 0, "the refusal")
            await until(lambda: world.server.clients == 0, "the connection's end")
            await said_by(process, "unknown-sender")
        assert world.door.given == []


@in_loop
async def test_both_forms_go_through_the_door_in_their_order(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        await client.emit("send_data", makers_payload())
        await client.emit(
            "send_data", rooms_payload(room(("HR", "ECG_HR", "num", "", [{"val": 61, "dt": NOW_S}])))
        )
        await until(lambda: len(world.door.given) == 2, "both")
        assert [one.frame.hr for one in world.door.given] == [72.0, 61.0]
        await until(lambda: world.spool.records == 0, "the spool to be empty")


@in_loop
async def test_what_is_not_taken_is_told_and_counted(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        await client.emit("send_data", b"no payload")
        await client.emit("send_data", "text")
        await client.emit("send_data", gzip.compress(b"MSH|^~\\&|x"))
        await until(lambda: len(client.told) == 3, "three refusals")
        assert client.told == ["unknown-form", "unknown-form", "message-type"]
        assert world.refused("unknown-form") == 2
        assert world.refused("message-type") == 1


@in_loop
async def test_data_before_a_code_ends_the_connection(tmp_path):
    async with serving(tmp_path) as world, connected(world, code="") as client:
        await client.emit("send_data", makers_payload())
        await until(lambda: world.refused("unauthenticated") == 1 and not client.connected, "the end")
        assert world.door.given == []


@in_loop
async def test_a_client_that_is_taken_out_of_the_file_sends_no_more(tmp_path):
    known = [True]
    async with (
        serving(tmp_path, identify=lambda *_: (WARD, Profile()) if known[0] else UNKNOWN) as world,
        connected(world) as client,
    ):
        await client.emit("send_data", makers_payload())
        await until(lambda: world.door.given, "its readings")
        known[0] = False
        await client.emit("send_data", makers_payload(seq=2))
        await until(lambda: not client.connected, "the end")
        assert len(world.door.given) == 1


@in_loop
async def test_gaps_are_counted_by_number_and_by_time(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        for seq, at_s in ((1, 0), (2, 1), (5, 2), (6, 60), (1, 61)):
            await client.emit("send_data", makers_payload(seq=seq, at_s=NOW_S + at_s))
        await until(lambda: len(world.door.given) == 5, "all")
        assert world.count("gaps_total", kind="sequence") == 2
        assert world.count("gaps_total", kind="time") == 1


@in_loop
async def test_who_names_a_bed_of_others_moves_no_gap_of_it(tmp_path):
    async with serving(tmp_path, identify=only_ward) as world, connected(world) as client:
        for seq, bed, at_s in ((1, 1, 0), (2, 2, 0), (3, 2, 60), (4, 1, 60)):
            await client.emit("send_data", makers_payload(beds=(bed,), seq=seq, at_s=NOW_S + at_s))
        await until(lambda: len(world.door.given) == 4, "all")
        assert world.count("gaps_total", kind="time") == 1


@in_loop
async def test_more_than_so_many_connections_are_refused(tmp_path):
    async with serving(tmp_path, connections_max=1) as world, connected(world) as client:
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with connected(world):
                pass
        assert world.refused("too-many-clients") == 1
        assert client.connected


@contextlib.asynccontextmanager
async def websocket(world):
    """A connection that speaks no Socket.IO by itself, and closes nothing."""
    address = f"ws://127.0.0.1:{world.server.port}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as session, session.ws_connect(address, autoclose=False) as open_one:
        yield open_one


async def ended(open_one):
    """Wait for the end of a connection, and return what was said before it."""
    said = []
    while (message := await open_one.receive(DEADLINE_S)).type == aiohttp.WSMsgType.TEXT:
        said.append(message.data)
    return said


@in_loop
async def test_a_connection_without_a_word_counts_and_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("edge.gateway.vital_recorder.socket_io.JOIN_S_MAX", 0.5)
    async with serving(tmp_path, connections_max=1) as world, websocket(world) as silent:
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with connected(world):
                pass
        assert world.refused("too-many-clients") == 1
        await ended(silent)
        await until(lambda: world.server.clients == 0, "the end")
        async with connected(world) as client:
            await client.emit("send_data", makers_payload())
            await until(lambda: world.door.given, "its readings")


@in_loop
async def test_a_refused_connection_is_told_and_ended_though_its_client_keeps_it_open(tmp_path):
    async with serving(tmp_path, identify=only_ward) as world, websocket(world) as stranger:
        await stranger.send_str("40")
        await stranger.send_str('42["join_vr","OTHER"]')
        assert any("unknown-sender" in said for said in await ended(stranger))
        await until(lambda: world.server.clients == 0, "the end")


@in_loop
async def test_more_than_one_binary_part_is_not_waited_for(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        await client.emit("send_data", [bytes(10), bytes(10)])
        await client.emit("send_data", makers_payload())
        await until(lambda: world.door.given, "what came behind it")


@in_loop
async def test_what_kafka_has_not_taken_is_tried_again_and_nothing_overtakes(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        world.door.raises = [NotStored("no"), Busy("no", 1)]
        await client.emit("send_data", makers_payload(beds=(1,)))
        await client.emit("send_data", makers_payload(beds=(2,), seq=2))
        await until(lambda: len(world.door.given) == 2, "both")
        assert [one.frame.device for one in world.door.given] == ["BED-1", "BED-2"]


@in_loop
async def test_what_a_gateway_had_when_it_ended_is_there_for_the_next(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        world.door.hold = asyncio.Event()
        await client.emit("send_data", makers_payload())
        await until(lambda: world.spool.records == 1, "it to be kept")
    async with serving(tmp_path) as world:
        await until(lambda: world.door.given, "it to go through")
        assert world.door.given[0].frame.spo2 == 97.0


@in_loop
async def test_a_device_that_is_not_the_clients_is_counted_as_the_doors_refusal(tmp_path):
    async with serving(tmp_path) as world, connected(world) as client:
        await client.emit(
            "send_data",
            rooms_payload(room(("HR", "ECG_HR", "num", "", [{"val": 61, "dt": NOW_S}]), name="foreign")),
        )
        await until(lambda: world.refused("foreign-device") == 1, "the refusal")


@in_loop
async def test_a_disk_that_takes_nothing_is_told(tmp_path, monkeypatch):
    async with serving(tmp_path) as world, connected(world) as client:

        def full(record):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(world.spool, "add", full)
        await client.emit("send_data", makers_payload())
        await until(lambda: client.told == ["spool"], "the refusal")
        assert world.refused("spool") == 1


@in_loop
async def test_a_spool_that_was_full_says_so_in_the_metrics(tmp_path):
    world = World(tmp_path)
    frames = _frames()
    while world.spool.lost.records == 0:
        assert world.spooled.put(WARD, frames) is None
    assert world.count("gaps_total", kind="spool") == world.spool.lost.records
    assert 'vigil_gateway_spool_bytes{protocol="vital_recorder"}' in world.text()
    await world.spooled.stop()


def _frames():
    found = read_payload(makers_payload(beds=range(1, 9)), Profile(), PATIENTS, lambda: NOW_S * 1000)
    assert not isinstance(found, Refusal)
    return found.frames


@in_loop
async def test_a_port_that_is_taken_is_told(tmp_path):
    world = World(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await world.server.start("127.0.0.1", taken.getsockname()[1])
    await world.server.stop()
