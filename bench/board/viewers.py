"""Many viewers in one process: raw sockets that read the stream and note when each alarm came; a process of its own.

`python -m bench.board.viewers` reads its orders as JSON on standard input and writes what it found on standard output.
One loop over epoll, because a viewer must cost the driver less than the board.
"""

import json
import re
import select
import socket
import sys
import time
from typing import Any, Final

ONSET: Final = re.compile(rb'"onset_ts_ms":(\d+)')
END: Final = b"\n\n\r\n"
REQUEST: Final = b"GET /v1/stream?ward=w HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
TOGETHER: Final = 100
"""Connections opened before their states are read."""

READ_BYTES: Final = 262_144
WAIT_S_MAX: Final = 60.0
SETTLE_S: Final = 2.0


class Viewers:
    """Viewers of one board; `came` has by an alarm's onset, which names it, when it was at each viewer, ms."""

    def __init__(self) -> None:
        self.came: dict[int, list[float]] = {}
        self.bytes = 0
        self.lost = 0
        self._sockets: dict[int, socket.socket] = {}
        self._held: dict[int, bytes] = {}
        self._seen: dict[int, int] = {}
        self._ready: set[int] = set()
        self._poll = select.epoll()
        self._room = memoryview(bytearray(READ_BYTES))

    def connect(self, port: int, count: int) -> None:
        """Connect so many, and wait until each has the state."""
        until_s = time.monotonic() + WAIT_S_MAX
        while len(self._sockets) < count:
            for _ in range(min(TOGETHER, count - len(self._sockets))):
                made = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S_MAX)
                made.sendall(REQUEST)
                made.setblocking(False)
                self._sockets[made.fileno()] = made
                self._poll.register(made.fileno(), select.EPOLLIN)
            while len(self._ready) < len(self._sockets):
                if time.monotonic() > until_s:
                    raise TimeoutError("the board did not send every viewer its state")
                self.take(1.0)

    def take(self, wait_s: float) -> None:
        """Take what has come."""
        for number, _ in self._poll.poll(wait_s):
            try:
                # Into room that is there: to ask for so many bytes each time costs more than reading them.
                data = bytes(self._room[: self._sockets[number].recv_into(self._room)])
            except ConnectionError:
                data = b""
            if not data:
                self._lose(number)
                continue
            self.bytes += len(data)
            if number in self._held:
                data = self._held.pop(number) + data
            if not data.endswith(END):
                self._held[number] = data  # only whole chunks are looked at
            elif number not in self._ready:
                if b"event: snapshot" in data:
                    self._ready.add(number)
            elif b"event: beds" in data:
                self._note(number, data)

    def _note(self, number: int, data: bytes) -> None:
        now_ms, seen = time.time() * 1000, self._seen.get(number, 0)
        for onset in sorted(map(int, ONSET.findall(data))):  # beds come by name
            if onset > seen:
                self._seen[number] = seen = onset
                self.came.setdefault(onset, []).append(now_ms)

    def _lose(self, number: int) -> None:
        self.lost += 1
        self._poll.unregister(number)
        self._sockets.pop(number).close()
        self._ready.discard(number)


def main() -> None:
    """Connect, say so, watch until told that the load has ended, and say what came."""
    orders = json.loads(sys.stdin.readline())
    viewers = Viewers()
    viewers.connect(orders["port"], orders["viewers"])
    _say({"connected": orders["viewers"]})
    while not select.select([sys.stdin], [], [], 0)[0]:
        viewers.take(0.05)
    until_s = time.monotonic() + SETTLE_S
    while time.monotonic() < until_s:
        viewers.take(0.05)
    _say({"came": viewers.came, "bytes": viewers.bytes, "lost": viewers.lost})


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True, file=sys.stdout)


if __name__ == "__main__":
    main()
