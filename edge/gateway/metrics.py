"""What the gateway measures, for /metrics: each protocol's accepted and refused, and how long Kafka took."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from edge.gateway.accept import Refusal

ACK_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class GatewayMetrics:
    """All metrics of one gateway, in a registry of their own. No label names a client, patient or device."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        protocol = ["protocol"]
        self.accepted = Counter(
            "vigil_gateway_accepted_total", "readings in Kafka", protocol, registry=self.registry
        )
        self.refused = Counter(
            "vigil_gateway_refused_total",
            "readings, or whole messages, that were not taken, by reason",
            ["protocol", "reason"],
            registry=self.registry,
        )
        self.gaps = Counter(
            "vigil_gateway_gaps_total",
            "what a protocol without acknowledgements has lost, by how it was seen",
            ["protocol", "kind"],
            registry=self.registry,
        )
        self.spool_records = Gauge(
            "vigil_gateway_spool_records", "records that wait on disk", protocol, registry=self.registry
        )
        self.spool_bytes = Gauge(
            "vigil_gateway_spool_bytes", "bytes of the spool on disk", protocol, registry=self.registry
        )
        self.ack_s = Histogram(
            "vigil_gateway_ack_seconds",
            "from a message read to its acknowledgement",
            protocol,
            buckets=ACK_S,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "vigil_gateway_in_flight", "messages at work", protocol, registry=self.registry
        )
        self.clients = Gauge("vigil_gateway_clients", "open connections", protocol, registry=self.registry)
        self.records = Gauge(
            "vigil_gateway_records_in_flight", "readings on their way to Kafka", registry=self.registry
        )
        self.flows = Gauge(
            "vigil_gateway_kafka_takes", "1 while Kafka takes readings", registry=self.registry
        )

    def watch(self, flows: Callable[[], bool], records: Callable[[], int]) -> None:
        """Have asked, when the metrics are read, whether Kafka takes readings and how many are on their way."""
        self.flows.set_function(flows)
        self.records.set_function(records)

    def protocol(self, name: str) -> "ProtocolMetrics":
        """Return the metrics of one protocol."""
        return ProtocolMetrics(self, name)


class ProtocolMetrics:
    """The metrics of one protocol."""

    def __init__(self, metrics: GatewayMetrics, name: str) -> None:
        self._accepted = metrics.accepted.labels(name)
        self._refused = metrics.refused
        self._name = name
        self._metrics = metrics
        self._ack_s = metrics.ack_s.labels(name)
        self._clients = metrics.clients.labels(name)
        self.in_flight = metrics.in_flight.labels(name)

    def answered(self, results: Sequence[Refusal | None], took_s: float) -> None:
        """Count what became of each reading of a message."""
        accepted = results.count(None)
        if accepted:
            self._accepted.inc(accepted)
            self._ack_s.observe(took_s)
        if accepted < len(results):
            for result in results:
                if result is not None:
                    self.refused(result.reason)

    def refused(self, reason: str, count: int = 1) -> None:
        """Count readings, or a whole message, that were not taken; `reason` is of a fixed vocabulary."""
        self._refused.labels(self._name, reason).inc(count)

    def watch(self, clients: Callable[[], int], in_flight: Callable[[], int] | None = None) -> None:
        """Have the numbers of open connections, and of messages at work, asked for when the metrics are read."""
        self._clients.set_function(clients)
        if in_flight is not None:
            self.in_flight.set_function(in_flight)

    def gaps(self, kind: str, count: int) -> None:
        """Count what was lost; `kind` says how it was seen: sequence, time, spool, unreadable, qos-0."""
        self._metrics.gaps.labels(self._name, kind).inc(count)

    def watch_spool(self, records: Callable[[], int], size_bytes: Callable[[], int]) -> None:
        """Have the spool's records and bytes asked for when the metrics are read."""
        self._metrics.spool_records.labels(self._name).set_function(records)
        self._metrics.spool_bytes.labels(self._name).set_function(size_bytes)
