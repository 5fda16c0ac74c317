"""One row of figures of each process, from two of its scrapes. Pure: counts in, rates and quantiles out.

Rates and latencies are of the time between the two; None = not known, or nothing happened in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from edge.metrics_scrape import CPU, MEMORY, Scrape, grown, quantile
from edge.top.places import Kind
from edge.ward_state import CANARY


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker's. `dead_letters` since it began; `dead_letters_new` in the time looked at."""

    kind: ClassVar[Kind] = "worker"
    is_ready: bool
    partitions: int
    patients: int
    frames_per_s: float | None
    lag_records: int
    lag_s: float
    alert_p50_s: float | None
    alert_p99_s: float | None
    alerts_per_s: float | None
    """Without the canaries', which nobody is to see."""
    checkpoint_age_s: float | None
    """Of the partition whose last checkpoint is oldest."""
    dead_letters: int
    dead_letters_new: int
    memory_bytes: float | None
    cpu_share: float | None
    """Of one core."""


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway's, all its protocols together."""

    kind: ClassVar[Kind] = "gateway"
    kafka_takes: bool
    clients: int
    accepted_per_s: float | None
    refused_per_s: float | None
    ack_p50_s: float | None
    ack_p99_s: float | None
    spool_records: int
    spool_bytes: float
    memory_bytes: float | None
    cpu_share: float | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """Of a process that decides who is told."""

    kind: ClassVar[Kind] = "delivery"
    is_ready: bool
    partitions: int
    lag_records: int
    open: int
    oldest_s: float
    unassigned: int
    failed: int
    taken_p50_s: float | None
    taken_p99_s: float | None
    memory_bytes: float | None
    cpu_share: float | None


@dataclass(frozen=True, slots=True)
class SenderRow:
    """Of a process that sends over channels."""

    kind: ClassVar[Kind] = "sender"
    partitions: int
    tries_per_s: float | None
    waiting: int
    channels_left_alone: int
    given_up: int
    given_up_new: int
    unwritten: int
    first_p50_s: float | None
    first_p99_s: float | None
    memory_bytes: float | None
    cpu_share: float | None


Row = WorkerRow | GatewayRow | DeliveryRow | SenderRow


@dataclass(frozen=True, slots=True)
class Between:
    """What two scrapes of one process say of the time between them, s."""

    last: Scrape
    new: Scrape
    over_s: float

    def total(self, name: str) -> int:
        """Return a gauge or a count, summed over its labels."""
        return int(sum(self.last.all(name)))

    def increase(self, name: str) -> int:
        """Return by how much a count has grown."""
        return int(sum(self.new.all(name))) if self.over_s > 0 else 0

    def rate(self, name: str, without: tuple[str, str] | None = None) -> float | None:
        """Return by how much a count has grown a second; what has the label `without` is left out."""
        if self.over_s <= 0:
            return None
        left_out = sum(self.new.all(name, without)) if without else 0.0
        return (sum(self.new.all(name)) - left_out) / self.over_s

    def latency(self, name: str, share: float) -> float | None:
        """Return a quantile of what was observed in the time."""
        return quantile(self.new.buckets(name), share) if self.over_s > 0 else None


def row_of(kind: Kind, before: Scrape, after: Scrape, over_s: float) -> Row:
    """Return the row of a process.

    Args:
        kind: what it is.
        before: the first scrape of the time that is looked at; `NOTHING` for one that began then.
        after: the last one.
        over_s: the time between them, s; 0 = there is one scrape only.
    """
    return _ROWS[kind](Between(after, grown(before, after), over_s))


def kind_of(scrape: Scrape) -> Kind | None:
    """Return what a process is by what it measures; None = none that has a row."""
    return next((kind for kind, name in _MARKS.items() if scrape.all(name)), None)


_MARKS: Final[dict[Kind, str]] = {
    "worker": "vigil_ready",
    "gateway": "vigil_gateway_kafka_takes",
    "delivery": "vigil_delivery_ready",
    "sender": "vigil_channel_partitions",
}


def _worker(seen: Between) -> WorkerRow:
    return WorkerRow(
        is_ready=seen.last.value("vigil_ready") == 1.0,
        partitions=seen.total("vigil_partitions_assigned"),
        patients=seen.total("vigil_patients"),
        frames_per_s=seen.rate("vigil_frames_total"),
        lag_records=seen.total("vigil_lag_frames"),
        lag_s=max(seen.last.all("vigil_lag_seconds"), default=0.0),
        alert_p50_s=seen.latency("vigil_append_to_alert_seconds", 0.5),
        alert_p99_s=seen.latency("vigil_append_to_alert_seconds", 0.99),
        alerts_per_s=seen.rate("vigil_alerts_total", without=("rule", CANARY)),
        checkpoint_age_s=max(seen.last.all("vigil_checkpoint_age_seconds"), default=None),
        dead_letters=seen.total("vigil_dead_letters_total"),
        dead_letters_new=seen.increase("vigil_dead_letters_total"),
        memory_bytes=seen.last.value(MEMORY),
        cpu_share=seen.rate(CPU),
    )


def _gateway(seen: Between) -> GatewayRow:
    return GatewayRow(
        kafka_takes=seen.last.value("vigil_gateway_kafka_takes") == 1.0,
        clients=seen.total("vigil_gateway_clients"),
        accepted_per_s=seen.rate("vigil_gateway_accepted_total"),
        refused_per_s=seen.rate("vigil_gateway_refused_total"),
        ack_p50_s=seen.latency("vigil_gateway_ack_seconds", 0.5),
        ack_p99_s=seen.latency("vigil_gateway_ack_seconds", 0.99),
        spool_records=seen.total("vigil_gateway_spool_records"),
        spool_bytes=sum(seen.last.all("vigil_gateway_spool_bytes")),
        memory_bytes=seen.last.value(MEMORY),
        cpu_share=seen.rate(CPU),
    )


def _delivery(seen: Between) -> DeliveryRow:
    return DeliveryRow(
        is_ready=seen.last.value("vigil_delivery_ready") == 1.0,
        partitions=seen.total("vigil_delivery_partitions"),
        lag_records=seen.total("vigil_delivery_lag_records"),
        open=seen.total("vigil_deliveries_open"),
        oldest_s=seen.last.value("vigil_delivery_unanswered_seconds") or 0.0,
        unassigned=seen.total("vigil_delivery_unassigned"),
        failed=seen.total("vigil_delivery_failed"),
        taken_p50_s=seen.latency("vigil_delivery_taken_seconds", 0.5),
        taken_p99_s=seen.latency("vigil_delivery_taken_seconds", 0.99),
        memory_bytes=seen.last.value(MEMORY),
        cpu_share=seen.rate(CPU),
    )


def _sender(seen: Between) -> SenderRow:
    return SenderRow(
        partitions=seen.total("vigil_channel_partitions"),
        tries_per_s=seen.rate("vigil_channel_tries_total"),
        waiting=seen.total("vigil_channel_waiting"),
        channels_left_alone=seen.total("vigil_channel_breaker_open"),
        given_up=seen.total("vigil_channel_given_up_total"),
        given_up_new=seen.increase("vigil_channel_given_up_total"),
        unwritten=seen.total("vigil_channel_milestones_unwritten"),
        first_p50_s=seen.latency("vigil_channel_first_send_seconds", 0.5),
        first_p99_s=seen.latency("vigil_channel_first_send_seconds", 0.99),
        memory_bytes=seen.last.value(MEMORY),
        cpu_share=seen.rate(CPU),
    )


_ROWS: Final[dict[Kind, Callable[[Between], Row]]] = {
    "worker": _worker,
    "gateway": _gateway,
    "delivery": _delivery,
    "sender": _sender,
}
