"""The gateway's process: ports with a spool, then Kafka, then the other ports; at the end ports first, then Kafka."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from edge.gateway.accept import Door
from edge.gateway.coming_door import ComingDoor
from edge.gateway.door import KafkaDoor
from edge.gateway.identities import Identities
from edge.gateway.link import Link
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.protocols import (
    SWITCHES,
    Line,
    Parts,
    Server,
    SpooledParts,
    lines_of,
    servers_of,
    spooled_of,
)
from edge.gateway.pseudonym import pseudonyms_of
from edge.gateway.refiling import now_ms
from edge.gateway.registrar import KafkaRegistrar
from edge.gateway.scaled import Scaled
from edge.gateway.tls import tls_of
from edge.gateway.view import View
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import BrokerUnreachable, UsageError
from streams.kafka.layout_log import laid_out, read_layout
from streams.metrics_server import serve_metrics

LOOK_S: Final = 2.0
"""Between two looks at the files of clients and at the topic's partitions."""

RETRY_S: Final = 1.0
"""Between two tries to reach a broker at the start."""

ANSWER_S_MAX: Final = 11.0
"""For the protocols to answer what is in flight: Kafka's acknowledgement may take ten of it. With `DRAIN_S_MAX` and
what the connections to Kafka take to close, all this is within 20 s."""

DRAIN_S_MAX: Final = 3.0
"""For what the protocols have let go of: what they answer has arrived by then."""

logger = logging.getLogger(__name__)


async def serve(settings: Settings, stop: asyncio.Event, reload: asyncio.Event) -> None:
    """Run a gateway until `stop` is set; `reload` has it read its files again.

    Raises:
        UsageError: no protocol is switched on, or a file or an address cannot be had.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no topic for readings.
    """
    identities, tls = Identities(settings), tls_of(settings)
    if not any(getattr(settings, name) for name in SWITCHES):
        raise UsageError(f"{', '.join(SWITCHES)}: give one, or there is nothing to do")
    pseudonyms = pseudonyms_of(settings.gateway_patient_key_file)
    if settings.gateway_patient_key_file is None:
        logger.warning("gateway_patient_key_file: none, so anybody can undo the ids of patients")
    metrics, link = GatewayMetrics(), Link(settings)
    coming: asyncio.Future[Door] = asyncio.get_running_loop().create_future()
    spooled = SpooledParts(settings, ComingDoor(coming), identities, metrics, pseudonyms, tls)
    opened: list[Server | Line] = []
    try:
        # Before Kafka: who hears no acknowledgement sends nothing twice, and for that the spool is there.
        await _open(settings, opened, *spooled_of(spooled))
        if not await _connected(link, settings.connect_wait_s, stop):
            return
        layout = await asyncio.to_thread(read_layout, settings)
        settings = laid_out(settings, layout, writes=True)
        view, scaled = View(settings), Scaled(settings, layout)
        try:
            await view.start()
            door = KafkaDoor(settings, link, view, await link.partitions(settings.topic(READINGS)))
            coming.set_result(door)
            metrics.watch(door.flows, lambda: door.room.records)
            port = settings.gateway_metrics_port
            serve_metrics(metrics.registry, settings.metrics_host, port, "gateway_metrics_port")
            registrar = KafkaRegistrar(door, view.filing, now_ms)
            parts = Parts(settings, door, view, identities, metrics, pseudonyms, tls, registrar)
            await _open(settings, opened, servers_of(parts), lines_of(parts))
            scaled.start()
            beside = [
                asyncio.create_task(_look(identities, door, reload)),
                asyncio.create_task(scaled.go_over(door)),
            ]
            await stop.wait()
            logger.info("stopping: what is in flight is answered")
            for task in beside:
                task.cancel()
            await _stop(opened)
            await door.stop(DRAIN_S_MAX)
        finally:
            await _stop(opened)  # whatever it was that ended this
            # At once: with brokers away each takes the longest that it may.
            closing = (asyncio.to_thread(one.close) for one in (scaled, view))
            await asyncio.gather(*closing, link.stop())
    finally:
        await _stop(opened)


async def _open(
    settings: Settings,
    opened: list[Server | Line],
    servers: Sequence[tuple[str, int, Server]],
    lines: Sequence[tuple[str, Line]],
) -> None:
    for name, port, server in servers:
        await _listen(settings, name, port, server)
        opened.append(server)
    for name, line in lines:
        await line.start()
        logger.info("%s: from %s", name, line.where)
        opened.append(line)


async def _stop(opened: list[Server | Line]) -> None:
    """Stop what is open, once; what fails at it is told and keeps nothing else from its end."""
    stopping = [one.stop() for one in opened]
    opened.clear()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S_MAX):
            for failed in await asyncio.gather(*stopping, return_exceptions=True):
                if failed is not None:
                    logger.error("a protocol did not stop in order: %r", failed)


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
