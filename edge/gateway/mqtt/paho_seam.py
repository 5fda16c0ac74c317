"""The one file that names privates of paho: acknowledgements with reasons in one write, fewer reads, plain messages.

paho's `ack` takes no reason code, and each of its acknowledgements is a write to the socket and each packet four reads
from it, which is most of what a message costs. Of a message's properties, which nobody here wants, it is stricter than
MQTT 5: a message must not end the session because of one. Each can go when paho does it itself; a test says so.
"""

import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

READ_AHEAD_BYTES: Final = 65_536
LENGTH_BITS_MAX: Final = 21
"""Of a length of properties but its last byte, which says no more (MQTT 5, 1.5.5: four bytes)."""

_two_bytes: Final = struct.Struct("!H").unpack_from
_plain: Final = struct.Struct("!BBH").pack
_reasoned: Final = struct.Struct("!BBHB").pack


class ReadAhead:
    """A socket that is read in large pieces and handed out in small ones."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._held, self._at = b"", 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size_bytes: int) -> bytes:
        """Return at most so many bytes; empty = the other end has closed. Raises as the socket does."""
        if self._at >= len(self._held):
            self._held, self._at = self._sock.recv(READ_AHEAD_BYTES), 0
        piece = self._held[self._at : self._at + size_bytes]
        self._at += len(piece)
        return bytes(piece)

    @property
    def holds(self) -> bool:
        """Tell whether there is something that no poll of the socket would tell of."""
        return self._at < len(self._held) or bool(getattr(self._sock, "pending", int)())


class SeamedClient(Client):
    """paho's client with these changes.

    Attributes:
        took: given each message: its id (0 = QoS 0, no acknowledgement), topic and payload.
        read_ahead: the socket while there is one.
    """

    took: Callable[[int, str, bytes], None]
    read_ahead: ReadAhead | None = None

    def _create_socket(self) -> Any:
        sock: Any = super()._create_socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read_ahead = ReadAhead(sock)
        return self.read_ahead

    def _handle_publish(self) -> MQTTErrorCode:
        packet, qos = bytes(self._in_packet["packet"]), self._in_packet["command"] >> 1 & 3
        try:
            at = 2 + _two_bytes(packet, 0)[0]
            topic, mid = packet[2:at].decode(errors="replace"), 0
            if qos:
                (mid,), at = _two_bytes(packet, at), at + 2
            properties_bytes, shift = 0, 0
            while packet[at] & 0x80 and shift < LENGTH_BITS_MAX:
                properties_bytes |= (packet[at] & 0x7F) << shift
                at, shift = at + 1, shift + 7
            at += 1 + (properties_bytes | packet[at] << shift)
        except (struct.error, IndexError):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if qos > 1 or at > len(packet):  # the subscription asks for QoS 1 at most
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self.took(mid, topic, packet[at:])
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def acknowledge(self, done: Sequence[tuple[int, int]]) -> None:
        """Acknowledge messages of QoS 1 in their order, each by its id and MQTT 5 reason code (0 = taken)."""
        if done:
            packets = b"".join(
                _reasoned(MessageType.PUBACK, 3, mid, reason)
                if reason
                else _plain(MessageType.PUBACK, 2, mid)
                for mid, reason in done
            )
            self._packet_queue(MessageType.PUBACK, packets, done[-1][0], 1)
