"""The process that writes the history: one consumer over the readings and the kept topics, in no group.

What is on the disk says from where on it reads, so that nothing else has to be committed in step with it; one process
writes a folder, and what another one would take over is the folder.
"""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing, suppress
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.history.disk import held
from edge.history.ledger import KEPT, folder, open_ledger, readings_folder
from edge.history.ledger_store import LedgerStore
from edge.history.metrics import HistoryMetrics
from edge.history.readings_store import ReadingsStore
from edge.history.shards import generations_of, shard_of, without_copies
from edge.history.shelf import Shelf
from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.errors import BrokerUnreachable, TopicsMismatch, VigilError
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
"""How often it is asked how the readings lie."""

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
        self._kept: dict[TopicPartition, str] = {}
        """Topics of the ledger, by their names in `streams.contracts.topics`."""
        self._shards: dict[TopicPartition, int] = {}
        """Partitions of the readings, by what the store calls them."""
        self._generations: dict[str, int] = {}
        self._positions: dict[int, int] = {}
        """Up to where the store had each shard when the generations that are read last changed."""
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
        for name in KEPT:
            topic = self._settings.topic(name)
            numbers = self._consumer.partitions_for_topic(topic)
            if not numbers:
                logger.warning("no topic %s: nothing of it is kept", topic)
            self._kept |= {TopicPartition(topic, number): name for number in sorted(numbers or ())}
        positions = self.ledger.positions()
        kept = {tp: positions.get((name, tp.partition), 0) for tp, name in self._kept.items()}
        generations = generations_of(self._settings, read_layout(self._settings))
        self._take_in(generations, kept)
        if not self._shards:
            topics = ", ".join(generations)
            raise TopicsMismatch(f"no topic {topics} at {self._settings.brokers}: run vigil topics apply")

    def follow(self, layout: Layout) -> None:
        """Read the readings of all generations that there are, each from where the store is; the others no more.

        Raises:
            BrokerUnreachable: where they end could not be seen; all goes on as before.
        """
        generations = generations_of(self._settings, layout)
        if generations != self._generations:
            self._take_in(generations, {})

    def _take_in(self, generations: dict[str, int], also: dict[TopicPartition, int]) -> None:
        """Take these generations for those that are read, and read other partitions from their places, too."""
        # What waits in memory has been read, too, also where its topic is gone.
        self.readings.turn(at_end=True)
        positions = self.readings.reached()
        shards, found = dict[TopicPartition, int](), dict[str, int]()
        for topic, generation in generations.items():
            for number in sorted(self._consumer.partitions_for_topic(topic) or ()):
                shards[TopicPartition(topic, number)] = shard_of(generation, number)
                found[topic] = generation  # one without partitions is looked for again
        new = {tp: positions.get(shard, 0) for tp, shard in shards.items() if tp not in self._shards}
        self._go_to(also | new, gone=self._shards.keys() - shards.keys())
        self._shards, self._generations, self._positions = shards, found, positions

    def _go_to(self, places: dict[TopicPartition, int], gone: Collection[TopicPartition]) -> None:
        """Read these partitions too, each from its place, and those that are gone no more.

        Raises:
            BrokerUnreachable: where they end could not be seen; all is read as before.
            VigilError: a partition ends before its place.
        """
        before = {tp: self._consumer.position(tp) for tp in self._consumer.assignment()}
        if None in before.values():
            raise BrokerUnreachable("how far the topics were read could not be seen")
        try:
            ends, begins = ends_of(self._consumer, list(places)), begins_of(self._consumer, list(places))
        except (KafkaError, VigilError) as error:
            self._read_from(before)
            raise BrokerUnreachable(f"where topics begin and end could not be seen: {error}") from None
        going_on = {tp: place for tp, place in before.items() if tp not in gone}
        for tp, place in places.items():
            if place > ends[tp]:
                raise VigilError(
                    f"{tp.topic}: partition {tp.partition} ends at {ends[tp]}, and {folder(self._settings)} is at "
                    f"{place}: it is the history of another log; use another history_dir"
                )
            if begins[tp] > place > 0:
                self.metrics.gone.inc(begins[tp] - place)
                logger.error(
                    "%s: partition %d: offsets %d to %d were gone before they were read",
                    *(tp.topic, tp.partition, place, begins[tp] - 1),
                )
            going_on[tp] = max(place, begins[tp])
        self._read_from(going_on)

    def _read_from(self, places: dict[TopicPartition, int]) -> None:
        self._consumer.assign(list(places))
        for tp, place in places.items():
            self._consumer.seek(tp, place)

    def turn(self, timeout_s: float = POLL_S) -> int:
        """Read what is there or comes within `timeout_s`, and do what is due; return how many records came."""
        self._make_room()
        count = 0
        for tp, records in self._consumer.poll(timeout_ms=round(timeout_s * 1000)).items():
            if not records:
                continue
            count += len(records)
            if tp in self._kept:
                self.ledger.take(self._kept[tp], records)
            elif own := without_copies(records, self._generations.values(), self._positions):
                self.readings.take(self._shards[tp], own)
        self.ledger.turn()
        self.readings.turn()
        return count

    def _make_room(self) -> None:
        """Read nothing more of what a store has no room for."""
        for is_full, tps in (
            (self.readings.is_full, self._shards),
            (self.ledger.is_full, self._kept),
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
    with Writer(settings, metrics) as writer:
        logger.info("history: writing to %s", folder(settings))
        looked_s = time.monotonic()
        try:
            while not stop():
                writer.turn()
                if time.monotonic() - looked_s > LAYOUT_S:
                    _look(writer, settings)
                    looked_s = time.monotonic()
        except KafkaError as error:  # such as a batch that nobody can open, or a right that was taken away
            raise VigilError(f"the topics cannot be read: {type(error).__name__}: {error}") from None
        writer.finish()


def _look(writer: Writer, settings: Settings) -> None:
    """See how the readings lie; brokers that do not answer are waited for, and asked again."""
    try:
        layout = read_layout(settings)
    except VigilError as error:
        logger.warning("how the readings lie could not be read: %s", error)
        return
    with suppress(BrokerUnreachable):
        writer.follow(layout)
