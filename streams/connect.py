"""Connections to the broker with kafka-python: every wait has a bound and one clear error.

For the edge and the administration of topics; the worker's own clients are Faust's.
"""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError

from streams.errors import BrokerUnreachable, UsageError
from streams.settings import Settings

CONNECT_WAIT_S: Final = 5.0
"""How long a command waits for a broker that does not answer."""

PROBE_TIMEOUT_S: Final = 1.0
_RETRY_S: Final = 0.1
_API_VERSIONS_REQUEST: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Length, ApiVersions v0, correlation id, no client id: what every Kafka broker answers without a session."""

Client = TypeVar("Client")


def connect_admin(settings: Settings, wait_s: float = CONNECT_WAIT_S) -> KafkaAdminClient:
    """Return an admin client that has reached a broker; the caller closes it.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answered within `wait_s` seconds.
    """
    return _connect(settings, wait_s, lambda **common: KafkaAdminClient(**common))


def connect_consumer(settings: Settings, wait_s: float = CONNECT_WAIT_S, **options: Any) -> KafkaConsumer:
    """Return a consumer, in no group, that has reached a broker; the caller assigns partitions and closes it.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answered within `wait_s` seconds.
    """
    defaults: dict[str, Any] = {
        "group_id": None,
        "enable_auto_commit": False,
        "fetch_max_wait_ms": settings.fetch_wait_ms,
    }
    return _connect(settings, wait_s, lambda **common: KafkaConsumer(**common, **(defaults | options)))


def api_answers(host: str, port: int) -> bool:
    """Tell whether something at the address answers a Kafka ApiVersions request within the probe's bound."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
            connection.settimeout(PROBE_TIMEOUT_S)
            connection.sendall(_API_VERSIONS_REQUEST)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def _connect(settings: Settings, wait_s: float, client: Callable[..., Client]) -> Client:
    if not settings.bootstrap:
        raise UsageError("no broker given: use --brokers host:port or VIGIL_BROKERS")
    deadline_s = time.monotonic() + wait_s
    reason = "no time to try"
    while (left_s := deadline_s - time.monotonic()) > 0:
        reasons = [_refusal(server, min(left_s, PROBE_TIMEOUT_S)) for server in settings.bootstrap]
        if any(refusal is None for refusal in reasons):
            left_ms = max(1, int((deadline_s - time.monotonic()) * 1000))
            try:
                return client(
                    bootstrap_servers=settings.bootstrap,
                    client_id="vigil-edge",
                    bootstrap_timeout_ms=left_ms,
                    request_timeout_ms=int(settings.request_timeout_s * 1000),
                )
            except KafkaError:
                reason = "something listens there but does not answer as a Kafka broker"
                continue
        reason = next(refusal for refusal in reasons if refusal is not None)
        time.sleep(min(_RETRY_S, max(0.0, deadline_s - time.monotonic())))
    raise BrokerUnreachable(f"no broker at {settings.brokers}: {reason} (waited {wait_s:g} s)")


def _refusal(server: str, timeout_s: float) -> str | None:
    """Return why no connection to host:port comes about; None if one does."""
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
    except TimeoutError:
        return "no answer"
    except (OSError, OverflowError) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    return None
