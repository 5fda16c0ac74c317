"""The MLLP server: a port where devices and hospital systems send HL7 version 2, with TLS where it is configured."""

import asyncio
import ssl
from collections import Counter
from typing import Final

from edge.gateway.hl7.connection import Connection
from edge.gateway.hl7.desk import Desk
from edge.gateway.hl7.mllp_bounds import LOOK_EVERY_S, Bounds

LISTEN_BACKLOG: Final = 256


class MllpServer:
    """Serves one port.

    Args:
        desk: where messages are taken and answered.
        bounds: how much is taken on.
        tls: certificate, key and, for mutual TLS, whom to trust; none = plain TCP.

    Attributes:
        in_flight: messages that are being stored.
        held_bytes: bytes of messages that wait or have not ended.
    """

    def __init__(self, desk: Desk, bounds: Bounds | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.desk = desk
        self.bounds = bounds or Bounds()
        self.in_flight = 0
        self.held_bytes = 0
        self._tls = tls
        self._connections: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._stopping = False

    @property
    def clients(self) -> int:
        """Open connections."""
        return len(self._connections)

    @property
    def port(self) -> int:
        """The port it listens on, 0 if it does not."""
        return self._server.sockets[0].getsockname()[1] if self._server and self._server.sockets else 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 is any free one.

        Raises:
            OSError: the address cannot be had.
        """
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self),
            host,
            port,
            ssl=self._tls,
            backlog=LISTEN_BACKLOG,
            ssl_handshake_timeout=self.bounds.handshake_s_max if self._tls else None,
            ssl_shutdown_timeout=self.bounds.farewell_s_max if self._tls else None,
        )
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Answer what has come and end, within `stop_s_max`; whose message has no answer then sends it again."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.stop()
        try:
            async with asyncio.timeout(self.bounds.stop_s_max):
                while self._connections:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
        if self._looking is not None:
            self._looking.cancel()

    def admit(self, connection: Connection) -> bool:
        """Take a new connection, unless there are too many."""
        address = connection.peer.address
        few = self.clients < self.bounds.connections_max
        few_of_address = self._of_address[address] < self.bounds.connections_of_address_max
        if self._stopping or not (few and few_of_address):
            self.desk.counted.refused("too-many-clients")
            return False
        self._connections.add(connection)
        self._of_address[address] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        if connection in self._connections:
            self._connections.discard(connection)
            address = connection.peer.address
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]
        self._idle.set()

    def settled(self) -> None:
        """Note that a run has ended."""
        self._idle.set()

    async def _look(self) -> None:
        """End what is stuck, once a second."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for connection in tuple(self._connections):
                connection.look(loop.time())
