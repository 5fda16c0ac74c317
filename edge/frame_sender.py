"""Hands frames to Kafka without waiting for it, with a bound on what is on its way."""

import threading
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient

from streams.connect import CONNECT_WAIT_S, connect_admin
from streams.errors import BrokerUnreachable, TopicsMismatch
from streams.security import kafka_python_security
from streams.settings import Settings
from streams.topics import READINGS

IN_FLIGHT_FRAMES_MAX: Final = 20_000
"""kafka-python keeps any number of unacknowledged records in memory; this is the bound."""

LINGER_MS: Final = 5
BATCH_BYTES: Final = 65_536
CONNECT_S_MAX: Final = 10.0
METADATA_S_MAX: Final = 5.0
REQUEST_S_MAX: Final = 15.0
DELIVERY_S_MAX: Final = 60.0
"""A frame that is not acknowledged by then has failed; longer than a broker's restart."""

CLOSE_S_MAX: Final = 2.0
ABANDON_S_MAX: Final = 0.5
"""How long closing may take: with everything settled, and with frames that the broker has not answered."""


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


class FrameSender:
    """Sends to the topic of readings; a context manager.

    The key decides the partition, by the murmur2 hash that Kafka's own clients use.
    """

    def __init__(
        self,
        settings: Settings,
        in_flight_max: int = IN_FLIGHT_FRAMES_MAX,
        connect_wait_s: float = CONNECT_WAIT_S,
    ) -> None:
        """Connect and look the topic up.

        Raises:
            UsageError: the settings name no brokers.
            BrokerUnreachable: none of them answers within `connect_wait_s`.
            TopicsMismatch: the topic does not exist.
        """
        connect_admin(settings, connect_wait_s).close()  # says in one line why, where there is no broker
        self._topic = settings.topic(READINGS)
        self._in_flight_max = in_flight_max
        self._lock = threading.Lock()  # the counts are written by the producer's thread too
        self._handed_over = 0
        self.acknowledged = 0
        self.failed = 0
        try:
            self._producer = KafkaProducer(**producer_options(settings))
        except KafkaError as error:
            raise BrokerUnreachable(f"no broker answers at {settings.brokers}: {error}") from None
        try:
            if not self._producer.partitions_for(self._topic):
                raise KafkaTimeoutError("no partitions")
        except KafkaError:
            self._producer.close(timeout=0)
            raise TopicsMismatch(
                f"no topic {self._topic} at {settings.brokers}; create it with: vigil topics apply"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close_s = CLOSE_S_MAX
        if self.in_flight:
            # close() would wait for these, a timeout for each batch: let the sender fail them at once.
            self._producer._sender.force_close()
            close_s = ABANDON_S_MAX
        try:
            self._producer.close(timeout=close_s)
        except KafkaTimeoutError:
            # Its thread waits for an answer that may never come; it is a daemon and ends with the process.
            # Without this the destructor waits once more and raises where nobody can catch it.
            self._producer._closed = True

    @property
    def in_flight(self) -> int:
        """Frames handed over and neither acknowledged nor failed."""
        with self._lock:
            return self._handed_over - self.acknowledged - self.failed

    def send(self, key: bytes, value: bytes) -> bool:
        """Hand one frame over without waiting; False = too many are on their way."""
        if self.in_flight >= self._in_flight_max:
            return False
        with self._lock:
            self._handed_over += 1
        try:
            future = self._producer.send(self._topic, value=value, key=key)
        except KafkaError:
            self._settle_failed(None)
            return True
        future.add_callback(self._settle_acknowledged)
        future.add_errback(self._settle_failed)
        return True

    def _settle_acknowledged(self, _metadata: Any) -> None:
        with self._lock:
            self.acknowledged += 1

    def _settle_failed(self, _error: Any) -> None:
        with self._lock:
            self.failed += 1


def producer_options(settings: Settings) -> dict[str, Any]:
    """Return kafka-python's options: every frame acknowledged by all replicas, every wait bounded."""
    return {
        "bootstrap_servers": settings.bootstrap,
        "client_id": "vigil-simulate",
        "acks": "all",
        "linger_ms": LINGER_MS,
        "batch_size": BATCH_BYTES,
        "allow_auto_create_topics": False,
        "bootstrap_timeout_ms": round(CONNECT_S_MAX * 1000),
        "max_block_ms": round(METADATA_S_MAX * 1000),
        "request_timeout_ms": round(REQUEST_S_MAX * 1000),
        "delivery_timeout_ms": round(DELIVERY_S_MAX * 1000),
        "reconnect_backoff_max_ms": 1_000,
        "metrics_enabled": False,
        "kafka_client": CalmClient,
        **kafka_python_security(settings),
    }
