"""What this process owns of delivery's topics and how far behind it is; keeps gauges and watchdog informed."""

import time

from agents.delivery.episode_store import EpisodeStore
from agents.delivery.metrics import DeliveryMetrics
from agents.delivery.views import Views
from agents.health.ownership import Progress, look_after
from agents.health.watchdog import Watchdog
from streams.lane.protocol import Lane


class DeliveryOverview:
    """Looks at the partitions of this process once a second; `topics` are those that it reads."""

    def __init__(
        self,
        lane: Lane,
        topics: tuple[str, ...],
        store: EpisodeStore,
        views: Views,
        metrics: DeliveryMetrics,
        watchdog: Watchdog,
    ) -> None:
        self._lane = lane
        self._topics = topics
        self._store, self._views = store, views
        self._metrics, self._watchdog = metrics, watchdog
        self._seen: dict[tuple[str, int], Progress] = {}

    async def refresh(self) -> None:
        """Bring gauges and signs of life up to date."""
        self._watchdog.alive("event loop")
        owned, waiting = self._lane.owned(), 0
        if owned is not None:
            self._watchdog.member()
        places = [(topic, partition) for topic in self._topics for partition in sorted(owned or ())]
        self._seen = {place: self._seen.get(place) or Progress() for place in places}
        for (topic, partition), seen in self._seen.items():
            lag = await look_after(self._lane, topic, partition, seen)
            waiting += 0 if lag is None else lag.records
        metrics = self._metrics
        metrics.ready.set(1 if owned else 0)
        metrics.partitions.set(len(owned or ()))
        metrics.lag.set(waiting)
        metrics.assignments.set(self._views.assignments)
        episodes = (
            episode for number in sorted(owned or ()) for episode in self._store.state(number).values()
        )
        metrics.look(episodes, int(time.time() * 1000))
