"""What delivery measures, for /metrics. No label names a patient, a person or an alert."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agents.delivery.episode import Episode
from streams.contracts.deliveries import Delivery

TAKEN_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class DeliveryMetrics:
    """All metrics of one process that decides, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.milestones = Counter(
            "vigil_deliveries_total",
            "milestones of deliveries, by milestone and channel",
            ["milestone", "channel"],
            registry=self.registry,
        )
        self.troubles = Counter(
            "vigil_delivery_alerts_total",
            "technical alerts of delivery, by rule and phase",
            ["rule", "phase"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "vigil_delivery_dead_letters_total",
            "records refused, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.taken = Histogram(
            "vigil_delivery_taken_seconds",
            "from queued until a channel has taken it",
            ["channel"],
            buckets=TAKEN_S,
            registry=self.registry,
        )
        self.open = self._gauge("vigil_deliveries_open", "deliveries without a final state")
        self.oldest = self._gauge(
            "vigil_delivery_unanswered_seconds", "age of the oldest delivery without a final state"
        )
        self.unassigned = self._gauge("vigil_delivery_unassigned", "open alarms for a role that nobody has")
        self.failed = self._gauge("vigil_delivery_failed", "open alarms of which nobody was reached")
        self.assignments = self._gauge("vigil_assignments", "assignments that are known")
        self.ready = self._gauge("vigil_delivery_ready", "1 while partitions are assigned and recovered")
        self.partitions = self._gauge("vigil_delivery_partitions", "partitions this process owns")
        self.lag = self._gauge("vigil_delivery_lag_records", "records of its topics that wait to be taken")
        self._queued_ms: dict[str, int] = {}

    def note(self, delivery: Delivery, now_ms: int) -> None:
        """Count a milestone, and how long it took until a channel had the message."""
        self.milestones.labels(delivery.milestone, delivery.channel).inc()
        if delivery.milestone == "queued":
            if len(self._queued_ms) >= QUEUED_MAX:
                del self._queued_ms[next(iter(self._queued_ms))]
            self._queued_ms[delivery.id] = delivery.at_ts_ms
        elif delivery.milestone == "taken" and (queued_ms := self._queued_ms.pop(delivery.id, None)):
            self.taken.labels(delivery.channel).observe(max(0, now_ms - queued_ms) / 1000)

    def look(self, episodes: Iterable[Episode], now_ms: int) -> None:
        """Bring the gauges of what is open up to date."""
        open_count, oldest_ms, unassigned, failed = 0, now_ms, 0, 0
        for episode in episodes:
            unassigned += episode.unassigned_ms > 0
            failed += episode.failed_ms > 0
            for sent in episode.open():
                open_count += 1
                oldest_ms = min(oldest_ms, sent.queued_ms)
        self.open.set(open_count)
        self.oldest.set(max(0, now_ms - oldest_ms) / 1000)
        self.unassigned.set(unassigned)
        self.failed.set(failed)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(name, about, registry=self.registry)


QUEUED_MAX: Final = 10_000
"""Deliveries whose time to being taken is measured at once."""
