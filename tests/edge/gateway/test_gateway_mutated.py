"""A hundred thousand damaged bodies and two thousand damaged requests: each is refused with a reason or taken."""

import asyncio
import contextlib
import gzip
import random

import zstandard
from gateway_world import GOOD, NDJSON, RecordingDoor, frame, post, serving

from edge.gateway.accept import Reading, Refusal
from edge.gateway.http.coding import CODINGS, Damaged, TooLarge, unpacked
from edge.gateway.http.items import TooMany, Unreadable, read_items, split_json, split_lines
from streams.frames import Frame

BODIES = 100_000
REQUESTS = 2_000
TOGETHER = 100
ANSWER_S = 0.3
REASONS = {"too-large", "invalid", "not-json", "no-identity"}

PLAIN = [GOOD, b"\n".join(frame(seq=seq) for seq in range(3)), b"[" + GOOD + b"," + frame(hr=None) + b"]"]
SEEDS = [
    *[("", body) for body in PLAIN],
    *[("gzip", gzip.compress(body)) for body in PLAIN],
    *[("zstd", zstandard.compress(body)) for body in PLAIN],
]


def mutated(seeded, body):
    """Return a body with bytes changed, put in, taken out, doubled or cut off."""
    changed = bytearray(body)
    for _ in range(seeded.randint(1, 4)):
        at, length = seeded.randrange(len(changed) + 1), seeded.randint(0, 8)
        kind = seeded.randrange(5)
        if kind == 0:
            changed[at : at + 1] = bytes([seeded.randrange(256)])
        elif kind == 1:
            changed[at:at] = seeded.choice(
                (b'"', b"{", b"[", b"}", b"\\u0000", b"\xff", b"1e999", b"\n", b"-")
            )
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        else:
            del changed[at:]
    return bytes(changed)


def test_a_damaged_body_is_frames_of_the_contract_or_has_a_reason():
    seeded = random.Random(22)
    taken = refused = whole = 0
    for _ in range(BODIES):
        coding, body = seeded.choice(SEEDS)
        try:
            plain = unpacked(mutated(seeded, body), coding, 100_000)
            split = seeded.choice((split_lines, split_json))
            items = read_items(split(plain), seeded.choice(("", "key")))
        except (Damaged, TooLarge, TooMany, Unreadable):
            whole += 1
            continue
        for item in items:
            if isinstance(item, Refusal):
                assert item.reason in REASONS
                refused += 1
                continue
            assert isinstance(item, Reading)
            taken += 1
            if item.raw is not None and item.frame.patient and taken % 20 == 0:
                Frame.model_validate_json(item.raw)
    assert min(taken, refused, whole) > 1_000
    assert set(CODINGS) >= {coding for coding, _ in SEEDS}


def test_a_damaged_request_ends_with_an_answer_or_a_closed_connection_and_the_next_one_is_served(caplog):
    seeded = random.Random(22)
    head = (
        b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        b"Idempotency-Key: k\r\nContent-Length: %d\r\n\r\n"
    )

    async def try_one(port, text):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(text)
            return await asyncio.wait_for(reader.readline(), ANSWER_S)
        except (ConnectionError, TimeoutError):  # a request without its end is waited for: no answer yet
            return b""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def run():
        async with serving(RecordingDoor()) as (server, _):
            said = []
            for _ in range(REQUESTS // TOGETHER):
                bodies = [seeded.choice(PLAIN) for _ in range(TOGETHER)]
                texts = [mutated(seeded, head % len(body) + body) for body in bodies]
                said += await asyncio.gather(*(try_one(server.port, text) for text in texts))
            assert (await post(server, GOOD, NDJSON))[0] == 202
            return said

    statuses = {answer[9:12] for answer in asyncio.run(run()) if answer}
    assert {b"202", b"400"} <= statuses
    assert not any(status.startswith(b"5") for status in statuses), statuses
    assert caplog.records == [], "what is logged of a damaged request would quote it"
