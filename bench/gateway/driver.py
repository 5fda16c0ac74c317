"""One driver process: `python -m bench.gateway.driver JSON`. Sends on a schedule and writes what was acknowledged.

The schedule is fixed before the first request leaves (open loop): a request that has to wait because the one before
it is not answered counts its wait as latency. The last line on standard output is the result as JSON.
"""

import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Final

import numpy as np

from bench.gateway.frames import Load, request_of

ANSWER_S_MAX: Final = 30.0
SETTLE_S: Final = 2.0
"""Latencies of the first seconds do not count: other processes of the measurement are starting."""

LOOK_S: Final = 0.01
TURNED_AWAY_S: Final = 0.05
"""How long a connection waits before its next request after 429 or 503."""


@dataclass(slots=True)
class Outcome:
    """What became of a driver's requests; latencies from the planned moment to the answer, ms."""

    seconds: float = 0.0
    acknowledged: list[list[int]] = field(default_factory=list)
    """Of each connection, the numbers of the requests that were acknowledged."""

    turned_away: int = 0
    turned_away_blindly: int = 0
    """Of these, without being told when to try again."""

    failed: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0

    def requests(self) -> int:
        """Return how many requests were acknowledged."""
        return sum(map(len, self.acknowledged))


class Connection(asyncio.Protocol, ABC):
    """One connection: one request at a time, the next one when it is due and the last one answered."""

    def __init__(self, load: Load, place: int, outcome: Outcome) -> None:
        self._load, self._place, self._outcome = load, place, outcome
        self._loop = asyncio.get_running_loop()
        self._due: deque[float] = deque()
        self._sent_due_s = 0.0
        self._number = -1
        self._busy = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.counts_from_s = float("inf")
        self.latencies_s: list[float] = []
        self.acknowledged: list[int] = []
        outcome.acknowledged.append(self.acknowledged)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was not answered."""
        self._outcome.failed += self._busy
        self._busy, self._transport = True, None

    @property
    def idle(self) -> bool:
        """Nothing is due and nothing under way."""
        return self._transport is None or not (self._busy or self._due)

    def plan(self, due_s: float) -> None:
        """Have a request leave as soon as it can."""
        self._due.append(due_s)
        self._next()

    def _next(self) -> None:
        if self._busy or not self._due or self._transport is None:
            return
        self._busy = True
        self._sent_due_s = self._due.popleft()
        self._number += 1
        self._transport.write(self.request(self._load, self._place, self._number))

    def acknowledge(self) -> None:
        """Note that Kafka has what was sent last, and go on."""
        if self._sent_due_s >= self.counts_from_s:
            self.latencies_s.append(time.monotonic() - self._sent_due_s)
        self.acknowledged.append(self._number)
        self._after()

    def _after(self) -> None:
        self._busy = False
        self._next()

    @abstractmethod
    def request(self, load: Load, place: int, number: int) -> bytes:
        """Return the connection's `number`-th request."""


class HttpConnection(Connection):
    """A connection of HTTP."""

    def request(self, load: Load, place: int, number: int) -> bytes:
        """Return the connection's `number`-th request."""
        return request_of(load, place, number, time.time_ns() // 1_000_000)

    def has_all(self, status: bytes, body: bytes) -> bool:
        """Tell whether an answer acknowledges every frame."""
        return status == b"202" and body == b'{"accepted":%d}' % (self._load.frames * self._load.depth)

    def data_received(self, data: bytes) -> None:
        """Take an answer in."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        status = head[9:12]
        if self.has_all(status, rest[:length]):
            self.acknowledge()
        elif status in (b"429", b"503"):
            self._outcome.turned_away += 1
            self._outcome.turned_away_blindly += b"\r\nretry-after: " not in head.lower()
            self._loop.call_later(TURNED_AWAY_S, self._after)
        else:
            self._outcome.failed += 1
            self._after()


async def drive(load: Load, speaking: type[Connection]) -> Outcome:
    """Send for so long and wait for the last answers."""
    outcome, loop = Outcome(), asyncio.get_running_loop()
    connections = [speaking(load, place, outcome) for place in range(load.connections)]
    for connection in connections:
        await loop.create_connection(partial(_same, connection), "127.0.0.1", load.port)
    begun_s = time.monotonic()
    for connection in connections:
        connection.counts_from_s = begun_s + SETTLE_S
    if load.rate_hz:
        await _open_loop(load, connections, begun_s)
    else:
        while time.monotonic() < begun_s + load.seconds:
            for connection in connections:
                if connection.idle:
                    connection.plan(time.monotonic())
            await asyncio.sleep(0)
    for _ in range(round(ANSWER_S_MAX / LOOK_S)):
        if all(one.idle for one in connections):
            break
        await asyncio.sleep(LOOK_S)
    outcome.seconds = time.monotonic() - begun_s
    latencies_ms = np.array([one for connection in connections for one in connection.latencies_s]) * 1000
    if len(latencies_ms):
        outcome.p50_ms, outcome.p99_ms, outcome.p999_ms = np.percentile(latencies_ms, (50, 99, 99.9)).tolist()
    return outcome


def _same(connection: Connection) -> Connection:
    return connection


async def _open_loop(load: Load, connections: list[Connection], begun_s: float) -> None:
    for number in range(int(load.rate_hz * load.seconds)):
        due_s = begun_s + number / load.rate_hz
        if (wait_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        connections[number % len(connections)].plan(due_s)
        if number % 64 == 0:
            await asyncio.sleep(0)  # a schedule that is behind must not keep answers from being read


def main(speaking: type[Connection]) -> None:
    """Drive what the first argument says, and print the outcome."""
    print(json.dumps(asdict(asyncio.run(drive(Load(**json.loads(sys.argv[1])), speaking)))), flush=True)


if __name__ == "__main__":
    main(HttpConnection)
