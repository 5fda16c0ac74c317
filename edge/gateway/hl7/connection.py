"""One MLLP connection: messages in, answers out in their order, a run of messages at a time."""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from edge.gateway.accept import Refusal
from edge.gateway.certificates import names_of
from edge.gateway.hl7.acks import NO_HEADER, answer
from edge.gateway.hl7.desk import Peer, Taken
from edge.gateway.hl7.framing import Broken, Framer
from edge.gateway.hl7.mllp_bounds import WRITE_BYTES_MAX
from edge.gateway.hl7.split import read_header

if TYPE_CHECKING:
    from edge.gateway.hl7.mllp import MllpServer

BLOCK_BYTES: Final = 100
"""What a block that waits takes in memory besides its own bytes, about: blocks of a byte are bounded, too."""

INTERNAL: Final = Refusal("internal", "it could not be handled: tell the gateway's makers")

logger = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """A client's connection.

    What has come whole waits; a run of it is read, stored and answered before the next begins. So a client that does
    not wait for answers keeps its order, also where the door has to try again, and a socket is not read while enough
    waits.
    """

    def __init__(self, server: "MllpServer") -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(server.bounds.message_bytes_max)
        self._waiting: deque[bytes | Broken] = deque()
        self._waiting_bytes = 0
        self._counted_bytes = 0
        self._run: asyncio.Task[None] | None = None
        self._reading = True
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._ending = False
        self._heard_s = self._began_s = self._stuck_s = self._loop.time()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or end at once where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername")
        self.peer = Peer(
            address[0] if isinstance(address, tuple) else "",
            names_of(transport.get_extra_info("peercert")) or None,
        )
        if not self._server.admit(self):
            self._ending = True
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=WRITE_BYTES_MAX)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._ending:
            return
        self._heard_s = self._loop.time()
        was_open = self._framer.open
        found = self._framer.feed(data)
        if found or not was_open:
            self._began_s = self._heard_s
        for one in found:
            self._waiting.append(one)
            self._waiting_bytes += _weight(one)
        self._weigh()
        if self._waiting and self._run is None:
            self._run = self._loop.create_task(self._work())
        self._look_at_room()

    def eof_received(self) -> bool:
        """Answer what has come, then close: a client that has said all may still listen."""
        self._ending = True
        # Over TLS there is no half of a connection.
        return self._run is not None and self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Stop where the client does not take its answers."""
        self._stuck_s = self._loop.time()
        self._can_write.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; what is under way is stored, and nobody hears of it: it will be sent again."""
        self._ending = True
        self._can_write.set()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._framer = Framer()
        self._weigh()
        self._server.forget(self)

    # What the server calls.

    def look(self, now_s: float) -> None:
        """End the connection if its client is stuck, slow or gone."""
        bounds = self._server.bounds
        if not self._can_write.is_set() and now_s - self._stuck_s > bounds.write_s_max:
            self._server.desk.counted.refused("stuck-client")
            self._transport.abort()
        elif self._run is not None or not self._reading:
            self._heard_s = self._began_s = now_s  # it is we who do not read
        elif self._framer.open and now_s - self._began_s > bounds.message_s_max:
            self._refuse(Broken("too-slow", self._framer.head))
        elif now_s - self._heard_s > bounds.idle_s_max:
            self._transport.close()
        self._look_at_room()

    def stop(self) -> None:
        """Read no more; close once what has come is answered."""
        self._ending = True
        if self._reading and not self._transport.is_closing():
            self._transport.pause_reading()
            self._reading = False
        if self._run is None:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._run is not None:
            self._run.cancel()
        self._transport.abort()

    # A run.

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._can_write.wait()
                await self._one_run()
        finally:
            self._run = None
            self._server.settled()
        if self._ending:
            self._transport.close()
        self._look_at_room()

    async def _one_run(self) -> None:
        """Answer the first of what waits, up to a run's length."""
        taken: list[Taken | Broken] = []
        bounds = self._server.bounds
        most = max(1, min(bounds.run_messages_max, bounds.messages_max - self._server.in_flight))
        while self._waiting and len(taken) < most:
            block = self._waiting.popleft()
            self._waiting_bytes -= _weight(block)
            taken.append(self._take(block) if isinstance(block, bytes) else block)
        messages = [one for one in taken if isinstance(one, Taken)]
        self._server.in_flight += len(messages)
        try:
            answers = iter(await self._settle(messages))
        finally:
            self._server.in_flight -= len(messages)
        said = b"".join(
            next(answers) if isinstance(one, Taken) else self._answer_broken(one) for one in taken
        )
        if said and not self._transport.is_closing():
            self._transport.write(said)
        if any(isinstance(one, Broken) and one.fatal for one in taken):
            self._waiting.clear()
            self._waiting_bytes = 0
            self._ending = True
        self._weigh()
        self._look_at_room()

    def _take(self, block: bytes) -> Taken:
        try:
            return self._server.desk.take(block, self.peer)
        except Exception as error:  # a fault of ours in one message must not end the others' connection
            logger.error("HL7: a message could not be read: %s", type(error).__name__)
            return Taken(read_header(block) or NO_HEADER, refusal=INTERNAL)

    def _answer_broken(self, broken: Broken) -> bytes:
        try:
            return self._server.desk.answer_broken(broken, self.peer)
        except Exception as error:  # likewise
            logger.error("HL7: what is no message could not be answered: %s", type(error).__name__)
            return b""

    async def _settle(self, messages: list[Taken]) -> list[bytes]:
        try:
            return await self._server.desk.settle(messages)
        except Exception as error:  # likewise; the sender hears that nothing is certain
            logger.error("HL7: messages could not be stored: %s", type(error).__name__)
            self._server.desk.counted.refused(INTERNAL.reason)
            return [answer(one.header, one.refusal or INTERNAL, one.profile.acks) for one in messages]

    # Room.

    def _refuse(self, broken: Broken) -> None:
        """Say why, and end."""
        self._ending = True
        self._transport.write(self._answer_broken(broken))
        self._transport.close()

    def _weigh(self) -> None:
        """Tell the server how many bytes this connection holds."""
        holds = self._waiting_bytes + self._framer.held_bytes
        self._server.held_bytes += holds - self._counted_bytes
        self._counted_bytes = holds

    def _look_at_room(self) -> None:
        """Read from the socket only while there is room for what comes."""
        if self._ending or self._transport.is_closing():
            return
        bounds = self._server.bounds
        room = self._waiting_bytes <= bounds.waiting_bytes_max and self._server.held_bytes <= bounds.bytes_max
        if room and not self._reading:
            self._transport.resume_reading()
        elif not room and self._reading:
            self._transport.pause_reading()
        self._reading = room


def _weight(block: bytes | Broken) -> int:
    """Return what a block that waits takes in memory, about, bytes."""
    return BLOCK_BYTES + len(block if isinstance(block, bytes) else block.head)
