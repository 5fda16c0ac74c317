"""The process that writes the history: one consumer over the readings and the kept topics, in no group.

What is on the disk says from where on it reads, so that nothing else has to be committed in step with it; one process
writes a folder, and what another one would take over is the folder.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.history.disk import held
from edge.history.ledger import KEPT, folder, open_ledger, readings_folder
from edge.history.ledger_store import LedgerStore
from edge.history.metrics import HistoryMetrics
from edge.history.readings_store import ReadingsStore
from edge.history.shelf import Shelf
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import BrokerUnreachable, TopicsMismatch, UsageError, VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.layout_log import read_layout
from streams.kafka.log_end import begins_of, ends_of

POLL_S: Final = 1.0
POLL_RECORDS_MAX: Final = 20_000
FETCH_WAIT_MS: Final = 2_000
FETCH_BYTES_MIN: Final = 256 * 1024
"""A broker answers a fetch when it has so much or has waited so long: few large answers cost least, and a history may
be some seconds late."""

FETCH_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of all partitions in one answer."""

LAYOUT_S: Final = 10.0
"""How often it is asked whether the readings lie where they did."""

logger = logging.getLogger(__name__)


class Writer:
    """Reads and keeps; a context manager.

    Raises:
        UsageError: no broker was given.
        BrokerUnreachable: none answers.
        TopicsMismatch: there are no readings.
        VigilError: another process writes the folder, or the folder is of another log.
    """

    def __init__(self, settings: Settings, metrics: HistoryMetrics | None = None) -> None:
        self.metrics = metrics or HistoryMetrics()
        self._settings = settings
        self._stack = ExitStack()
        try:
            self._stack.enter_context(held(folder(settings)))
            self.readings = ReadingsStore(Shelf(readings_folder(settings)), settings, self.metrics)
            self.ledger = LedgerStore(
                self._stack.enter_context(closing(open_ledger(settings, for_writing=True))), self.metrics
            )
            self._consumer: Any = self._stack.enter_context(
                closing(
                    connect_consumer(
                        settings,
                        settings.connect_wait_s,
                        allow_auto_create_topics=False,
                        auto_offset_reset="earliest",
                        isolation_level="read_committed",
                        max_poll_records=POLL_RECORDS_MAX,
                        fetch_max_wait_ms=FETCH_WAIT_MS,
                        fetch_min_bytes=FETCH_BYTES_MIN,
                        fetch_max_bytes=FETCH_BYTES_MAX,
                    )
                )
            )
            self._begin()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self) -> None:
        """Go to where the stores say that they are."""
        names = {self._settings.topic(name): name for name in (READINGS, *KEPT)}
        self._topics: dict[TopicPartition, str] = {}
        for topic, name in names.items():
            numbers = self._consumer.partitions_for_topic(topic)
            if not numbers and name == READINGS:
                raise TopicsMismatch(f"no topic {topic} at {self._settings.brokers}: run vigil topics apply")
            if not numbers:
                logger.warning("no topic %s: nothing of it is kept", topic)
            self._topics |= {TopicPartition(topic, number): name for number in sorted(numbers or ())}
        positions = self._positions()
        tps = list(self._topics)
        ends, begins = ends_of(self._consumer, tps), begins_of(self._consumer, tps)
        for tp, position in positions.items():
            if position > ends[tp]:
                raise VigilError(
                    f"{tp.topic}: partition {tp.partition} ends at {ends[tp]}, and {folder(self._settings)} is at "
                    f"{position}: it is the history of another log; use another history_dir"
                )
            if begins[tp] > position > 0:
                self.metrics.gone.inc(begins[tp] - position)
                logger.error(
                    "%s: partition %d: offsets %d to %d were gone before they were read",
                    *(tp.topic, tp.partition, position, begins[tp] - 1),
                )
        self._consumer.assign(tps)
        for tp in tps:
            self._consumer.seek(tp, max(positions.get(tp, 0), begins[tp]))

    def _positions(self) -> dict[TopicPartition, int]:
        readings, ledger = self.readings.positions(), self.ledger.positions()
        return {
            tp: readings.get(tp.partition, 0) if name == READINGS else ledger.get((name, tp.partition), 0)
            for tp, name in self._topics.items()
        }

    def turn(self, timeout_s: float = POLL_S) -> int:
        """Read what is there or comes within `timeout_s`, and do what is due; return how many records came."""
        self._make_room()
        count = 0
        for tp, records in self._consumer.poll(timeout_ms=round(timeout_s * 1000)).items():
            if not records:
                continue
            count += len(records)
            if self._topics[tp] == READINGS:
                self.readings.take(tp.partition, records)
            else:
                self.ledger.take(self._topics[tp], records)
        self.ledger.turn()
        self.readings.turn()
        return count

    def _make_room(self) -> None:
        """Read nothing more of what a store has no room for."""
        for is_full, tps in (
            (self.readings.is_full, [tp for tp, name in self._topics.items() if name == READINGS]),
            (self.ledger.is_full, [tp for tp, name in self._topics.items() if name != READINGS]),
        ):
            (self._consumer.pause if is_full else self._consumer.resume)(*tps)

    def finish(self) -> None:
        """Put down what was read, once, before the process ends; what the disk does not take is read again later."""
        self.readings.turn(at_end=True)
        self.ledger.turn()


def run(settings: Settings, stop: Callable[[], bool], metrics: HistoryMetrics | None = None) -> None:
    """Write the history until `stop` says so.

    Raises:
        BrokerUnreachable: no broker answers when it starts. One that goes away later is waited for.
        VigilError: see `Writer`.
    """
    see_layout(settings)
    with Writer(settings, metrics) as writer:
        logger.info("history: writing to %s", folder(settings))
        looked_s = time.monotonic()
        try:
            while not stop():
                writer.turn()
                if time.monotonic() - looked_s > LAYOUT_S:
                    with suppress(BrokerUnreachable):  # it is waited for
                        see_layout(settings)
                    looked_s = time.monotonic()
        except KafkaError as error:  # such as a batch that nobody can open, or a right that was taken away
            raise VigilError(f"the topics cannot be read: {type(error).__name__}: {error}") from None
        writer.finish()


def see_layout(settings: Settings) -> None:
    """See that the readings are those that were first made: offsets of others mean something else.

    Raises:
        UsageError: they were given more partitions; what they hold since then would be missing.
        BrokerUnreachable: no broker answers.
    """
    if read_layout(settings).judged.number:
        raise UsageError(
            "history: the readings were given more partitions (vigil scale), and what they hold since then cannot be "
            "kept by this version; what was kept is there"
        )
