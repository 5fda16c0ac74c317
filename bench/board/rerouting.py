"""A proxy that reroutes: it leads each connection to any of the boards, hands bytes on in pieces and late, and cuts."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

LOOPBACK: Final = "127.0.0.1"
CONNECT_S_MAX: Final = 5.0
READ_BYTES: Final = 16_384
CUT_BYTES_MAX: Final = 10_000
"""A connection is cut after at most so many bytes: a state is some 3,000, the padding before it 2,048."""

PIECE_BYTES_MAX: Final = 2_000
LATE_S: Final = (0.0, 0.0, 0.001, 0.005, 0.05)
"""How late a piece may be, s, all equally likely: a connection that is cut has bytes on the way."""


class Rerouting:
    """One listening port on loopback; all that it does is of its dice, but for the order in which clients come.

    Args:
        dice: of this proxy alone.
        targets: ports of the boards at this moment; one is chosen for each connection.
    """

    def __init__(self, dice: random.Random, targets: Callable[[], list[int]]) -> None:
        self._dice = dice
        self._targets = targets
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self.is_calm = False
        """Whether it passes everything on, whole and at once."""
        self.port = 0
        self.cuts = 0
        self.connections = 0

    async def start(self) -> None:
        """Listen on any free port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and cut every connection."""
        if self._server is not None:
            self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        self.connections += 1
        writers, asking = [writer], None
        try:
            port = self._dice.choice(self._targets())
            there, back = await asyncio.wait_for(asyncio.open_connection(LOOPBACK, port), CONNECT_S_MAX)
            writers.append(back)
            asking = asyncio.create_task(_copy(reader, back))
            await self._hand_on(there, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # a side is gone: the other learns it by ours
        finally:
            if asking is not None:
                asking.cancel()
            for side in writers:
                side.transport.abort()
            self._links.discard(link)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand an answer on in pieces, until its end or until it is cut."""
        left = self._dice.randrange(CUT_BYTES_MAX)
        while data := await reader.read(READ_BYTES):
            while data:
                if self.is_calm:
                    piece, data = data, b""
                else:
                    size = self._dice.randrange(1, PIECE_BYTES_MAX)
                    piece, data = data[:size], data[size:]
                    await asyncio.sleep(self._dice.choice(LATE_S))
                if not self.is_calm and left < len(piece):
                    writer.write(piece[:left])
                    await writer.drain()
                    self.cuts += 1
                    return
                left -= len(piece)
                writer.write(piece)
                await writer.drain()
        writer.write_eof()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
