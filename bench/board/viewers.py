"""Many viewers in one process: raw sockets that read the stream and note when each alarm came; a process of its own.

`python -m bench.board.viewers` reads its orders as JSON on standard input and writes what it found on standard output.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any, Final

ONSET: Final = re.compile(rb'"onset_ts_ms":(\d+)')
END: Final = b"\n\n\r\n"
CONNECTING_MAX: Final = 200
CONNECT_S_MAX: Final = 60.0
SETTLE_S: Final = 2.0


class Viewing(asyncio.Protocol):
    """One viewer: takes what comes, and notes the first time that each alarm is in it."""

    def __init__(self, owner: "Viewers") -> None:
        self._owner = owner
        self._held = b""
        self._seen = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Ask for the stream."""
        transport.write(b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Take bytes; only whole chunks are looked at."""
        if self._held:
            data = self._held + data
        if not data.endswith(END):
            self._held = data
            return
        self._held = b""
        self._owner.bytes += len(data)
        if not self.ready.done() and b"event: snapshot" in data:
            self.ready.set_result(None)
            return
        if b"event: beds" in data:
            now_ms = time.time() * 1000
            for found in ONSET.findall(data):
                onset = int(found)
                if onset > self._seen:
                    self._seen = onset
                    self._owner.came.setdefault(onset, []).append(now_ms)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it: nobody should be cut."""
        self._owner.lost += 1
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("closed"))


class Viewers:
    """Viewers of one board."""

    def __init__(self) -> None:
        self.came: dict[int, list[float]] = {}
        self.bytes = 0
        self.lost = 0

    async def connect(self, port: int, count: int) -> None:
        """Connect so many, and wait until each has the state."""
        loop, room = asyncio.get_running_loop(), asyncio.Semaphore(CONNECTING_MAX)

        async def one() -> None:
            async with room:
                _, viewing = await loop.create_connection(lambda: Viewing(self), "127.0.0.1", port)
                await viewing.ready

        async with asyncio.timeout(CONNECT_S_MAX):
            await asyncio.gather(*(one() for _ in range(count)))


async def main() -> None:
    """Connect, say so, watch until told that the load has ended, and say what came."""
    orders = json.loads(sys.stdin.readline())
    viewers = Viewers()
    await viewers.connect(orders["port"], orders["viewers"])
    _say({"connected": orders["viewers"]})
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(SETTLE_S)
    lost = viewers.lost
    _say({"came": viewers.came, "bytes": viewers.bytes, "lost": lost})


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True, file=sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
