"""What a board measures, for /metrics. No label names a patient, a bed, a ward or a person."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DELIVERY_S: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ENCODE_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)
SOURCE_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)


class BoardMetrics:
    """All metrics of one board, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.viewers = Gauge("vigil_board_viewers", "open streams", registry=registry)
        self.refused = Counter(
            "vigil_board_refused_total",
            "requests that were turned away, by reason",
            ["reason"],
            registry=registry,
        )
        self.joined = Counter(
            "vigil_board_streams_total",
            "streams begun, by whether the whole state or only what had changed was sent",
            ["begin"],
            registry=registry,
        )
        self.cut = Counter(
            "vigil_board_cut_total", "viewers cut because they read too slowly", registry=registry
        )
        self.delivery_s = Histogram(
            "vigil_board_delivery_seconds",
            "an alert on the broker until it was written to the last of its viewers",
            buckets=DELIVERY_S,
            registry=registry,
        )
        self.encode_s = Histogram(
            "vigil_board_encode_seconds",
            "encoding what changed, for all audiences",
            buckets=ENCODE_S,
            registry=registry,
        )
        self.source_s = Histogram(
            "vigil_board_source_seconds",
            "how long a source of one bed's page took, by source",
            ["source"],
            buckets=SOURCE_S,
            registry=registry,
        )
        self.late = Counter(
            "vigil_board_late_total",
            "answers without a source that was late, by source",
            ["source"],
            registry=registry,
        )
        self.age_s = Gauge(
            "vigil_board_source_age_seconds",
            "since a record of a topic came last, by topic; -1 = none has",
            ["topic"],
            registry=registry,
        )
        self.reads = Gauge("vigil_board_reads", "1 while the topics can be read", registry=registry)
        self.orders = Counter(
            "vigil_board_commands_total", "commands from pages, by outcome", ["outcome"], registry=registry
        )
