"""One connection to an MQTT 5 broker with a session that outlives it: messages out of it, acknowledgements into it."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.gateway.mqtt.access import Access
from edge.gateway.mqtt.paho_seam import SeamedClient

CONNECT_S_MAX: Final = 5.0
"""For the connection, and again for the broker's answer to each of our packets."""

CLOSE_S_MAX: Final = 0.5
KEEPALIVE_S: Final = 30
TICK_S: Final = 1.0
PACKET_BYTES_MAX: Final = 4_194_304
"""The broker is told so, and throws away what is larger, as MQTT 5 has it."""

HELD_BYTES_MAX: Final = 33_554_432
"""Of messages that wait to be worked off; beyond it the socket is not read."""

MESSAGE_BYTES: Final = 500
"""What a message takes besides its payload, about."""

PACKETS_A_TURN: Final = 256
"""Read before others have their turn."""


logger = logging.getLogger(__name__)


class NoSession(Exception):
    """There is no connection to the broker, or no longer; its text is for the log."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came; `mid` is 0 where it wants no acknowledgement (QoS 0)."""

    mid: int
    topic: str
    payload: bytes


class Session:
    """A connection, to be opened once.

    Args:
        access: the broker.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Message] = deque()
        self._held_bytes = 0
        self._came, self._closed = asyncio.Event(), asyncio.Event()
        self._lost = ""
        self._socket: Any = None
        self._reading = False
        self._answered: asyncio.Future[str] | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._client = client = SeamedClient(
            CallbackAPIVersion.VERSION2,
            access.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S_MAX
        if access.username:
            client.username_pw_set(access.username, access.password)
        if access.tls is not None:
            client.tls_set_context(access.tls)
        client.on_connect = lambda _c, _u, _f, code, _p: self._answer(str(code) if code.is_failure else "")
        client.on_subscribe = lambda _c, _u, _m, codes, _p: self._answer(
            next((str(code) for code in codes if code.is_failure), "")
        )
        client.on_unsubscribe = lambda _c, _u, _m, _codes, _p: self._answer("")
        client.on_disconnect = lambda _c, _u, _f, code, _p: self._lose(str(code))
        client.took = self._take
        client.on_socket_close = self._closing
        client.on_socket_register_write = lambda _c, _u, _s: self._soon(True)
        client.on_socket_unregister_write = lambda _c, _u, _s: self._soon(False)

    @property
    def waiting(self) -> int:
        """Messages that wait to be worked off."""
        return len(self._inbox)

    @property
    def waiting_once(self) -> int:
        """Those of them that do not come again (QoS 0)."""
        return sum(not one.mid for one in self._inbox)

    async def open(self, filters: Sequence[str], former: Sequence[str] = ()) -> None:
        """Connect, go on with the session, and subscribe; what is `former` and no filter is unsubscribed.

        Raises:
            NoSession: it did not work.
        """
        access = self._access
        properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's gap
        properties.SessionExpiryInterval = access.session_s
        properties.ReceiveMaximum = access.receive_max
        properties.MaximumPacketSize = PACKET_BYTES_MAX
        self._answered = self._loop.create_future()
        try:
            await asyncio.to_thread(
                self._client.connect,
                access.host,
                access.port,
                KEEPALIVE_S,
                clean_start=False,
                properties=properties,
            )
        except (OSError, ValueError) as error:  # of TLS too
            raise NoSession(getattr(error, "strerror", None) or type(error).__name__) from None
        self._socket = self._client.socket()
        if self._socket is None:
            raise NoSession("the broker hung up")
        self._watch_room(self._client.want_write())
        self._tick = self._loop.call_later(TICK_S, self._ticked)
        self._look_at_room()
        await self._answer_of(self._answered, "connect")
        shared = [(f"$share/{access.group}/{one}", 1) for one in filters]
        if shared:
            self._answered = self._loop.create_future()
            self._client.subscribe(shared)
            await self._answer_of(self._answered, "subscribe")
        gone = [f"$share/{access.group}/{one}" for one in former if one not in filters]
        if gone:
            self._answered = self._loop.create_future()
            self._client.unsubscribe(gone)
            await self._answer_of(self._answered, "unsubscribe")

    async def messages(self, count_max: int, bytes_max: int, wait_s: float) -> list[Message]:
        """Return messages in the order in which they came, none where none came for so long.

        Raises:
            NoSession: the connection has ended; whatever was not acknowledged comes again.
        """
        if not self._inbox and not self._lost:
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._came.wait()
        if self._lost:
            raise NoSession(self._lost)
        taken: list[Message] = []
        size_bytes = 0
        while self._inbox and len(taken) < count_max:
            size_bytes += len(self._inbox[0].payload)
            if taken and size_bytes > bytes_max:
                break
            taken.append(self._inbox.popleft())
        self._held_bytes -= sum(len(one.payload) + MESSAGE_BYTES for one in taken)
        self._look_at_room()
        return taken

    def acknowledge(self, done: Sequence[tuple[int, int]]) -> None:
        """Acknowledge messages in the order in which they came, each by its id and reason code."""
        if not self._lost:
            self._client.acknowledge(done)

    def wake(self) -> None:
        """Have who waits for messages return."""
        self._came.set()

    async def close(self) -> None:
        """Say goodbye; the broker keeps the session."""
        if self._tick is not None:
            self._tick.cancel()
        if self._socket is not None:
            self._client.disconnect()  # behind the acknowledgements that are queued; then paho closes
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._closed.wait()
        if self._socket is not None:
            sock = self._socket
            self._closing()
            sock.close()

    # Called by paho, in the loop but while it connects.

    def _answer(self, failure: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(failure)

    async def _answer_of(self, answered: asyncio.Future[str], what: str) -> None:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                failure = await answered
        except TimeoutError:
            failure = f"no answer within {CONNECT_S_MAX:g} s"
        if failure:
            raise NoSession(f"{what}: {failure}")

    def _lose(self, why: str) -> None:
        self._lost = self._lost or why or "the broker hung up"
        self._answer(self._lost)
        self._came.set()
        self._look_at_room()

    def _take(self, mid: int, topic: str, payload: bytes) -> None:
        self._inbox.append(Message(mid, topic, payload))
        self._held_bytes += len(payload) + MESSAGE_BYTES

    def _closing(self, *_: object) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket, self._reading = None, False
            self._closed.set()

    def _soon(self, writing: bool) -> None:
        """Watch the socket for room, or no longer; paho calls while it connects, which is in a thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._watch_room, writing)

    def _watch_room(self, writing: bool) -> None:
        if self._socket is None:
            return  # it has ended; or `open` looks by itself in a moment
        if writing:
            self._loop.add_writer(self._socket.fileno(), self._write)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _write(self) -> None:
        if self._client.loop_write() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose("the connection broke")

    def _read(self) -> None:
        client, held = self._client, self._client.read_ahead
        assert held is not None
        for _ in range(PACKETS_A_TURN):
            try:
                code = client.loop_read()
            except Exception as error:  # paho keeps a packet over which anything was raised
                logger.error("MQTT: a packet cannot be read: %s", type(error).__name__)
                code = MQTTErrorCode.MQTT_ERR_PROTOCOL
            if code is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lose("the connection broke")
                break
            if self._socket is None or not held.holds or not self._has_room:
                break
        if self._inbox:
            self._came.set()
        self._look_at_room()
        if self._reading and held.holds:
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._reading:
            self._read()

    @property
    def _has_room(self) -> bool:
        """Whether what comes is wanted; nothing is behind a packet that cannot be read."""
        return not self._lost and self._held_bytes <= HELD_BYTES_MAX

    def _look_at_room(self) -> None:
        """Read from the socket only while there is room for what comes."""
        if self._socket is None:
            return
        room = self._has_room
        if room and not self._reading:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._read)
            self._loop.call_soon(self._read_on)
        elif not room and self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def _ticked(self) -> None:
        """Let paho look at its keepalive."""
        if not self._lost and self._client.loop_misc() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose("the broker does not answer")
        if not self._lost:
            self._tick = self._loop.call_later(TICK_S, self._ticked)


logging.getLogger("paho").setLevel(logging.CRITICAL + 1)  # it quotes topics, which name devices
