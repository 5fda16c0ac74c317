"""The sender's process: channels first, then the log; at the end the log first, then what is under way."""

import asyncio
import logging
from contextlib import ExitStack, suppress
from typing import Final

from edge.channels.feed import Feed
from edge.channels.kinds import Tell, check_options, make_channel, read_options
from edge.channels.metrics import ChannelMetrics
from edge.channels.options import Options
from edge.channels.outbox import Outbox
from edge.channels.page import Channel
from edge.channels.pool import Boxes, Pool
from streams.config.routing import DEFAULT_ROUTING, Routing
from streams.config.routing_file import load_routing
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DEAD_LETTERS, DELIVERIES
from streams.errors import UsageError, VigilError
from streams.kafka.producers import DELIVERIES as DELIVERIES_USE
from streams.kafka.producers import Producer
from streams.metrics_server import serve_metrics

LAST_S_MAX: Final = 7.0
"""At the end: for tries under way to get their answer, and for milestones to be written."""

logger = logging.getLogger(__name__)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Send until `stop` is set.

    Raises:
        UsageError: the routing file or a file that it names cannot be read.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: a topic is missing.
    """
    routing = load_routing(settings.routing, check_options) if settings.routing else DEFAULT_ROUTING
    statuses: list[Pool] = []
    channels = channels_of(routing, lambda status: statuses[0].told(status))
    metrics = ChannelMetrics()
    port = settings.channels_metrics_port
    serve_metrics(metrics.registry, settings.metrics_host, port, "channels_metrics_port")
    with ExitStack() as stack:
        boxes, writing = await asyncio.to_thread(_boxes, settings, stack)
        pool = Pool(channels, boxes, metrics)
        statuses.append(pool)
        feed = Feed(settings, pool, asyncio.get_running_loop())
        metrics.skipped.set_function(lambda: feed.skipped.count)
        for channel, _ in channels.values():
            await channel.start()
        logger.info("sending over %d channels: %s", len(channels), ", ".join(sorted(channels)) or "none")
        tasks = [asyncio.create_task(box.run()) for box in writing]
        sending = asyncio.create_task(pool.run())
        feed.start()
        try:
            await _until(stop, [sending, *tasks])
        finally:
            await asyncio.to_thread(feed.close)
            await _finish(pool, writing, [sending, *tasks])
            for channel, _ in channels.values():
                with suppress(OSError):
                    await channel.close()


def channels_of(routing: Routing, tell: Tell) -> dict[str, tuple[Channel, Options]]:
    """Return every channel of the routing that needs a sender, with its options.

    Raises:
        UsageError: an option is wrong, or a file that it names cannot be read.
    """
    found: dict[str, tuple[Channel, Options]] = {}
    for name, channel in routing.channels.items():
        if channel.kind == "board":
            continue
        try:
            options = read_options(channel.kind, channel.options)
        except ValueError as error:
            raise UsageError(f"[channels.{name}]: {error}") from None
        found[name] = (make_channel(name, channel.kind, options, tell), options)
    return found


def _boxes(settings: Settings, stack: ExitStack) -> tuple[Boxes, list[Outbox]]:
    boxes = [
        Outbox(stack.enter_context(_producer(settings, topic)))
        for topic in (DELIVERIES, ALERTS, DEAD_LETTERS)
    ]
    return Boxes(*boxes), boxes


def _producer(settings: Settings, topic: str) -> Producer:
    return Producer(settings, DELIVERIES_USE, settings.topic(topic), connect_wait_s=settings.connect_wait_s)


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until told to stop, or until one of the tasks has failed.

    Raises:
        VigilError: one has: the process ends, and another one goes on from the log.
    """
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    for task in done:
        if task is not stopped and not task.cancelled() and (error := task.exception()) is not None:
            raise VigilError(f"the sender failed: {type(error).__name__}") from error


async def _finish(pool: Pool, writing: list[Outbox], tasks: list[asyncio.Task[None]]) -> None:
    """Let what is under way end, and what is reached be written."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_S_MAX):
            await pool.settle()
            await asyncio.gather(*(box.drained(LAST_S_MAX) for box in writing))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
