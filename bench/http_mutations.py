"""Damaged HTTP at our server: whatever bytes come, each is refused with a reason or its frames are in the door.

`python -m bench.http_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
Most inputs are bodies at the reader; one in `REQUEST_ONE_IN` is a whole request, head and body, on its own connection.
"""

import asyncio
import contextlib
import gzip
import json
import random
import sys
from typing import Final

import zstandard

from bench.mutations import CheckingDoor, Found, command
from edge.gateway.accept import Reading, Refusal
from edge.gateway.http.coding import Damaged, TooLarge, unpacked
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.identities import ANYBODY
from edge.gateway.items import TooMany, Unreadable, read_items, split_json, split_lines
from edge.gateway.metrics import GatewayMetrics

BODY_BYTES_MAX: Final = 100_000
MUTATIONS_MAX: Final = 4
REQUEST_ONE_IN: Final = 20
TOGETHER: Final = 100
ANSWER_S: Final = 0.3
"""A request without its end is waited for: it gets no answer in this time, and its connection is closed."""

_IDENTITY: Final = {"patient": "bed-1", "device": "mon-a", "boot": 1, "event_ts_ms": 1_000, "hr": 60.5}


def _frame(seq: int, **more: object) -> bytes:
    return json.dumps({**_IDENTITY, "seq": seq, **more}).encode()


_NUMBERLESS: Final = b'{"device":"mon-a","event_ts_ms":1000,"spo2":97}'
PLAIN: Final = (
    _frame(1, spo2=None),
    b"\n".join(_frame(seq) for seq in range(3)),
    b"[" + _frame(1) + b"," + _NUMBERLESS + b"]",
)
PLAIN_TIMES: Final = 6
"""So many plain inputs for each in a coding: most of what is done to a packed body is found by its checksum."""

CORPUS: Final = (
    *(("", body) for body in PLAIN * PLAIN_TIMES),
    *(("gzip", gzip.compress(body, mtime=0)) for body in PLAIN),
    *(("zstd", zstandard.compress(body)) for body in PLAIN),
)
_SIGNS: Final = (b'"', b"{", b"[", b"}", b"\\u0000", b"\xff", b"1e999", b"\n", b"-", b"[" * 2_000)
_HEAD: Final = (
    b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    b"Idempotency-Key: k\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
)


def mutate(chance: random.Random, body: bytes) -> bytes:
    """Return bytes with one thing done to them: changed, put in, taken out, doubled or cut off."""
    at, length = chance.randrange(len(body) + 1), chance.randint(0, 8)
    what = chance.randrange(5)
    if what == 0:
        return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
    if what == 1:
        return body[:at] + chance.choice(_SIGNS) + body[at:]
    if what == 2:
        return body[:at] + body[at + length :]
    if what == 3:
        return body[: at + length] + body[at:]
    return body[:at]


def _mutated(chance: random.Random, body: bytes) -> bytes:
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        body = mutate(chance, body)
    return body


def run(inputs: int, seed: int) -> Found:
    """Send `inputs` damaged inputs; the same seed makes the same."""
    found, chance = Found(), random.Random(seed)
    requests = inputs // REQUEST_ONE_IN
    asyncio.run(_bodies(inputs - requests, chance, found))
    asyncio.run(_requests(requests, chance, found))
    return found


async def _bodies(inputs: int, chance: random.Random, found: Found) -> None:
    door = CheckingDoor()
    for _ in range(inputs):
        coding, body = chance.choice(CORPUS)
        body = _mutated(chance, body)
        with found.one(body):
            await _one(body, coding, chance, door, found)
    found.wrong += door.wrong


async def _one(body: bytes, coding: str, chance: random.Random, door: CheckingDoor, found: Found) -> None:
    split = chance.choice((split_lines, split_json))
    try:
        items = read_items(split(unpacked(body, coding, BODY_BYTES_MAX)), chance.choice(("", "key")))
    except (Damaged, TooLarge, TooMany, Unreadable) as error:
        found.outcomes[f"body: {type(error).__name__}"] += 1
        return
    readings = [item for item in items if isinstance(item, Reading)]
    for item in items:
        found.outcomes[f"frame: {item.reason}" if isinstance(item, Refusal) else "frame: taken"] += 1
    for reading in readings:
        if reading.raw is not None:  # it goes to Kafka as it came
            json.loads(reading.raw)
    await door.readings(ANYBODY, readings)


async def _requests(inputs: int, chance: random.Random, found: Found) -> None:
    door = CheckingDoor()
    server = HttpServer(door, lambda header, peer: ANYBODY, GatewayMetrics().protocol("http"), Pages())
    await server.start("127.0.0.1", 0)
    accepted = 0
    try:
        for start in range(0, inputs, TOGETHER):
            texts = [_mutated(chance, _request(chance)) for _ in range(min(TOGETHER, inputs - start))]
            for text, answer in zip(
                texts, await asyncio.gather(*(_ask(server.port, text) for text in texts)), strict=True
            ):
                accepted += _note(answer, text, found)
        if (await _ask(server.port, _HEAD % (b"", len(PLAIN[0])) + PLAIN[0]))[9:12] != b"202":
            found.wrong.append("after all of it, a good request is not served")
    finally:
        await server.stop()
    found.wrong += door.wrong
    if accepted > door.kept:
        found.wrong.append(f"{accepted - door.kept} frames were acknowledged and are not there")


def _request(chance: random.Random) -> bytes:
    coding, body = chance.choice(CORPUS)
    return _HEAD % (coding.encode(), len(body)) + body


async def _ask(port: int, text: bytes) -> bytes:
    """Return what comes back, empty if nothing does in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            return head + await reader.readexactly(length)
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _note(answer: bytes, text: bytes, found: Found) -> int:
    """Count an answer; return how many frames it acknowledges."""
    status = answer[9:12].decode() or "none"
    found.outcomes[f"request: {status}"] += 1
    if status.startswith("5"):
        found.wrong.append(f"{status} on {text!r}")
    if status != "202":
        return 0
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["accepted"])


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
