"""Hands finished produce requests to the broker: on time, or as fast as it takes them.

One thread, sockets that never block. On time means open loop: a request is offered when it is due whatever has
become of those before it; what the kernel does not take at once waits in memory, in order, and its lag counts.
"""

import select
import socket
import struct
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from bench.suite.wire import Request, check_answer
from streams.errors import VigilError

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_WAIT_S: Final = 60.0
"""After the last request, for the broker's answers."""

SEND_BUFFER_BYTES: Final = 8 * 1024 * 1024
READ_BYTES: Final = 65_536
IN_FLIGHT_MAX: Final = 4
"""Requests of one connection without an answer while a topic is filled."""


@dataclass(slots=True)
class Sent:
    """What became of the requests, ms after each one's planned time, in the order of the answers."""

    handed_ms: list[float] = field(default_factory=list)
    """Until the kernel had taken the whole request: the driver's lag."""
    answered_ms: list[float] = field(default_factory=list)
    """Until the broker had answered that it has all of it."""


class Connection:
    """One socket to the broker with what waits to be written to it and what waits to be answered."""

    def __init__(self, address: tuple[str, int], sent: Sent) -> None:
        self.socket = socket.create_connection(address, CONNECT_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.socket.setblocking(False)
        self._sent = sent
        self._queue: deque[tuple[float, memoryview]] = deque()
        self._unanswered: deque[float] = deque()
        self._answers = bytearray()

    @property
    def writing(self) -> bool:
        """Whether something waits for room in the kernel's buffer."""
        return bool(self._queue)

    @property
    def in_flight(self) -> int:
        """Requests that have no answer yet."""
        return len(self._queue) + len(self._unanswered)

    def put(self, due_s: float, data: bytes) -> None:
        """Take over a request and write as much as the kernel takes."""
        self._queue.append((due_s, memoryview(data)))
        if len(self._queue) == 1:
            self.write()

    def write(self) -> None:
        """Write what waits, as far as the kernel takes it."""
        while self._queue:
            due_s, rest = self._queue[0]
            try:
                taken = self.socket.send(rest)
            except BlockingIOError:
                return
            if taken < len(rest):
                self._queue[0] = due_s, rest[taken:]
                continue
            self._queue.popleft()
            self._unanswered.append(due_s)
            self._sent.handed_ms.append(1000 * (time.time() - due_s))

    def read(self) -> None:
        """Take the answers that have come; the broker answers one connection's requests in their order."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise VigilError("the broker closed the driver's connection")
        self._answers += data
        while len(self._answers) >= 4:
            (size,) = struct.unpack_from(">i", self._answers)
            if len(self._answers) < 4 + size:
                return
            check_answer(bytes(self._answers[4 : 4 + size]))
            del self._answers[: 4 + size]
            self._sent.answered_ms.append(1000 * (time.time() - self._unanswered.popleft()))


class Sender:
    """Connections to one broker, which leads all partitions; use it as a context manager."""

    def __init__(self, broker: str, connections: int) -> None:
        host, port = broker.split(":")
        self.sent = Sent()
        self._connections = [Connection((host, int(port)), self.sent) for _ in range(connections)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.socket.close()

    def on_time(self, requests: Sequence[Request], start_s: float) -> Sent:
        """Send every request at its planned time, whatever the broker does, and wait for all answers."""
        for request in requests:
            due_s = start_s + request.planned_ms / 1000
            while (wait_s := due_s - time.time()) > 0:
                self._turn(wait_s)
            self._connections[request.connection].put(due_s, request.data)
        self._settle()
        return self.sent

    def at_once(self, requests: Iterable[Request]) -> Sent:
        """Send every request as soon as the broker has taken those before it."""
        for request in requests:
            connection = self._connections[request.connection]
            while connection.in_flight >= IN_FLIGHT_MAX:
                self._turn(ANSWER_WAIT_S)
            connection.put(time.time(), request.data)
        self._settle()
        return self.sent

    def _settle(self) -> None:
        deadline_s = time.monotonic() + ANSWER_WAIT_S
        while any(connection.in_flight for connection in self._connections):
            if time.monotonic() > deadline_s:
                raise VigilError(f"the broker did not answer within {ANSWER_WAIT_S:.0f} s")
            self._turn(1.0)

    def _turn(self, wait_s: float) -> None:
        """Wait until a socket can be read or written, at most `wait_s`; select takes microseconds, epoll does not."""
        by_socket = {connection.socket: connection for connection in self._connections}
        writing = [connection.socket for connection in self._connections if connection.writing]
        readable, writable, _ = select.select(list(by_socket), writing, [], wait_s)
        for found in writable:
            by_socket[found].write()
        for found in readable:
            by_socket[found].read()
