"""One viewer's connection: everybody's bytes are written past the HTTP writer, and who reads too slowly is cut."""

import asyncio
import socket
from typing import Final

from edge.board.audience import Audience
from edge.board.events import LAST_CHUNK

BACKLOG_BYTES_MAX: Final = 1_048_576
"""Of what one viewer has not taken; beyond it the connection is cut, and the page comes back by itself."""

SOCKET_BYTES: Final = 131_072
"""Of the kernel's buffer of each viewer, asked for: it would let it grow to megabytes otherwise."""


class Viewer:
    """Writes to one viewer without waiting.

    Args:
        transport: of the connection; its head has been written, chunked.
        audience: what the viewer sees.
    """

    __slots__ = ("_room", "_transport", "audience", "ended", "is_cut")

    def __init__(self, transport: asyncio.Transport, audience: Audience) -> None:
        self._transport = transport
        self._room = BACKLOG_BYTES_MAX
        self.audience = audience
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing more is written."""
        self.is_cut = False
        if (found := transport.get_extra_info("socket")) is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)

    @property
    def backlog(self) -> int:
        """Bytes that the viewer has not taken."""
        return self._transport.get_write_buffer_size()

    def begin(self, chunk: bytes) -> None:
        """Write the first bytes, however many they are: a whole state may be larger than a backlog may become."""
        self._room = BACKLOG_BYTES_MAX + len(chunk)
        self._transport.write(chunk)

    def write(self, chunk: bytes) -> bool:
        """Write one chunk; False = the viewer is gone, or cut because it has not taken what came before."""
        transport = self._transport
        if transport.is_closing():
            self.end()
            return False
        if waiting := transport.get_write_buffer_size():
            if waiting + len(chunk) > self._room:
                self.cut()
                return False
        else:
            self._room = BACKLOG_BYTES_MAX
        transport.write(chunk)
        return True

    def cut(self) -> None:
        """Close the connection at once and forget what it has not taken."""
        self.is_cut = True
        self._transport.abort()
        self.end()

    def finish(self) -> None:
        """Write the end of the answer, after which the page comes back."""
        if not self._transport.is_closing():
            self._transport.write(LAST_CHUNK)
            self._transport.close()
        self.end()

    def end(self) -> None:
        """Let go of whoever waits for the end."""
        if not self.ended.done():
            self.ended.set_result(None)
