"""What the sender measures, for /metrics; labels are names of channels and of fixed vocabularies only."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FIRST_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ChannelMetrics:
    """All metrics of one sender, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tries = Counter(
            "vigil_channel_tries_total",
            "tries of sending, by what came of them",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.given_up = Counter(
            "vigil_channel_given_up_total",
            "messages that were given up",
            ["channel"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "vigil_channel_waiting", "messages that wait", ["channel"], registry=self.registry
        )
        self.open = Gauge(
            "vigil_channel_breaker_open",
            "1 while the channel is left alone or probed",
            ["channel"],
            registry=self.registry,
        )
        self.first_s = Histogram(
            "vigil_channel_first_send_seconds",
            "from the broker's time of what was queued to its first try",
            ["channel"],
            buckets=FIRST_S,
            registry=self.registry,
        )
        self.unwritten = Gauge(
            "vigil_channel_milestones_unwritten", "milestones that wait for Kafka", registry=self.registry
        )
        self.partitions = Gauge(
            "vigil_channel_partitions",
            "partitions that this process sends of: its own, and read to their end",
            registry=self.registry,
        )
        self.skipped = Gauge(
            "vigil_channel_records_skipped", "records that could not be read", registry=self.registry
        )
