"""A viewer over a socket: asks for the stream, takes chunks apart, and applies the events as a page does."""

import asyncio
import contextlib

from bench.board.viewer_model import ViewerModel

WAIT_S = 5.0


class Viewer:
    """One viewer; comes back with the position it knows."""

    def __init__(self, port, path="/v1/stream"):
        self.port, self.path = port, path
        self.model = ViewerModel()
        self.status, self.headers = 0, ""
        self.reader = self.writer = None

    @contextlib.asynccontextmanager
    async def connected(self, *headers):
        """Be connected while the block lasts."""
        await self.connect(*headers)
        try:
            yield self
        finally:
            await self.close()

    async def close(self):
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def connect(self, *headers):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.model.begin()
        lines = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", *headers]
        if self.model.position:
            lines.append(f"Last-Event-ID: {self.model.position}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_S)
        self.headers = head.decode()
        self.status = int(self.headers.split()[1])

    async def take(self):
        """Take one chunk; return its events, None at the end."""
        size = int(await asyncio.wait_for(self.reader.readline(), WAIT_S) or b"0", 16)
        if not size:
            return None
        data = await asyncio.wait_for(self.reader.readexactly(size + 2), WAIT_S)
        return self.model.take(data[:-2])

    async def until(self, holds):
        """Take chunks until something holds of the model."""
        async with asyncio.timeout(WAIT_S):
            while not holds(self.model):
                assert await self.take() is not None, "the stream has ended"
        return self.model
