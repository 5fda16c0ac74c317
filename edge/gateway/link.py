"""The connection to Kafka: an aiokafka producer that is replaced where it has become useless."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, ASSOCIATIONS, DEAD_LETTERS
from streams.errors import BrokerUnreachable, TopicsMismatch
from streams.kafka.partition_guard import METADATA_AGE_S_MAX
from streams.kafka.security import client_security
from streams.lane.producer_shortcuts import acknowledgement, end

CLIENT_ID: Final = "vigil-gateway"
"""How the brokers know it, for quotas."""

BATCH_BYTES: Final = 262_144
"""Largest batch of one partition; one for each may be with the producer at a time."""

REQUEST_S_MAX: Final = 15.0
BESIDE: Final = (ALERTS, ASSOCIATIONS, DEAD_LETTERS)
"""Topics that a gateway writes besides the readings."""

START_S_MAX: Final = 10.0
REPLACE_AFTER_S: Final = 1.0
"""Between two producers that could not be made."""

logger = logging.getLogger(__name__)


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """Return a producer that waits for every copy and keeps the order of a partition."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        client_id=CLIENT_ID,
        acks="all",
        enable_idempotence=settings.gateway_idempotence,
        request_timeout_ms=round(REQUEST_S_MAX * 1000),
        metadata_max_age_ms=int(METADATA_AGE_S_MAX * 1000),
        max_batch_size=BATCH_BYTES,
        **client_security(settings),
    )


class Link:
    """One producer at a time, and another one where that has ended for good.

    Args:
        settings: say where the brokers are.
        make: makes a producer that has not started.
    """

    def __init__(
        self, settings: Settings, make: Callable[[Settings], AIOKafkaProducer] = make_producer
    ) -> None:
        self._settings = settings
        self._make = make
        self._producer: AIOKafkaProducer | None = None
        self._replacing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokerUnreachable: no broker answers within `START_S_MAX`.
        """
        self._producer = await self._started()

    async def stop(self) -> None:
        """Disconnect; what is still on its way after `STOP_S_MAX` is given up."""
        if self._replacing is not None:
            self._replacing.cancel()
        if self._producer is not None:
            await end(self._producer)
            self._producer = None

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has now, by its name on the broker.

        Raises:
            TopicsMismatch: there is no such topic.
        """
        try:
            async with asyncio.timeout(START_S_MAX):
                found = await self.producer().partitions_for(topic)
        except (KafkaError, TimeoutError):
            found = set()
        if not found:
            raise TopicsMismatch(f"no topic {topic}; create it with: vigil topics apply")
        return len(found)

    def known_partitions(self, topic: str) -> int:
        """Return how many partitions the last answer of the brokers says that a topic has; 0 = it says nothing."""
        found = self.producer().client.cluster.partitions_for_topic(topic)
        return len(found) if found else 0

    def follow(self, readings: str) -> None:
        """Ask the brokers about this topic of readings from now on, and about the one before no more.

        One that is gone would be asked for as long as the producer lives, and made again where brokers make topics.
        """
        others = (self._settings.topic(name) for name in BESIDE)
        self.producer().client.set_topics([readings, *others])  # nobody needs to wait for their answer

    def producer(self) -> AIOKafkaProducer:
        """Return the producer of this moment."""
        if self._producer is None:
            raise BrokerUnreachable("the connection to Kafka is closed")
        return self._producer

    def batch(self) -> BatchBuilder:
        """Return an empty batch."""
        return self.producer().create_batch()

    def hand_over(self, batch: BatchBuilder, topic: str, partition: int) -> asyncio.Future[Any] | None:
        """Give the producer a batch that it can take at once; the future is done when all copies have it.

        None = it cannot, and has nothing of the batch: `send` waits until it can, or says why not. The future is the
        producer's own: do not cancel it. Waiting for what `send_batch` returns instead is a third of what the gateway
        adds to a lone message.
        """
        producer = self.producer()
        handing = producer.send_batch(batch, topic, partition=partition)
        try:
            handing.send(None)
        except StopIteration:
            return acknowledgement(producer, topic, partition)
        except Exception:  # `send` says which
            return None
        handing.close()  # it would have waited, for the topic's metadata or for a batch before this one
        return None

    async def send(self, batch: BatchBuilder, topic: str, partition: int) -> None:
        """Send a batch and wait until all copies have it; with brokers away that lasts until they are back.

        Raises:
            KafkaError: it was refused, or the producer has ended (see `replace`).
        """
        await (await self.producer().send_batch(batch, topic, partition=partition))

    async def replace(self, broken: AIOKafkaProducer) -> None:
        """See that another producer than `broken` is there; all who ask at once wait for the same one."""
        self.retire(broken)
        if self._producer is broken and self._replacing is not None:
            await asyncio.shield(self._replacing)

    def retire(self, broken: AIOKafkaProducer) -> None:
        """End a producer, and have another one made without waiting for it.

        What it has on its way arrives within `END_S_MAX`, or never.
        """
        if self._producer is broken and (self._replacing is None or self._replacing.done()):
            self._replacing = asyncio.create_task(self._replace(broken))

    async def _replace(self, broken: AIOKafkaProducer) -> None:
        await end(broken)  # first: with brokers away it could be long before there is another one
        logger.warning("the producer has ended: making another one")
        while True:
            try:
                self._producer = await self._started()
                return
            except BrokerUnreachable:
                await asyncio.sleep(REPLACE_AFTER_S)

    async def _started(self) -> AIOKafkaProducer:
        producer = self._make(self._settings)
        try:
            async with asyncio.timeout(START_S_MAX):
                await producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            await end(producer)
            raise BrokerUnreachable(f"no broker at {self._settings.brokers}: {error!r}") from None
        return producer
