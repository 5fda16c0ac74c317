"""Why a broker does not let us in, in words: address, TLS, account. The Kafka clients only say that they gave up.

One connection, one question after the other, each with a bound. Nothing is written to the broker.
"""

import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Final

from kafka.errors import KafkaError, for_code
from kafka.net.sasl import get_sasl_mechanism

from streams.config.settings import Settings
from streams.kafka.security import client_security, tls_context, uses_sasl, uses_tls

_API_VERSIONS: Final = 18
_SASL_HANDSHAKE: Final = 17
_SASL_AUTHENTICATE: Final = 36
_TLS_ALERT: Final = b"\x15\x03"
"""How the answer of a TLS listener begins when it is not spoken to in TLS."""

ANSWER_BYTES_MAX: Final = 65_536
SASL_ROUNDS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no connection; `final` when trying again would meet the same answer."""

    reason: str
    final: bool = False


class _NoAnswer(Exception):
    """The other side closed the connection or said something that is no answer."""


def refusal(settings: Settings, server: str, timeout_s: float) -> Refusal | None:
    """Return why `server` (host:port) does not let us in; None if it does.

    Raises:
        UsageError: a certificate, key or password of ours cannot be read.
    """
    host, port = address_of(server)
    context = tls_context(settings) if uses_tls(settings) else None
    try:
        with socket.create_connection((host, port), timeout_s) as plain:
            plain.settimeout(timeout_s)
            with contextlib.ExitStack() as closing:
                spoken = plain
                if context is not None:
                    spoken = closing.enter_context(context.wrap_socket(plain, server_hostname=host))
                _ask(spoken, _API_VERSIONS, 0, b"")
                return _account_refused(settings, spoken) if uses_sasl(settings) else None
    except ssl.SSLCertVerificationError as error:
        return Refusal(f"its certificate is not trusted: {error.verify_message.lower()}", final=True)
    except ssl.SSLError as error:
        return Refusal(f"no TLS connection comes about: {_words(error)}")
    except TimeoutError:
        return Refusal("no answer")
    except _NoAnswer:
        if context is None and _speaks_tls(host, port, timeout_s):
            return Refusal("it speaks TLS: set VIGIL_SECURITY_PROTOCOL to SSL or SASL_SSL", final=True)
        return Refusal("something listens there but does not answer as a Kafka broker")
    except (OSError, OverflowError) as error:
        if context is not None and isinstance(error, ConnectionResetError):
            return Refusal("no TLS connection comes about: it closed the connection, does it speak TLS?")
        return Refusal(str(getattr(error, "strerror", None) or error).lower())


def address_of(server: str) -> tuple[str, int]:
    """Return host and port of `host:port`, the brackets of an IPv6 address left out."""
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


def _account_refused(settings: Settings, connection: socket.socket) -> Refusal | None:
    name = settings.sasl_mechanism
    answer = _ask(connection, _SASL_HANDSHAKE, 1, _text(name))
    if code := _number(answer, 0):
        offered = ", ".join(_texts(answer[2:]))
        return Refusal(
            f"{for_code(code).__name__}: it offers {offered or 'no mechanism'}, not {name}", final=True
        )
    mechanism = get_sasl_mechanism(name)(host="", **client_security(settings))
    for _ in range(SASL_ROUNDS_MAX):
        token = mechanism.auth_bytes()
        answer = _ask(connection, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        if _number(answer, 0):
            return Refusal(
                f"the account {settings.sasl_username} was refused: wrong name or password", final=True
            )
        skip = max(0, _number(answer, 2))  # the error's text, -1 bytes of it where there is none
        try:
            mechanism.receive(answer[8 + skip :])
        except (KafkaError, ValueError) as error:  # the broker could not prove that it knows the password
            return Refusal(f"the broker does not know the account's password: {error}", final=True)
        if mechanism.is_done():
            return None
    return Refusal(f"{name} did not come to an end in {SASL_ROUNDS_MAX} rounds")


def _ask(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    """Send one request (header version 1, no client id) and return what follows the answer's header."""
    head = struct.pack(">hhih", api, version, 0, -1)
    connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    size = _read(connection, 4)
    length = struct.unpack(">i", size)[0]
    if size.startswith(_TLS_ALERT) or not 4 <= length <= ANSWER_BYTES_MAX:
        raise _NoAnswer
    return _read(connection, length)[4:]


def _read(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            raise _NoAnswer
        found += part
    return found


def _speaks_tls(host: str, port: int, timeout_s: float) -> bool:
    """Tell whether a TLS handshake comes about, whoever's certificate it is; nothing is sent after it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _words(error: ssl.SSLError) -> str:
    reason = (error.reason or "").replace("_", " ").lower()
    if "wrong version" in reason or "eof" in reason or "unexpected" in reason:
        return f"{reason or 'it closed the connection'}, does it speak TLS?"
    return reason or "it closed the connection, does it speak TLS?"


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _number(answer: bytes, at: int) -> int:
    return int(struct.unpack_from(">h", answer, at)[0]) if len(answer) >= at + 2 else -1


def _texts(listed: bytes) -> list[str]:
    """Return the texts of an array."""
    found: list[str] = []
    at = 4
    while at + 2 <= len(listed):
        length = max(0, _number(listed, at))
        found.append(listed[at + 2 : at + 2 + length].decode(errors="replace"))
        at += 2 + length
    return found
