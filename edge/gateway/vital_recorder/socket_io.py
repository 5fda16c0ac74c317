"""The server of Vital Recorder: Socket.IO over WebSocket, `join_vr` with a code, then `send_data` with a payload."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import socketio
from aiohttp import web
from aiohttp.typedefs import Handler
from socketio.packet import Packet

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.profile import Profile
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.spooled import SpooledDoor
from edge.gateway.vital_recorder.vital_payload import PACKED_BYTES_MAX, Payload, read_payload
from edge.gateway.wire_losses import Gaps

CONNECTIONS_MAX: Final = 512
JOIN_S_MAX: Final = 10.0
"""From connecting to `join_vr`; a Vital Recorder joins at once."""

GOODBYE_S_MAX: Final = 1.0
"""For a client to take why it is refused, and to close the connection itself."""

CODE_LENGTH_MAX: Final = 200
STOP_S_MAX: Final = 3.0
OVERHEAD_BYTES: Final = 1_024
"""What Socket.IO may add to a payload."""

# The libraries log what clients send; nothing of a patient may be in a log.
_quiet: Final = logging.getLogger("vigil.socket_io.quiet")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

Identify = Callable[[str, str], tuple[Sender, Profile] | Refusal]
"""Says whose a code is, by the address it comes from and the code."""


class _OneAttachment(Packet):  # type: ignore[misc]  # python-socketio has no types
    """A packet with one binary part at most: each is held until all have come, and a client may announce any number."""

    def decode(self, encoded_packet: str) -> int:
        count = int(super().decode(encoded_packet) or 0)
        if count > 1:
            raise ValueError("more than one binary part")
        return count


class _Client:
    """An open connection, which ends by itself unless it joins; `code` is empty until it has joined."""

    def __init__(self, request: web.Request) -> None:
        self.address, self._transport = request.remote or "", request.transport
        self.code = ""
        self._deadline: asyncio.TimerHandle | None = None
        self.end_within(JOIN_S_MAX)

    def end_within(self, wait_s: float) -> None:
        """Have the connection end, whatever the client does."""
        self.stay()
        if self._transport is not None:
            self._deadline = asyncio.get_running_loop().call_later(wait_s, self._transport.abort)

    def stay(self) -> None:
        """Have it stay open."""
        if self._deadline is not None:
            self._deadline.cancel()


_CLIENT: Final = web.RequestKey("client", _Client)


@dataclass(frozen=True, slots=True)
class VitalParts:
    """What a server of Vital Recorder works with: frames go into `spooled`, and `now_ms` is the time."""

    spooled: SpooledDoor
    identify: Identify
    patients: Patients
    counted: ProtocolMetrics
    now_ms: Callable[[], int]


class VitalRecorderServer:
    """Serves one port.

    Args:
        parts: what it works with.
        tls: certificate and key; none = plain WebSocket.
        connections_max: open at a time.
    """

    def __init__(
        self, parts: VitalParts, tls: ssl.SSLContext | None = None, connections_max: int = CONNECTIONS_MAX
    ) -> None:
        self._parts, self._tls, self._connections_max = parts, tls, connections_max
        self._gaps = Gaps()
        self._open = 0
        self._clients: dict[str, _Client] = {}
        self._runner: web.AppRunner | None = None
        self._sio = socketio.AsyncServer(
            async_mode="aiohttp",
            async_handlers=False,  # or `send_data` overtakes `join_vr`
            transports=["websocket"],
            cors_allowed_origins=[],
            max_http_buffer_size=PACKED_BYTES_MAX + OVERHEAD_BYTES,
            serializer=_OneAttachment,
            logger=_quiet,
            engineio_logger=_quiet,
        )
        for event, handler in (
            ("connect", self._connect),
            ("disconnect", self._disconnect),
            ("join_vr", self._join),
            ("send_data", self._data),
        ):
            self._sio.on(event, handler)

    @property
    def clients(self) -> int:
        """Open connections."""
        return self._open

    @property
    def port(self) -> int:
        """The port it listens on, 0 if it does not."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 is any free one.

        Raises:
            OSError: the address cannot be had.
        """
        app = web.Application(middlewares=[self._bounded])
        self._sio.attach(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S_MAX)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._tls).start()
        self._parts.spooled.start()

    async def stop(self) -> None:
        """Take nothing new; what came is on disk."""
        for sid in tuple(self._clients):
            await self._end(sid)
        await self._sio.shutdown()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._parts.spooled.stop()

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Bound the connections themselves: one that never says a word of Socket.IO is none to the library."""
        if self._open >= self._connections_max:
            self._parts.counted.refused("too-many-clients")
            raise web.HTTPServiceUnavailable
        self._open += 1
        client = request[_CLIENT] = _Client(request)
        try:
            return await handler(request)
        finally:
            client.stay()
            self._open -= 1

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        self._clients[sid] = environ["aiohttp.request"][_CLIENT]

    async def _disconnect(self, sid: str, *_: object) -> None:
        self._clients.pop(sid, None)

    async def _end(self, sid: str) -> None:
        if (client := self._clients.get(sid)) is not None:
            client.end_within(GOODBYE_S_MAX)
        await self._sio.disconnect(sid)  # which only asks the client to close the connection

    async def _join(self, sid: str, code: object = None, *_: object) -> None:
        client = self._clients.get(sid)
        if client is None:
            return
        found: tuple[Sender, Profile] | Refusal = Refusal("unknown-sender", "join_vr needs a code")
        if isinstance(code, str) and 0 < len(code) <= CODE_LENGTH_MAX:
            found = self._parts.identify(client.address, code)
        if isinstance(found, Refusal):
            await self._refuse(sid, found)
            await self._end(sid)
            return
        client.stay()
        client.code = str(code)

    async def _data(self, sid: str, packed: object = None, *_: object) -> None:
        """Take a payload; what is not taken is told by the event `refused`, for this protocol has no answers."""
        client = self._clients.get(sid)
        if client is None:
            return
        if not client.code:
            await self._refuse(sid, Refusal("unauthenticated", "join_vr comes first"))
            await self._end(sid)
            return
        if not isinstance(packed, bytes):
            await self._refuse(sid, Refusal("unknown-form", "a payload is binary"))
            return
        # Asked for again: the clients file may have changed, and a client that is out of it sends no more.
        known = self._parts.identify(client.address, client.code)
        if isinstance(known, Refusal):
            await self._refuse(sid, known)
            await self._end(sid)
            return
        sender, profile = known
        parts = self._parts
        try:
            found = await asyncio.to_thread(read_payload, packed, profile, parts.patients, parts.now_ms)
        except Exception as error:  # a fault of ours in one payload must not end the others
            _log.error("Vital Recorder: a payload could not be read: %s", type(error).__name__)
            found = Refusal("internal", "it could not be handled: tell the gateway's makers")
        if isinstance(found, Refusal):
            await self._refuse(sid, found)
        elif refusal := self._keep(f"{client.address} {client.code}", sender, found):
            await self._tell(sid, refusal)

    def _keep(self, source: str, sender: Sender, payload: Payload) -> Refusal | None:
        """Put a payload's frames into the spool, and count; return why nothing or not all of it was kept."""
        counted = self._parts.counted
        for fault in payload.faults:
            counted.refused(fault)
        own = (frame for frame in payload.frames if sender.may_send_for(frame.device))
        for kind, count in (
            ("sequence", self._gaps.by_number(source, payload.numbers)),
            ("time", self._gaps.by_time(own)),
        ):
            if count:
                counted.gaps(kind, count)
        if not payload.frames:
            reason = payload.faults[0] if payload.faults else "no-observation"
            if not payload.faults:
                counted.refused(reason)
            return Refusal(reason, "nothing in it is a reading that Vigil takes")
        refusal = self._parts.spooled.put(sender, payload.frames)
        if refusal is not None:
            counted.refused(refusal.reason, len(payload.frames))
        return refusal

    async def _refuse(self, sid: str, refusal: Refusal) -> None:
        self._parts.counted.refused(refusal.reason)
        await self._tell(sid, refusal)

    async def _tell(self, sid: str, refusal: Refusal) -> None:
        await self._sio.emit("refused", {"reason": refusal.reason, "detail": refusal.detail}, to=sid)


_log: Final = logging.getLogger(__name__)
