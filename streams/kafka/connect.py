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

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, UsageError
from streams.kafka.partition_guard import METADATA_AGE_S_MAX
from streams.kafka.probe import Refusal, refusal
from streams.kafka.security import client_security, uses_sasl

CONNECT_WAIT_S: Final = 5.0
"""How long a command waits for a broker that does not answer."""

PROGRESS_EVERY_S: Final = 5.0
PROBE_TIMEOUT_S: Final = 1.0
CLIENT_S_MIN: Final = 3.0
"""What a client gets once a broker answers, also at the end of the wait: to give up on one that is just back would
cost another start, and say of it that it refuses us."""

_RETRY_S: Final = 0.1
_API_VERSIONS_REQUEST: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Length, ApiVersions v0, correlation id, no client id: what every Kafka broker answers without a session."""

_UNHEARD: Final = "it answers as a Kafka broker, but no request of ours"
_UNHEARD_WITHOUT_ACCOUNT: Final = _UNHEARD + ": does it want an account (SASL)?"

Client = TypeVar("Client")
Progress = Callable[[str], None]


def connect_admin(
    settings: Settings, wait_s: float = CONNECT_WAIT_S, progress: Progress | None = None
) -> KafkaAdminClient:
    """Return an admin client that has reached a broker; the caller closes it.

    Args:
        settings: where the brokers are and how they are spoken to.
        wait_s: how long to wait for one that does not answer, s.
        progress: told every `PROGRESS_EVERY_S` what the wait is for.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answered within `wait_s` seconds, or it does not let us in.
    """
    return connect_with(settings, wait_s, lambda **common: KafkaAdminClient(**common), progress)


def connect_consumer(settings: Settings, wait_s: float = CONNECT_WAIT_S, **options: Any) -> KafkaConsumer:
    """Return a consumer that has reached a broker; the caller assigns partitions, or subscribes, and closes it.

    It is in no group, unless `options` name one.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answered within `wait_s` seconds, or it does not let us in.
    """
    defaults: dict[str, Any] = {
        "group_id": None,
        "enable_auto_commit": False,
        "fetch_max_wait_ms": settings.fetch_wait_ms,
    }
    if "group_id" in options:
        # kafka-python 3.0.12 forgets a subscription made while it asks about other topics, until it asks again: after
        # five minutes, if nothing is said. Who assigns partitions has them asked for by its fetcher.
        defaults["metadata_max_age_ms"] = int(METADATA_AGE_S_MAX * 1000)
    return connect_with(settings, wait_s, lambda **common: KafkaConsumer(**common, **(defaults | options)))


def api_answers(host: str, port: int) -> bool:
    """Tell whether something at the address answers a Kafka ApiVersions request within the probe's bound."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
            connection.settimeout(PROBE_TIMEOUT_S)
            connection.sendall(_API_VERSIONS_REQUEST)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def connect_with(
    settings: Settings, wait_s: float, client: Callable[..., Client], progress: Progress | None = None
) -> Client:
    """Return what `client` makes of the common options, once a broker answers.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answered within `wait_s` seconds, or it does not let us in; one that answers at last
            gets `CLIENT_S_MIN`.
    """
    if not settings.bootstrap:
        raise UsageError("no broker given: use --brokers host:port or VIGIL_BROKERS")
    security = client_security(settings)
    started_s = time.monotonic()
    deadline_s, told_s = started_s + wait_s, started_s
    refused, tried = Refusal("no time to try"), False
    while (left_s := deadline_s - time.monotonic()) > 0 and not refused.final:
        refusals = [refusal(settings, server, min(left_s, PROBE_TIMEOUT_S)) for server in settings.bootstrap]
        # A node that says nothing would use up the client's time, though the others serve.
        if serving := [server for server, no in zip(settings.bootstrap, refusals, strict=True) if no is None]:
            left_s = max(CLIENT_S_MIN, deadline_s - time.monotonic())
            try:
                return client(
                    bootstrap_servers=serving,
                    client_id="vigil-edge",
                    bootstrap_timeout_ms=int(left_s * 1000),
                    request_timeout_ms=int(settings.request_timeout_s * 1000),
                    **security,
                )
            except KafkaError:
                refused = Refusal(_UNHEARD if uses_sasl(settings) else _UNHEARD_WITHOUT_ACCOUNT)
                continue
        # One broker that is down hides no wrong password: what no waiting mends is told first.
        said = max((found for found in refusals if found), key=lambda found: found.final)
        # The last probe may be cut short, and then only says that nobody answered in next to no time.
        if said.final or not tried or left_s >= PROBE_TIMEOUT_S:
            refused, tried = said, True
        now_s = time.monotonic()
        if progress is not None and now_s - told_s >= PROGRESS_EVERY_S and not refused.final:
            told_s = now_s
            spent = f"{now_s - started_s:.0f} of {wait_s:g} s"
            progress(f"waiting for a broker at {settings.brokers}: {refused.reason} ({spent})")
        if not refused.final:
            time.sleep(min(_RETRY_S, max(0.0, deadline_s - now_s)))
    waited = "" if refused.final else f" (waited {wait_s:g} s)"
    raise BrokerUnreachable(f"no broker at {settings.brokers}: {refused.reason}{waited}")
