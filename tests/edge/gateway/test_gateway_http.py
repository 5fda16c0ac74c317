"""The HTTP door with a door behind it that only keeps what it is given."""

import asyncio
import contextlib
import gzip

import pytest
import zstandard
from gateway_world import GOOD, IDENTITY, JSON, NDJSON, RecordingDoor, frame, post, serving, until

from edge.gateway.http import server as http_server
from edge.gateway.http.server import BODY_BYTES_MAX
from streams.errors import Busy, NotStored


def answer_to(body, headers=JSON, door=None, **how):
    """Return (status, JSON, headers) of one request, and the door."""

    async def run():
        async with serving(door or RecordingDoor(), **how) as (server, _):
            return await post(server, body, headers)

    return asyncio.run(run())


def test_an_object_an_array_and_lines_give_the_same_readings():
    for body, headers in ((GOOD, JSON), (b"[" + GOOD + b"]", JSON), (GOOD + b"\n", NDJSON)):
        door = RecordingDoor()
        status, said, _ = answer_to(body, headers, door)
        assert (status, said) == (202, {"accepted": 1})
        assert [(one.raw, one.frame.patient, one.frame.hr) for one in door.given] == [(GOOD, "bed-1", 60.5)]


def test_readings_keep_their_order_in_one_request():
    door = RecordingDoor()
    body = b"\n".join(frame(seq=seq) for seq in range(500))
    assert answer_to(body, NDJSON, door)[1] == {"accepted": 500}
    assert [one.frame.seq for one in door.given] == list(range(500))


def test_each_reading_has_its_result_when_some_fail():
    body = b"\n".join([frame(seq=1), b"{", frame(hr="high"), frame(device="foreign"), frame(seq=2)])
    status, said, _ = answer_to(body, NDJSON)
    assert (status, said["accepted"], said["refused"]) == (202, 2, 3)
    reasons = [result.get("reason") for result in said["results"]]
    assert reasons == [None, "not-json", "invalid", "foreign-device", None]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{}", 422, "unprocessable"),
        (frame(device="foreign"), 403, "forbidden"),
        (b"", 422, "unprocessable"),
        (b"[]", 400, "malformed"),
        (b"[1,", 400, "malformed"),
    ],
)
def test_where_nothing_was_taken_the_whole_answer_is_a_problem(body, status, kind):
    found, said, headers = answer_to(body)
    assert (found, said["type"], said["status"]) == (status, f"urn:vigil:problem:{kind}", status)
    assert headers["Content-Type"] == "application/problem+json"
    assert said["title"]
    assert said["detail"]


def test_who_is_not_known_gets_401_and_nothing_is_read():
    door = RecordingDoor()
    status, _, headers = answer_to(GOOD, door=door, identify=lambda header, peer: None)
    assert (status, headers["WWW-Authenticate"], door.given) == (401, "Bearer", [])


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/csv"},
        {**JSON, "Content-Encoding": "br"},
        {"Content-Type": "application/json; charset=latin1"},
    ],
)
def test_an_unknown_type_or_coding_is_415(headers):
    assert answer_to(GOOD, headers)[0] == 415


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_packed_bodies_are_read_and_bombs_are_413(coding, pack):
    headers = {**JSON, "Content-Encoding": coding}
    assert answer_to(pack(GOOD), headers)[1] == {"accepted": 1}
    assert answer_to(pack(GOOD)[:-3], headers)[0] == 400
    assert answer_to(GOOD, headers)[0] == 400
    assert answer_to(pack(b" " * (BODY_BYTES_MAX * 50)), headers)[0] == 413


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_packed_body_may_be_of_several_parts_but_not_of_countless(coding, pack):
    headers = {**NDJSON, "Content-Encoding": coding}
    body = pack(GOOD + b"\n") + pack(frame(seq=8))
    assert answer_to(body, headers)[1] == {"accepted": 2}
    assert answer_to(pack(b"") * 300 + pack(GOOD), headers)[0] == 413


def test_a_packed_body_that_was_cut_off_between_two_frames_is_not_taken_for_the_whole():
    lines = b"".join(GOOD + b"%d\n" % number for number in range(3_000))
    packed = zstandard.compress(lines, level=1)
    assert answer_to(packed[: len(packed) // 2], {**NDJSON, "Content-Encoding": "zstd"})[0] == 400


def test_what_is_too_large_is_413_whether_it_says_so_or_not():
    async def pieces():
        for _ in range(100):
            yield b" " * 65_536

    async def run():
        async with serving(RecordingDoor()) as (server, _):
            return (await post(server, b" " * (BODY_BYTES_MAX + 1)))[0], (await post(server, pieces()))[0]

    assert asyncio.run(run()) == (413, 413)
    assert answer_to(b"\n".join([GOOD] * 10_001), NDJSON)[0] == 413


def test_a_full_kafka_is_503_and_a_full_client_429_with_the_seconds_to_wait():
    for error, status in (
        (Busy("full", 2.2), 503),
        (Busy("you", 1, kafka=False), 429),
        (NotStored("?"), 503),
    ):
        door = RecordingDoor()
        door.raises.append(error)
        found, said, headers = answer_to(GOOD, door=door)
        assert (found, said["status"]) == (status, status)
        assert int(headers["Retry-After"]) >= 1


def test_a_frame_without_boot_and_seq_needs_an_idempotency_key_and_a_resend_is_the_same_bytes():
    bare = frame().replace(b'"boot": 1, "seq": 7, ', b"")
    assert answer_to(bare)[1]["results"][0]["reason"] == "no-identity"
    numbers = []
    for key in ("a", "a", "b"):
        door = RecordingDoor()
        assert answer_to(bare + b"\n" + bare, {**NDJSON, "Idempotency-Key": key}, door)[0] == 202
        numbers.append([(one.frame.boot, one.frame.seq) for one in door.given])
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[0][0] != numbers[0][1]
    assert all(boot == 0 and seq // 1000 == IDENTITY["event_ts_ms"] for boot, seq in numbers[0])


def test_boot_without_seq_is_refused():
    assert answer_to(frame().replace(b'"seq": 7, ', b""), {**JSON, "Idempotency-Key": "a"})[0] == 422


def test_only_posts_and_known_paths():
    async def run():
        async with serving(RecordingDoor()) as (server, _):
            asked = (("GET", "/v1/readings"), ("PUT", "/healthz"), ("GET", "/nothing"), ("GET", "/healthz"))
            return [(await post(server, None, {}, method, path))[0] for method, path in asked]

    assert asyncio.run(run()) == [405, 405, 404, 200]


@pytest.mark.parametrize("target", [b"OPTIONS *", b"CONNECT x:80", b"GET http://x"])
def test_a_request_without_a_path_is_404(target):
    async def run():
        async with serving(RecordingDoor()) as (server, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(5):
                answer = await reader.read()
            writer.close()
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 404 ")


def test_a_body_that_does_not_come_ends_with_408_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(http_server, "BODY_S_MAX", 0.3)

    async def run():
        async with serving(RecordingDoor()) as (server, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            head = b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            writer.write(head + b"Content-Length: 100\r\n\r\n{")
            answered = (await post(server, GOOD))[0]
            said = await asyncio.wait_for(reader.read(), 10)  # and the connection is closed
            writer.close()
            return answered, said.split(b"\r\n")[0]

    assert asyncio.run(run()) == (202, b"HTTP/1.1 408 Request Timeout")


@pytest.mark.parametrize("says_its_length", [True, False])
def test_bodies_beyond_what_is_read_at_once_are_turned_away_unread(monkeypatch, says_its_length):
    monkeypatch.setattr(http_server, "BODIES_BYTES_MAX", 1_000)

    async def pieces(server):
        yield GOOD[:50]
        await until(lambda: server._reading_bytes > 900)
        yield GOOD[50:] + b" " * 500

    async def run():
        async with serving(RecordingDoor()) as (server, _):
            held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
            head = b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            for _, writer in held:
                writer.write(head + b"Content-Length: 450\r\n\r\n")
            await until(lambda: server._reading_bytes == 900)
            found = (await post(server, GOOD + b" " * 500 if says_its_length else pieces(server)))[0]
            for _, writer in held:
                writer.write(GOOD + b" " * (450 - len(GOOD)))
            said = [(await asyncio.wait_for(reader.readline(), 10))[9:12] for reader, _ in held]
            again = (await post(server, GOOD))[0]
            for _, writer in held:
                writer.close()
            return found, said, again, server._reading_bytes

    assert asyncio.run(run()) == (503, [b"202", b"202"], 202, 0)


def test_a_client_that_takes_no_answers_is_ended(monkeypatch):
    monkeypatch.setattr(http_server, "WRITE_S_MAX", 0.2)
    clients = "vigil_gateway_clients", {"protocol": "http"}

    async def run():
        async with serving(RecordingDoor()) as (server, metrics):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_024)
            writer.transport.pause_reading()
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000)
            await until(lambda: metrics.registry.get_sample_value(*clients) == 1)
            await until(lambda: metrics.registry.get_sample_value(*clients) == 0)
            writer.transport.abort()

    asyncio.run(run())


def test_connections_beyond_the_bound_are_closed_at_once(monkeypatch):
    monkeypatch.setattr(http_server, "CONNECTIONS_MAX", 3)

    async def run():
        async with serving(RecordingDoor()) as (server, _):
            held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            for _, other in [*held, (reader, writer)]:
                other.close()
                with contextlib.suppress(ConnectionError):
                    await other.wait_closed()

    asyncio.run(run())


def test_stopping_answers_what_is_in_flight():
    async def run():
        door = RecordingDoor()
        door.hold = asyncio.Event()
        async with serving(door) as (server, _):
            asked = asyncio.create_task(post(server, GOOD))
            await asyncio.wait_for(door.came.wait(), 10)
            stopping = asyncio.create_task(server.stop())
            await asyncio.sleep(0.05)
            assert not stopping.done()
            door.hold.set()
            await stopping
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
            return (await asked)[0]

    assert asyncio.run(run()) == 202


def test_the_metrics_count_what_came_by_reason():
    async def run():
        async with serving(RecordingDoor()) as (server, metrics):
            await post(
                server, b"\n".join([frame(seq=1), frame(seq=2), frame(device="foreign"), b"{"]), NDJSON
            )
            await post(server, GOOD, {"Content-Type": "text/csv"})
            return metrics

    value = asyncio.run(run()).registry.get_sample_value
    assert value("vigil_gateway_accepted_total", {"protocol": "http"}) == 2
    for reason in ("foreign-device", "not-json", "media-type"):
        assert value("vigil_gateway_refused_total", {"protocol": "http", "reason": reason}) == 1
    assert value("vigil_gateway_ack_seconds_count", {"protocol": "http"}) == 1
    assert value("vigil_gateway_in_flight", {"protocol": "http"}) == 0


def test_an_error_of_ours_is_a_500_that_says_nothing_of_the_reading(caplog):
    class Broken(RecordingDoor):
        async def readings(self, sender, readings, wait_s=None):
            raise ValueError(readings[0].frame.patient)

    status, said, _ = answer_to(frame(patient="canary-4711"), door=Broken())
    assert status == 500
    assert "canary" not in str(said) + caplog.text
