"""What a worker measures, for /metrics. No label names a patient or a device."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """All metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.ready = Gauge("vigil_ready", "1 while partitions are assigned and recovered", registry=registry)
        self.partitions = Gauge("vigil_partitions_assigned", "partitions this worker owns", registry=registry)
        self.frames = Counter(
            "vigil_frames_total", "frames read, duplicates and replays included", registry=registry
        )
        self.readings = Counter("vigil_readings_total", "plausible readings judged", registry=registry)
        self.ticks = Counter("vigil_ticks_total", "ticks judged", registry=registry)
        self.not_judged = Counter(
            "vigil_frames_not_judged_total",
            "frames that changed no alarm, by reason",
            ["reason"],
            registry=registry,
        )
        self.suspect = Counter(
            "vigil_clock_suspect_frames_total",
            "frames judged by append time: wrong device clock",
            registry=registry,
        )
        self.dead_letters = Counter(
            "vigil_dead_letters_total", "records refused, by reason", ["reason"], registry=registry
        )
        self.alerts = Counter(
            "vigil_alerts_total", "alerts, by rule and phase", ["rule", "phase"], registry=registry
        )
        self.event_to_alert = Histogram(
            "vigil_event_to_alert_seconds",
            "measurement by the device's clock to alert on the broker",
            buckets=LATENCY_S,
            registry=registry,
        )
        self.append_to_alert = Histogram(
            "vigil_append_to_alert_seconds",
            "deciding record on the broker to alert on the broker",
            buckets=LATENCY_S,
            registry=registry,
        )
        self.block_records = Histogram(
            "vigil_block_records",
            "records in a block",
            buckets=(1, 4, 16, 64, 256, 1024, 4096),
            registry=registry,
        )
        self.block_seconds = Histogram(
            "vigil_block_seconds", "decoding and judging one block", buckets=LATENCY_S, registry=registry
        )
        self.lag_frames = Gauge(
            "vigil_lag_frames", "records not yet judged", ["partition"], registry=registry
        )
        self.lag_seconds = Gauge(
            "vigil_lag_seconds",
            "age of the last judged record while others wait",
            ["partition"],
            registry=registry,
        )
        self.patients = Gauge("vigil_patients", "patients held", ["partition"], registry=registry)
        self.checkpoint = Histogram(
            "vigil_checkpoint_seconds", "one partition's checkpoint", buckets=LATENCY_S, registry=registry
        )
        self.recovery = Gauge(
            "vigil_recovery_seconds", "the last recovery from the changelog", registry=registry
        )
