"""Producers of kafka-python: the one place that makes them, the table of their settings, and what became of records.

What version 3.0.12 does to a producer that lives long, each held off here; tests/streams/test_producers.py fails
when one of them is mended:

- with idempotence, its default, nothing is acknowledged any more once a record has outlived `delivery_timeout_ms`, and
  every later record fails once the broker has refused one. So no idempotence, and one request in flight, which keeps
  the order of a key when one has to be sent again.
- `send` waits up to `max_block_ms` for metadata. So it is cut to `BLOCK_MS` once the topic is known.
- its thread spins while a broker has all the requests that it may have open (`CalmClient`).
- `close` waits for every open record, and `close(0)` raises (`EndableKafkaProducer`).
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata

from streams.config.settings import Settings
from streams.errors import TopicsMismatch
from streams.kafka.connect import CONNECT_WAIT_S, connect_with

IN_FLIGHT_MAX: Final = 20_000
"""kafka-python keeps any number of unacknowledged records in memory; this is the bound."""

BLOCK_MS: Final = 1
METADATA_S_MAX: Final = 5.0
CLOSE_S_MAX: Final = 2.0
ABANDON_S_MAX: Final = 0.5
"""How long closing may take: with everything settled, and with records that the broker has not answered."""

BUSY_NODE_WAIT_MS: Final = 20.0


class CalmClient(KafkaNetClient):  # type: ignore[misc]  # kafka-python ships no types
    """kafka-python's connections, asked less often whether a busy broker is free.

    Version 3.0.12 says "ask again in 0 ms" of a broker that has all the requests it may have open. Its thread
    then spins for as long as that broker is slow and takes the processor from the schedule. An answer from
    the broker ends the wait at once, so nothing becomes later.
    """

    def connection_delay(self, node_id: Any) -> float:
        """Return how long to wait for a node that cannot take a request now, ms as the producer reads it."""
        return max(BUSY_NODE_WAIT_MS, float(super().connection_delay(node_id)) * 1000)


class EndableKafkaProducer(KafkaProducer):  # type: ignore[misc]  # kafka-python ships no types
    """kafka-python's producer, and a way to end it that does not wait for every open record first, as `close` does."""

    is_given_up = False

    def flush(self, timeout: float | None = None) -> None:
        """Wait until nothing is open, s at most; not at all once given up."""
        if not self.is_given_up:
            super().flush(timeout)

    def give_up(self, wait_s: float) -> None:
        """Have the sender fail what is open, and wait for that for so long.

        Its thread may still wait for an answer that never comes; it is a daemon and ends with the process.
        """
        self.is_given_up = True
        self.close(timeout=0)
        with suppress(KafkaTimeoutError):
            super().flush(wait_s)


SAFE: Final[dict[str, Any]] = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    "allow_auto_create_topics": False,
    "max_block_ms": round(METADATA_S_MAX * 1000),
    "reconnect_backoff_max_ms": 1_000,  # a broker that is back is found within so long
    "metrics_enabled": False,
    "kafka_client": CalmClient,
}


@dataclass(frozen=True, slots=True)
class Use:
    """What a producer is for. A record that is not acknowledged within `delivery_s` has failed.

    A failed record may arrive all the same: what was not answered within `request_s` is sent again beside it.
    """

    client_id: str
    delivery_s: float
    request_s: float
    linger_ms: int = 0
    batch_bytes: int = 16_384


FRAMES: Final = Use("vigil-simulate", delivery_s=60.0, request_s=15.0, linger_ms=5, batch_bytes=65_536)
"""Many records; the time is longer than a broker's restart."""

RECORDINGS: Final = Use("vigil-replay", delivery_s=60.0, request_s=15.0, linger_ms=5, batch_bytes=65_536)
ALERTS: Final = Use("vigil-watch", delivery_s=10.0, request_s=5.0)
ORDERS: Final = Use("vigil-orders", delivery_s=10.0, request_s=5.0)
"""Somebody waits for the answer."""

DELIVERIES: Final = Use("vigil-deliver", delivery_s=10.0, request_s=5.0)
"""Milestones of messages, and what the sender has to tell of its channels."""

REFILING: Final = Use("vigil-refiling", delivery_s=20.0, request_s=5.0, linger_ms=5, batch_bytes=65_536)
"""Copies of frames; what is not acknowledged is done again."""

AUDITS: Final = Use("vigil-audit", delivery_s=60.0, request_s=5.0)
"""What people saw; nobody waits for it, and a broker's restart loses none."""

PROBES: Final = Use("vigil-probe", delivery_s=10.0, request_s=5.0)


def options(use: Use) -> dict[str, Any]:
    """Return kafka-python's options for a use, all but where the brokers are."""
    return SAFE | {
        "client_id": use.client_id,
        "linger_ms": use.linger_ms,
        "batch_size": use.batch_bytes,
        "request_timeout_ms": round(use.request_s * 1000),
        "delivery_timeout_ms": round(use.delivery_s * 1000),
    }


class Producer:
    """Hands records to Kafka without waiting, with a bound on what is on its way; a context manager.

    The key decides the partition, by the murmur2 hash that Kafka's own clients use.

    Attributes:
        acknowledged: records that the broker has.
        failed: records that it refused, or did not acknowledge in time: lost, unless they arrive late.
        last_error: why the last of them failed; empty while none has.
    """

    def __init__(
        self,
        settings: Settings,
        use: Use,
        topic: str,
        in_flight_max: int = IN_FLIGHT_MAX,
        connect_wait_s: float = CONNECT_WAIT_S,
    ) -> None:
        """Connect and look up the topic, by its name on the broker.

        Raises:
            UsageError: the settings name no brokers.
            BrokerUnreachable: none of them answers within `connect_wait_s`.
            TopicsMismatch: the topic does not exist.
        """
        self._topic, self._in_flight_max = topic, in_flight_max
        self._lock = threading.Lock()  # the counts are written by the producer's thread too
        self._handed_over = 0
        self.acknowledged = self.failed = 0
        self.last_error = ""
        self._open: deque[tuple[float, Any]] = deque()
        self._producer = connect_with(
            settings, connect_wait_s, lambda **common: EndableKafkaProducer(**(common | options(use)))
        )
        try:
            found = self._producer.partitions_for(topic)
        except KafkaError:
            found = None
        if not found:
            self.close()
            raise TopicsMismatch(
                f"no topic {topic} at {settings.brokers}; create it with: vigil topics apply"
            )
        self._producer.config["max_block_ms"] = BLOCK_MS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End within `CLOSE_S_MAX`; what the broker has not answered is given up and counts as failed."""
        if self.in_flight:
            self._producer.give_up(ABANDON_S_MAX)
            return
        try:
            self._producer.close(timeout=CLOSE_S_MAX)
        except KafkaTimeoutError:
            self._producer.give_up(0)

    @property
    def in_flight(self) -> int:
        """Records handed over and neither acknowledged nor failed."""
        with self._lock:
            return self._handed_over - self.acknowledged - self.failed

    def oldest_s(self) -> float:
        """Return how long the oldest record in flight has been so, s; 0 without any."""
        while self._open and self._open[0][1].is_done:
            self._open.popleft()
        return time.monotonic() - self._open[0][0] if self._open else 0.0

    def send(
        self,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        ts_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Any | None:
        """Hand one record over without waiting and return its future.

        None means not now, try again: too many are on their way, or no broker has said where the topic is. A record
        whose future is not done (`is_done`) may still arrive: never send it again.
        """
        if self.in_flight >= self._in_flight_max:
            return None
        with self._lock:
            self._handed_over += 1
        try:
            future = self._producer.send(
                self._topic, value, key, partition=partition, timestamp_ms=ts_ms, headers=list(headers)
            )
        except (KafkaTimeoutError, ValueError):  # no metadata, or none of this partition at the moment
            with self._lock:
                self._handed_over -= 1
            return None
        except KafkaError as error:  # this record will never do: it is larger than a request may be
            return self._refused(error)
        self._open.append((time.monotonic(), future))
        self.oldest_s()  # keeps the queue short
        future.add_callback(self._settle_acknowledged)
        future.add_errback(self._settle_failed)
        return future

    def _refused(self, error: KafkaError) -> Any:
        self._settle_failed(error)
        result = FutureProduceResult(TopicPartition(self._topic, -1))
        return FutureRecordMetadata(result, -1, None, None, -1, -1, -1).failure(error)

    def _settle_acknowledged(self, _metadata: Any) -> None:
        with self._lock:
            self.acknowledged += 1

    def _settle_failed(self, error: Any) -> None:
        with self._lock:
            self.failed += 1
            self.last_error = f"{type(error).__name__}: {error}"
