"""What this process owns of delivery's topics and how far behind it is; keeps gauges and watchdog informed."""

import time
from collections.abc import Iterable
from typing import Any

from faust.types import TP

from agents.delivery.episode_store import EpisodeStore
from agents.delivery.metrics import DeliveryMetrics
from agents.delivery.views import Views
from agents.health.standstill import Standstill
from agents.health.watchdog import Watchdog
from streams.lane.block import Block


class DeliveryOverview:
    """Reads the app's assignment; nothing here decides anything. `decided` is the topic of delivery's own log."""

    def __init__(
        self,
        app: Any,
        decided: str,
        beside: tuple[str, ...],
        store: EpisodeStore,
        views: Views,
        metrics: DeliveryMetrics,
        watchdog: Watchdog,
    ) -> None:
        self._app = app
        self._decided = decided
        self._topics = (decided, *beside)
        self._store, self._views = store, views
        self._metrics, self._watchdog = metrics, watchdog
        self._standstill = Standstill(lambda: app.consumer)

    def owned(self) -> Iterable[int]:
        """Return the partitions that are assigned and recovered; none while that changes."""
        app = self._app
        if app.rebalancing or not app.tables.actives_ready:
            return ()
        return [tp.partition for tp in app.consumer.assignment() if tp.topic == self._decided]

    def mark_durable(self, topic: str, partition: int, offset: int) -> None:
        """Tell the consumer that everything below the offset needs no replay."""
        self._app.consumer.mark_durable(TP(topic, partition), offset)

    async def admit(self, block: Block) -> list[Any] | None:
        """Return the records of a block that come next in its partition, None when it does not."""
        records: list[Any] | None = await self._app.consumer.admit(block)
        return records

    async def refresh(self) -> None:
        """Bring gauges and signs of life up to date."""
        self._watchdog.alive("event loop")
        if not self._app.rebalancing and self._app.tables.actives_ready:
            self._watchdog.member()
        owned, consumer, lag = sorted(self.owned()), self._app.consumer, 0
        for topic in self._topics:
            for partition in owned:
                tp = TP(topic, partition)
                await self._standstill.look_after(tp)
                lag += max(0, (consumer.highwater(tp) or 0) - (consumer.expected(tp) or 0))
        metrics = self._metrics
        metrics.ready.set(1 if owned else 0)
        metrics.partitions.set(len(owned))
        metrics.lag.set(lag)
        metrics.assignments.set(self._views.assignments)
        episodes = (episode for partition in owned for episode in self._store.state(partition).values())
        metrics.look(episodes, int(time.time() * 1000))
