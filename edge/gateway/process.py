"""The gateway's process: Kafka first, then the ports; at the end the ports first, then Kafka."""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from prometheus_client import start_http_server

from edge.gateway.door import Filing, KafkaDoor
from edge.gateway.http.exchange import TOKEN_PATH, exchanged
from edge.gateway.http.openapi import openapi
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.identities import Identities
from edge.gateway.link import Link
from edge.gateway.metrics import GatewayMetrics
from streams.errors import BrokerUnreachable, UsageError
from streams.settings import Settings
from streams.topics import READINGS

LOOK_S: Final = 2.0
"""Between two looks at the files of clients and at the topic's partitions."""

RETRY_S: Final = 1.0
"""Between two tries to reach a broker at the start."""

DRAIN_S_MAX: Final = 3.0
"""For what the protocols have let go of: what they answer has arrived by then."""

logger = logging.getLogger(__name__)


class Server(Protocol):
    """One protocol's port."""

    async def start(self, host: str, port: int) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Take nothing new, answer what is in flight, then close."""


class NamedOrOwn:
    """Files a frame under the patient whom the sender names, else under the device's own stream."""

    def patient_at(self, device: str, event_ts_ms: int, named: str) -> str:
        """Return the stream of a device's frame."""
        return named or f"~device/{device}"


async def serve(settings: Settings, stop: asyncio.Event, reload: asyncio.Event, filing: Filing) -> None:
    """Run a gateway until `stop` is set; `reload` has it read its files again.

    Raises:
        UsageError: no protocol is switched on, or a file or an address cannot be had.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no topic for readings.
    """
    identities, tls = Identities(settings), tls_of(settings)
    if not settings.gateway_http_port:
        raise UsageError("gateway_http_port: give a port, or there is nothing to do")
    metrics = GatewayMetrics()
    link = Link(settings)
    if not await _connected(link, settings.connect_wait_s, stop):
        return
    opened: list[Server] = []
    try:
        door = KafkaDoor(settings, link, filing, await link.partitions(settings.topic(READINGS)))
        metrics.watch(door.flows, lambda: door.room.records)
        _open_metrics(settings, metrics)
        for name, port, server in servers_of(settings, door, identities, metrics, tls):
            await _listen(settings, name, port, server)
            opened.append(server)
        looking = asyncio.create_task(_look(identities, door, reload))
        await stop.wait()
        logger.info("stopping: what is in flight is answered")
        looking.cancel()
        await asyncio.gather(*(server.stop() for server in opened))
        await door.stop(DRAIN_S_MAX)
    finally:
        await link.stop()


def servers_of(
    settings: Settings,
    door: KafkaDoor,
    identities: Identities,
    metrics: GatewayMetrics,
    tls: ssl.SSLContext | None,
) -> list[tuple[str, int, Server]]:
    """Return each protocol that is switched on: its name, its port, and what serves it."""
    http = HttpServer(door, identities, metrics.protocol("http"), pages_of(door, identities), tls)
    return [one for one in (("http", settings.gateway_http_port, http),) if one[1]]


def pages_of(door: KafkaDoor, identities: Identities) -> Pages:
    """Return a gateway's other paths: its signs of life, its OpenAPI document, tokens."""
    document = json.dumps(openapi()).encode()

    def ready() -> tuple[int, bytes, str]:
        flows = door.flows()
        return (200 if flows else 503), b'{"kafka":%s}' % (b"true" if flows else b"false"), "application/json"

    read: dict[str, Callable[[], tuple[int, bytes, str]]] = {
        "/healthz": lambda: (200, b'{"up":true}', "application/json"),
        "/readyz": ready,
        "/openapi.json": lambda: (200, document, "application/json"),
    }
    posted = {TOKEN_PATH: lambda form, kind: exchanged(form, kind, identities.exchange_s)}
    return Pages(read, posted)


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the context of the gateway's ports, None where devices speak in clear.

    Raises:
        UsageError: a certificate or key cannot be read, or authorities are given without a certificate.
    """
    certificate = settings.gateway_tls_certfile
    if certificate is None:
        if settings.gateway_tls_cafile is not None or settings.gateway_tls_keyfile is not None:
            raise UsageError("gateway_tls_certfile: needed with the other gateway_tls_ settings")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, settings.gateway_tls_keyfile, password="")
        if settings.gateway_tls_cafile is not None:
            context.load_verify_locations(settings.gateway_tls_cafile)
            # Optional: who has no certificate may have a key or a token.
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
        raise UsageError(f"gateway_tls_ settings: cannot read a file: {str(reason).lower()}") from None
    return context


async def _connected(link: Link, wait_s: float, stop: asyncio.Event) -> bool:
    """Connect, trying again for so long; False = it was stopped meanwhile."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + wait_s
    while not stop.is_set():
        try:
            await link.start()
            return True
        except BrokerUnreachable:
            if loop.time() >= until_s:
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await stop.wait()
    return False


def _open_metrics(settings: Settings, metrics: GatewayMetrics) -> None:
    host, port = settings.metrics_host, settings.gateway_metrics_port
    try:
        start_http_server(port, host, registry=metrics.registry)
    except OSError as error:
        raise UsageError(f"gateway_metrics_port: cannot listen on {host}:{port}: {error.strerror}") from None


async def _listen(settings: Settings, name: str, port: int, server: Server) -> None:
    host = settings.gateway_host
    try:
        await server.start(host, port)
    except OSError as error:
        reason = error.strerror or "not possible"
        raise UsageError(f"gateway_{name}_port: cannot listen on {host}:{port}: {reason}") from None
    logger.info("%s%s: %s:%d", name, " (TLS)" if settings.gateway_tls_certfile else "", host, port)


async def _look(identities: Identities, door: KafkaDoor, reload: asyncio.Event) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await reload.wait()
        reload.clear()
        # In a thread: reading files must not hold up who waits for an acknowledgement.
        await asyncio.to_thread(identities.refresh)
        door.look_at_partitions()
