"""What nobody waits for goes to the brokers by a producer of its own, so that alerts wait behind none of it.

aiokafka's producer has one request at a time on its way to each broker, with what there is by then of all topics. A
broker may take seconds over one: on a slow disk the first lines of a segment's index cost it 40 ms for each partition,
and heartbeats come to that in all partitions at once.
"""

import asyncio
from typing import Any

import aiokafka
from faust.exceptions import NotReady
from faust.transport.drivers import aiokafka as driver


class TwoProducers(driver.Producer):
    """Faust's producer, and another beside it for the topics that the lane calls unhurried, if there are any."""

    _unhurried: aiokafka.AIOKafkaProducer | None = None

    def of(self, topic: str) -> Any:
        """Return aiokafka's producer that a topic's records go through: always the same, or they lost their order.

        Raises:
            NotReady: it has not been started, or has ended.
        """
        if topic not in self.transport.lane.unhurried:
            return self._ensure_producer()
        if self._unhurried is None:
            raise NotReady("the producer of what nobody waits for is not there")
        return self._unhurried

    def _new_producer(self, transactional_id: str | None = None) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        self.transport.lane.watch_client(producer.client)
        return producer

    async def on_start(self) -> None:
        """Start both."""
        await super().on_start()
        if self.transport.lane.unhurried:
            self._unhurried = self._new_producer()
            await self._unhurried.start()

    async def on_stop(self) -> None:
        """Let both deliver what they hold, beside each other."""
        unhurried, self._unhurried = self._unhurried, None
        await asyncio.gather(super().on_stop(), *([unhurried.stop()] if unhurried is not None else []))
