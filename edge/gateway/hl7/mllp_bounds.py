"""How much the MLLP server takes on: of a client and in all, in bytes, messages and seconds."""

from dataclasses import dataclass

from edge.gateway.hl7.framing import MESSAGE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one server. What is beyond is not read from the sockets, or ends the connection.

    `run_messages_max` messages of one connection are under way at a time; `waiting_bytes_max` of it may wait behind
    them. Beyond `messages_max` of all each connection has one under way. A message must end within `message_s_max` of
    its beginning; a client must take its answers within `write_s_max`; one that says nothing for `idle_s_max` is taken
    for gone. TLS must begin and end within `handshake_s_max` and `farewell_s_max`.
    """

    connections_max: int = 1_024
    connections_of_address_max: int = 256
    message_bytes_max: int = MESSAGE_BYTES_MAX
    run_messages_max: int = 64
    messages_max: int = 4_096
    waiting_bytes_max: int = 262_144
    bytes_max: int = 33_554_432
    message_s_max: float = 30.0
    write_s_max: float = 30.0
    idle_s_max: float = 3_600.0
    handshake_s_max: float = 10.0
    farewell_s_max: float = 2.0
    stop_s_max: float = 10.0


WRITE_BYTES_MAX = 65_536
"""Answers that a client has not taken yet; then its messages wait."""

LOOK_EVERY_S = 1.0
"""How often stuck connections are looked for."""
