"""The log as the sender reads it, in a thread: a group's share of `vitals.deliveries` and `vitals.alerts`.

Both topics have as many partitions and are assigned by range, so the same numbers of both come to one process. What
was read is handed to the event loop and waited for: nothing piles up between them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, Final, Protocol

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from edge.channels.pool import Read
from edge.records import Skipped, read_record
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.topics import ALERTS, DELIVERIES
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_search import offsets_at

POLL_MS: Final = 100
JOIN_POLL_MS: Final = 500
"""Joining the group takes longer than an ordinary look."""

QUIET_S: Final = 15.0
QUIET_POLL_MS: Final = 20
QUIET_PAUSE_S: Final = 0.2
"""With nothing heard for `QUIET_S`, canaries not even, brokers may stand still: kafka-python 3.0.12 then asks itself
without pause and keeps something of each time (`edge.gateway.refiling`)."""

COMMIT_S: Final = 5.0
BACK_MS: Final = 3_600_000
"""Where the group has committed nothing, what was queued in the last hour is read: what is older pages nobody. [M]"""

LOOP_S_MAX: Final = 30.0
AGAIN_S: Final = 2.0
CLOSE_S_MAX: Final = 5.0
RECORDS_MAX: Final = 1_000

logger = logging.getLogger(__name__)


class Taker(Protocol):
    """`pool.Pool`, as it is used here; called in the event loop."""

    def assigned(self, partition: int, begins: tuple[int, int]) -> None:
        """Begin a partition, whose deliveries and alerts are read from these offsets on."""
        ...

    def revoked(self, partition: int) -> None:
        """Let go of one."""
        ...

    def take(self, records: list[Read]) -> None:
        """Take what was read."""
        ...

    def caught_up(self, partition: int) -> None:
        """A partition was read to the end that it had."""
        ...

    def low_water(self) -> dict[int, tuple[int, int]]:
        """Return from which offsets on partitions matter."""
        ...


class Feed(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """Reads until `close`; begins again after a failure, from what was committed."""

    def __init__(self, settings: Settings, taker: Taker, loop: asyncio.AbstractEventLoop) -> None:
        self._settings, self._taker, self._loop = settings, taker, loop
        self._topics: dict[str, type[Delivery] | type[Alert]] = {
            settings.topic(DELIVERIES): Delivery,
            settings.topic(ALERTS): Alert,
        }
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
        self._consumer: Any = None
        self._behind: dict[TopicPartition, int] = {}
        self._fresh: set[TopicPartition] = set()
        self._lost: set[TopicPartition] = set()
        self._lock = threading.Lock()  # of the two
        self._current: set[int] = set()
        self.skipped = Skipped()
        self.failure = ""
        """Why the log cannot be read now; empty while it can."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; what was read last is committed if the broker answers."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)

    # What kafka-python calls in a thread of its own, inside `poll`: nothing may be asked of a broker here (3.0.12).

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note what is another's now."""
        with self._lock:
            self._lost |= set(revoked)
            self._fresh -= self._lost

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note what is ours now; nothing is fetched of it before it is known from where on."""
        tps = set(assigned)
        with self._lock:
            self._fresh |= tps
        self._consumer.pause(*tps)

    def _settle(self, consumer: Any) -> None:
        """Let go of what was lost, and begin what is ours where the group is."""
        with self._lock:
            lost, self._lost = self._lost, set()
            fresh, self._fresh = self._fresh, set()
        for tp in lost:
            self._behind.pop(tp, None)
        for number in sorted({tp.partition for tp in lost} & self._current):
            self._current.discard(number)
            self._in_loop(self._taker.revoked, number)
        tps = sorted(fresh & set(consumer.assignment()))
        if not tps:
            return
        places = {tp: consumer.committed(tp) for tp in tps}
        if unknown := [tp for tp, place in places.items() if place is None]:
            with closing(connect_consumer(self._settings, allow_auto_create_topics=False)) as asker:
                places |= offsets_at(asker, unknown, int(time.time() * 1000) - BACK_MS)
        ends = consumer.end_offsets(tps)
        for tp in tps:
            consumer.seek(tp, int(places[tp]))
            self._behind[tp] = int(ends[tp])
        for number in sorted({tp.partition for tp in tps}):
            self._current.add(number)
            begins = tuple(int(places.get(TopicPartition(topic, number), 0)) for topic in self._topics)
            self._in_loop(self._taker.assigned, number, begins)
        consumer.resume(*tps)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (
                Exception
            ) as error:  # kafka-python raises others than its own, too; all the same, try again
                known = isinstance(error, KafkaError | VigilError)
                self.failure = str(error) if known else type(error).__name__
                logger.warning("reading waits %g s and begins again: %s", AGAIN_S, self.failure)
                self._let_go()
                self._stop.wait(AGAIN_S)

    def _let_go(self) -> None:
        for number in sorted(self._current):
            self._in_loop(self._taker.revoked, number)
        self._current.clear()
        self._behind.clear()
        self._fresh, self._lost = set(), set()

    def _follow(self) -> None:
        options: dict[str, Any] = {
            "group_id": f"{self._settings.group}-channels",
            "partition_assignment_strategy": [RangePartitionAssignor],
            "session_timeout_ms": round(self._settings.session_timeout_s * 1000),
            "heartbeat_interval_ms": round(self._settings.session_timeout_s * 1000 / 3),
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "max_poll_records": RECORDS_MAX,
        }
        with closing(connect_consumer(self._settings, self._settings.connect_wait_s, **options)) as consumer:
            self._consumer = consumer
            counts = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in self._topics}
            if len(set(counts.values())) != 1 or 0 in counts.values():
                raise TopicsMismatch(f"{counts}: both need the same partitions; run vigil topics apply")
            consumer.subscribe(list(self._topics), listener=self)
            heard_s = committed_s = time.monotonic()
            while not self._stop.is_set():
                quiet = time.monotonic() - heard_s > QUIET_S and bool(self._current)
                wait_ms = QUIET_POLL_MS if quiet else POLL_MS if self._current else JOIN_POLL_MS
                found = consumer.poll(timeout_ms=wait_ms)
                if self._fresh or self._lost:
                    self._settle(consumer)
                if found:
                    heard_s, self.failure = time.monotonic(), ""
                    self._hand_over(found)
                elif quiet:
                    self._stop.wait(QUIET_PAUSE_S)
                self._look_for_ends(consumer)
                if time.monotonic() - committed_s > COMMIT_S:
                    committed_s = time.monotonic()
                    self._commit(consumer)
            self._commit(consumer)

    def _hand_over(self, found: dict[TopicPartition, list[Any]]) -> None:
        records = []
        for tp, batch in found.items():
            if tp.partition not in self._current:
                continue
            model = self._topics[tp.topic]
            for one in batch:
                read: Delivery | Alert | None = read_record(model, one, self.skipped)
                if read is not None:
                    records.append(Read(tp.partition, int(one.offset), int(one.timestamp), read))
        self._in_loop(self._taker.take, records)

    def _look_for_ends(self, consumer: Any) -> None:
        """Say of which partitions both topics were read to the end that they had when they became ours."""
        if not self._behind:
            return
        for tp, end in tuple(self._behind.items()):
            # The embedded broker says too small an end; the one that comes with what is fetched is right.
            if consumer.position(tp) >= max(end, consumer.highwater(tp) or 0):
                del self._behind[tp]
                if all(other.partition != tp.partition for other in self._behind):
                    self._in_loop(self._taker.caught_up, tp.partition)

    def _commit(self, consumer: Any) -> None:
        """Commit, of each partition, from where on it matters."""
        names = list(self._topics)
        ours = consumer.assignment()
        offsets = {}
        for number, places in self._in_loop(self._taker.low_water).items():
            for topic, offset in zip(names, places, strict=True):
                if (tp := TopicPartition(topic, number)) in ours:
                    offsets[tp] = OffsetAndMetadata(offset, "", -1)
        if offsets:
            consumer.commit_async(offsets)

    def _in_loop(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call something in the event loop and wait for what it returns."""

        async def called() -> Any:
            return call(*arguments)

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(LOOP_S_MAX)
