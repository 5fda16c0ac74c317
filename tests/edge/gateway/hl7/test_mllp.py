"""The MLLP server, over sockets of this machine."""

import asyncio
import ssl
import subprocess
import time

import pytest
from hl7_world import (
    CR,
    FS,
    SENDER,
    VT,
    Client,
    Door,
    desk_of,
    framed,
    obx,
    block,
    pcd01,
    said,
    segments,
    serving,
)

from edge.gateway.accept import Busy, Refusal
from edge.gateway.hl7 import connection as connection_module
from edge.gateway.hl7 import mllp as mllp_module
from edge.gateway.hl7.bounds import Bounds

DEADLINE_S = 10.0


def run(story):
    """Run a test's story, within a deadline."""

    async def bounded():
        async with asyncio.timeout(DEADLINE_S):
            await story()

    asyncio.run(bounded())


async def until(condition):
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


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
            async with asyncio.timeout(DEADLINE_S):
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


def test_a_fault_of_ours_is_an_error_to_its_sender_and_ends_no_connection(monkeypatch):
    desk = desk_of(identify=lambda peer, application, facility: 1 / 0 if "BAD" in application else SENDER)

    async def story():
        async with serving(desk) as server:
            client = await Client.to(server)
            client.send(framed(pcd01(1).replace(b"MSH|^~\\&|MON", b"MSH|^~\\&|BAD", 1)) + framed(pcd01(2)))
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


@pytest.fixture
def quick_look(monkeypatch):
    monkeypatch.setattr(mllp_module, "LOOK_EVERY_S", 0.02)


def test_a_message_that_does_not_end_in_time_ends_the_connection_with_an_answer(quick_look):
    async def story():
        async with serving(desk_of(), Bounds(message_s_max=0.1)) as server:
            client = await Client.to(server)
            client.send(VT + pcd01(1)[:100])
            assert said(await client.rest()) == [("AR", "")]
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
                try:
                    assert await third.rest() == b""
                except ConnectionResetError:
                    pass
                assert desk.counted.reasons == {"too-many-clients": 1}
                first.close()
                await until(lambda server=server: server.clients == 1)
                again = await Client.to(server)
                again.send(framed(pcd01(7)))
                assert await again.answer() == ("AA", "7")
                second.close()

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


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Make an authority, a server's and a device's certificate."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *key, "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    for name, alternative in (("server", "IP:127.0.0.1"), ("device", "DNS:monitor-7.icu")):
        openssl(
            "req", "-x509", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={alternative}", "-keyout", f"{name}.key", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder


def tls_of(folder, purpose, name=None):
    context = ssl.create_default_context(purpose, cafile=str(folder / "ca.pem"))
    if name is not None:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def test_over_tls_a_sender_is_known_by_the_names_of_its_certificate(certificates):
    peers = []

    def identify(peer, application, facility):
        peers.append((peer, application, facility))
        return SENDER if peer.certificate_names else Refusal("unknown-sender", "no certificate")

    async def story():
        served = tls_of(certificates, ssl.Purpose.CLIENT_AUTH, "server")
        served.verify_mode = ssl.CERT_OPTIONAL
        async with serving(desk_of(identify=identify), tls=served) as server:
            for name, code in (("device", "AA"), (None, "AR")):
                client = await Client.to(server, ssl=tls_of(certificates, ssl.Purpose.SERVER_AUTH, name))
                client.send(framed(pcd01(1)))
                assert await client.answer() == (code, "1")
                client.close()

    run(story)
    peer, application, facility = peers[0]
    assert (peer.address, peer.certificate_names) == ("127.0.0.1", ("monitor-7.icu", "device"))
    assert (application.split("^")[0], facility) == ("MON", "ICU")
    assert peers[1][0].certificate_names is None


def test_a_server_that_asks_for_certificates_hangs_up_on_who_has_none(certificates):
    async def story():
        served = tls_of(certificates, ssl.Purpose.CLIENT_AUTH, "server")
        served.verify_mode = ssl.CERT_REQUIRED
        async with serving(desk_of(), tls=served) as server:
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                client = await Client.to(server, ssl=tls_of(certificates, ssl.Purpose.SERVER_AUTH))
                client.send(framed(pcd01(1)))
                await client.answer()

    run(story)
