"""The receivers of the drill, in a thread: what each does with a message is its path, what came is kept."""

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

START_S_MAX: Final = 10.0
LATE_S: Final = 6.5
"""Later than a try may take (`edge.channels.options`): the answer is one that nobody waits for any more."""

NEVER_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Got:
    """A message that came: over which channel, its id, and when, ms."""

    channel: str
    id: str
    at_ms: int


@dataclass(slots=True)
class Receiver:
    """An HTTP server on loopback, one path a behaviour; a context manager.

    With `returning` it says of each message that it was delivered, but for channels that are `forgetful`; one that is
    `broken` answers 500.
    """

    returning: bool = False
    broken: set[str] = field(default_factory=set)
    forgetful: set[str] = field(default_factory=set)
    got: list[Got] = field(default_factory=list)
    port: int = 0
    _ready: threading.Event = field(default_factory=threading.Event)
    _end: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _times: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> "Receiver":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        if not self._ready.wait(START_S_MAX):
            raise RuntimeError("the receiver did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._end is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(START_S_MAX)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_post("/{channel}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._end.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        channel, name = request.match_info["channel"], request.headers.get("webhook-id", "")
        await request.read()
        self.got.append(Got(channel, name, time.time_ns() // 1_000_000))
        self._times[name] += 1
        if channel in self.broken:
            return web.Response(status=500)
        if self.returning and channel not in self.forgetful:
            return web.json_response({"milestone": "delivered"})
        if channel == "error" and self._times[name] <= 2:
            return web.Response(status=500)
        if channel == "refuses":
            return web.Response(status=400)
        if channel == "hole" or (channel == "timeout" and self._times[name] == 1):
            await asyncio.sleep(NEVER_S)
        if channel == "late":
            await asyncio.sleep(LATE_S)
        return web.Response(status=200)
