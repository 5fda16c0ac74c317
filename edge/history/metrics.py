"""What the history measures, for /metrics. No label names a patient, bed or device."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

READINGS_STORE: Final = "readings"
LEDGER_STORE: Final = "ledger"


class HistoryMetrics:
    """All metrics of one history process, in a registry of their own; `store` is `readings` or `ledger`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        store = ["store"]
        self.kept = Counter(
            "vigil_history_kept_total", "records that are on the disk", store, registry=self.registry
        )
        self.waiting = Gauge(
            "vigil_history_waiting",
            "records that were read and are not on the disk",
            store,
            registry=self.registry,
        )
        self.failing = Gauge(
            "vigil_history_failing",
            "1 while a store does not take what it is given",
            store,
            registry=self.registry,
        )
        self.kept_ts = Gauge(
            "vigil_history_kept_timestamp_seconds",
            "append time of the newest reading on the disk",
            registry=self.registry,
        )
        self.refused = Counter(
            "vigil_history_refused_total",
            "records of the readings that are no frames",
            registry=self.registry,
        )
        self.gone = Counter(
            "vigil_history_gone_total",
            "records that Kafka had removed before they were read",
            registry=self.registry,
        )
