"""A gateway in a test: a door that keeps what it is given, a server on a free port, and frames."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Sequence

import aiohttp

from edge.gateway.accept import Headers, Reading, Refusal, Sender
from edge.gateway.fhir.fhir_openapi import fhir_paths
from edge.gateway.http.exchange import TOKEN_PATH, exchanged
from edge.gateway.http.openapi import openapi
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.metrics import GatewayMetrics
from streams.errors import VigilError

ANYBODY = Sender("anybody", ("*",), names_patients=True)
IDENTITY = {"patient": "bed-1", "device": "mon-a", "boot": 1, "seq": 7, "event_ts_ms": 1_000}
GOOD = json.dumps({**IDENTITY, "hr": 60.5, "spo2": None}).encode()
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


def frame(**changes):
    return json.dumps({**IDENTITY, **changes}).encode()


class RecordingDoor:
    """Keeps what it is given; `raises` is raised instead once, `hold` makes it wait as Kafka would."""

    def __init__(self) -> None:
        self.given: list[Reading] = []
        self.senders: list[Sender] = []
        self.stored: list[tuple[str, bytes, bytes]] = []
        self.raises: list[VigilError] = []
        self.hold: asyncio.Event | None = None
        self.came = asyncio.Event()

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        self.senders.append(sender)
        self.came.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.raises:
            raise self.raises.pop(0)
        self.given += readings
        return [
            Refusal("foreign-device", "no") if one.frame.device == "foreign" else None for one in readings
        ]

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        self.stored.append((topic, key, value))


@contextlib.asynccontextmanager
async def serving(
    door, identify=lambda header, peer: ANYBODY, exchange_s=lambda token: None, more=None
) -> AsyncIterator[tuple[HttpServer, GatewayMetrics]]:
    metrics = GatewayMetrics()
    others = more(door, metrics) if more else Pages()
    document = json.dumps(openapi(fhir_paths() if more else {})).encode()
    read = {
        "/healthz": lambda: (200, b'{"up":true}', "application/json"),
        "/readyz": lambda: (200, b'{"kafka":true}', "application/json"),
        "/openapi.json": lambda: (200, document, "application/json"),
    }
    posted = {TOKEN_PATH: lambda form, kind: exchanged(form, kind, exchange_s)}
    pages = Pages(read | others.read, posted, others.intakes, others.updated, others.at)
    server = HttpServer(door, identify, metrics.protocol("http"), pages)
    await server.start("127.0.0.1", 0)
    try:
        yield server, metrics
    finally:
        await server.stop()


async def post(server, body, headers=JSON, method="POST", path="/v1/readings"):
    """Return status, JSON and headers of one request."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(
            method,
            f"http://127.0.0.1:{server.port}{path}",
            data=io.BytesIO(body) if isinstance(body, bytes) else body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(20),
        ) as answer,
    ):
        text = await answer.read()
        return answer.status, json.loads(text) if text else None, answer.headers


async def until(condition):
    """Wait for what nobody tells, such as time that has passed, at most 5 s."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(condition)
