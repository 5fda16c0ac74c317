"""TCP proxies between clients and brokers, to play the faults of a network that a broker cannot play itself.

Each proxied address has a port of its own and four moods: forward, forward late, black hole (connections stay
open, new ones are accepted, nothing passes and nothing is said) and refuse. What a black hole swallowed is
delivered when it ends, as TCP would. All proxies run on one thread with an event loop of its own.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 65_536
CHUNKS_WAITING_MAX: Final = 64
"""Of one direction of one connection, between reading and writing; beyond it nothing more is read."""
CONNECT_TIMEOUT_S: Final = 5.0
CONTROL_TIMEOUT_S: Final = 10.0
"""For one command to the proxies' thread."""


class Mode(StrEnum):
    """What a proxy does with connections."""

    FORWARD = "forward"
    BLACK_HOLE = "black-hole"
    REFUSE = "refuse"


class _Proxy:
    """One listening port towards one target; lives on the event loop."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._latency_s = 0.0
        self.mode = Mode.FORWARD
        self.port = 0

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def set_mode(self, mode: Mode, latency_s: float) -> None:
        self._latency_s = latency_s
        if mode is Mode.REFUSE:
            await self.close()
        elif self._server is None:
            await self.listen()
        if mode is Mode.BLACK_HOLE:
            self._open.clear()
        else:
            self._open.set()
        self.mode = mode

    async def close(self) -> None:
        """Listen no more and reset every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        if link is None:
            raise AssertionError("asyncio calls this in a task")
        self._links.add(link)
        writers = [writer]
        try:
            await self._open.wait()
            there, back = await asyncio.wait_for(asyncio.open_connection(*self._target), CONNECT_TIMEOUT_S)
            writers.append(back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, back))
                group.create_task(self._pass_on(there, writer))
        except* OSError:  # a side reset its connection or is not there: the other learns it by ours
            pass
        except* asyncio.CancelledError:
            pass
        finally:
            for side in writers:
                side.transport.abort()
            self._links.discard(link)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until its end; a chunk leaves `latency_s` after it came, in order."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_WAITING_MAX)
        clock_s = asyncio.get_running_loop().time

        async def read() -> None:
            while True:
                data = await reader.read(CHUNK_BYTES)
                await waiting.put((clock_s() + self._latency_s, data))
                if not data:
                    return

        async def write() -> None:
            while True:
                due_s, data = await waiting.get()
                await asyncio.sleep(max(0.0, due_s - clock_s()))
                await self._open.wait()
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(write())


class Proxies:
    """Proxies on a thread of their own while the `with` block lasts; every method may be called from any thread.

    `add` fits `KafkaCluster(advertise=...)`: the brokers then tell their clients the proxies' addresses.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._by_target: dict[str, _Proxy] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(TimeoutError):
            for proxy in self._by_target.values():
                self._run(proxy.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONTROL_TIMEOUT_S)
        self._loop.close()

    def add(self, target: str) -> str:
        """Put a proxy before host:port and return its own host:port."""
        proxy = _Proxy(target)
        self._run(proxy.listen)
        self._by_target[target] = proxy
        return f"{LOOPBACK}:{proxy.port}"

    def set_mode(self, target: str, mode: Mode, latency_s: float = 0.0) -> None:
        """Change what happens to the connections to a target, those that are open included.

        Args:
            target: as it was given to `add`.
            mode: what to do.
            latency_s: how long every chunk is held back in each direction while forwarding.
        """
        proxy = self._by_target[target]
        self._run(lambda: proxy.set_mode(mode, latency_s))

    def mode(self, target: str) -> Mode:
        """Return what happens to the connections to a target."""
        return self._by_target[target].mode

    def _run(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(action(), self._loop)
        done.result(CONTROL_TIMEOUT_S)
