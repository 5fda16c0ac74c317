"""The re-filing as a thread of a gateway: whichever of them owns `vitals.associations` does it, by a consumer group.

It reads the topic from its beginning, so that it knows what was known up to the committed offset, and does what has
come since. It also tells of ADT that has fallen silent.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from edge.gateway.accept import NotStored
from edge.gateway.adt_silence import AdtSilence
from edge.gateway.association_view import read
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.forgetting import forgotten
from edge.gateway.moves import Changes
from edge.gateway.refiler import Marks, Refiler
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.association import LEFT_KEY, Departure, Heard, Movement, Visit
from streams.contracts.partitions import partition_of
from streams.contracts.seals import Place
from streams.contracts.topics import ALERTS, ASSOCIATIONS, READINGS
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of
from streams.kafka.log_search import offsets_at
from streams.kafka.producers import ALERTS as ALERTS_USE
from streams.kafka.producers import REFILING, Producer
from streams.kafka.security import seals_of

logger = logging.getLogger(__name__)

POLL_MS: Final = 500
GROUP_POLL_MS: Final = 20
GROUP_PAUSE_S: Final = 0.3
"""The group's consumer is asked briefly, and waited for here: beyond its next heartbeat kafka-python 3.0.12 does not
wait but asks itself without pause, and keeps something of each time: 25 MB a second while brokers stand still."""

SCAN_S_MAX: Final = 60.0
"""Without a record or an answer for so long a partition counts as unreadable."""

LOOK_MS_MAX: Final = 1_800_000
"""One look through the readings takes no longer, else another gateway takes over."""

AGAIN_S: Final = 5.0
"""Between two tries, after one that failed."""

FORGET_EVERY_S: Final = 3_600.0
"""How often what is too old to matter is taken out of the topic."""

SEND_S_MAX: Final = REFILING.delivery_s + 5.0
NOT_NOW_S: Final = 0.02


class KafkaReadings:
    """The log of readings on Kafka, for the re-filing; a context manager."""

    def __init__(self, settings: Settings) -> None:
        topic = settings.topic(READINGS)
        self._settings, self._seals = settings, seals_of(settings)
        with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
            numbers = sorted(consumer.partitions_for_topic(topic) or ())
        if not numbers:
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        self._tps = [TopicPartition(topic, number) for number in numbers]
        self._producer = Producer(settings, REFILING, topic)

    def __enter__(self) -> "KafkaReadings":
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()

    def ends(self) -> Marks:
        """Return where each partition ends now."""
        with closing(connect_consumer(self._settings, allow_auto_create_topics=False)) as consumer:
            return {tp.partition: end for tp, end in ends_of(consumer, self._tps).items()}

    def scan(
        self, streams: Sequence[str] | None, from_ms: int, marks: Marks, ends: Marks
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield key and value of the records of these streams' partitions, as `refiler.Readings` says."""
        count = len(self._tps)
        numbers = range(count) if streams is None else {partition_of(stream, count) for stream in streams}
        tps = [self._tps[number] for number in sorted(numbers)]
        with closing(connect_consumer(self._settings, allow_auto_create_topics=False)) as consumer:
            yield from self._read(consumer, {tp: ends[tp.partition] for tp in tps}, from_ms, marks)

    @staticmethod
    def _read(
        consumer: Any, ends: dict[TopicPartition, int], from_ms: int, marks: Marks
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        fresh = [tp for tp in ends if tp.partition not in marks]
        first = {tp: marks[tp.partition] for tp in ends if tp.partition in marks}
        first |= offsets_at(consumer, fresh, from_ms) if fresh else {}
        wanted = {tp: end for tp, end in ends.items() if first[tp] < end}
        marks |= {tp.partition: end for tp, end in ends.items()}
        if not wanted:
            return
        consumer.assign(list(wanted))
        for tp in wanted:
            consumer.seek(tp, first[tp])
        heard_s = time.monotonic()
        while any(consumer.position(tp) < end for tp, end in wanted.items()):
            for tp, records in consumer.poll(timeout_ms=POLL_MS).items():
                heard_s = time.monotonic()
                for record in records:
                    if record.offset < wanted[tp]:
                        yield record.key, record.value
            if time.monotonic() - heard_s > SCAN_S_MAX:
                raise NotStored(f"{next(iter(ends)).topic} could not be read within {SCAN_S_MAX:g} s")

    def copy(self, stream: str, value: bytes) -> None:
        """Write a frame into another stream."""
        self._send(stream.encode(), value, None)

    def depart(self, departure: Departure, cause: int) -> None:
        """Write that a device left a stream, into its partition, sealed with the place of what says so."""
        content = departure.model_dump_json().encode()
        value = self._seals.seal(LEFT_KEY, Place(0, cause), content)
        self._send(LEFT_KEY, value, partition_of(departure.patient, len(self._tps)))

    def _send(self, key: bytes, value: bytes, partition: int | None) -> None:
        until_s = time.monotonic() + SEND_S_MAX
        while self._producer.send(key, value, partition) is None:
            if time.monotonic() > until_s:
                raise NotStored(f"Kafka took nothing for {SEND_S_MAX:g} s")
            time.sleep(NOT_NOW_S)

    def settle(self) -> None:
        """Return when Kafka has all that was written.

        Raises:
            NotStored: it does not say so in time, or has refused something: begin again with another one of these.
        """
        until_s = time.monotonic() + SEND_S_MAX
        while self._producer.in_flight and time.monotonic() < until_s:
            time.sleep(NOT_NOW_S)
        if self._producer.failed or self._producer.in_flight:
            raise NotStored(f"copies were not stored: {self._producer.last_error or 'no answer'}")


class Refiling:
    """The thread. `start` it once; `close` ends it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bound_ms = round(settings.gateway_adt_silence_s * 1000)
        self._tp = TopicPartition(settings.topic(ASSOCIATIONS), 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refiling", daemon=True)
        self.copied = 0
        """Frames that were filed anew by this process."""
        self.owns = False
        """Whether this process does the re-filing now."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, wait_s: float = AGAIN_S) -> None:
        """End the thread; what was begun is done again by who takes over."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except (
                Exception
            ) as error:  # kafka-python raises others than its own, too; all the same, try again
                said = error if isinstance(error, KafkaError | VigilError) else type(error).__name__
                logger.warning("re-filing waits %g s and begins again: %s", AGAIN_S, said)
                self._stop.wait(AGAIN_S)
            finally:
                self.owns = False

    def _work(self) -> None:
        options: dict[str, Any] = {
            "group_id": f"{self._settings.group}-refiling",
            "max_poll_interval_ms": LOOK_MS_MAX,
            # By the client's own 45 s, frames would wait as long for who takes over from a gateway that died.
            "session_timeout_ms": round(self._settings.session_timeout_s * 1000),
            "heartbeat_interval_ms": round(self._settings.session_timeout_s * 1000 / 3),
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
        }
        with ExitStack() as stack:
            consumer = stack.enter_context(closing(connect_consumer(self._settings, **options)))
            readings = stack.enter_context(KafkaReadings(self._settings))
            alerts = stack.enter_context(Producer(self._settings, ALERTS_USE, self._settings.topic(ALERTS)))
            facts = stack.enter_context(Producer(self._settings, ALERTS_USE, self._tp.topic))
            consumer.subscribe([self._tp.topic])
            while not self._stop.is_set():
                consumer.poll(timeout_ms=POLL_MS, max_records=1)  # joining takes it longer than `_poll` waits
                if self._tp in consumer.assignment():
                    self._own(consumer, readings, alerts, facts)

    def _own(self, consumer: Any, readings: KafkaReadings, alerts: Producer, facts: Producer) -> None:
        """Do the re-filing as long as the topic is ours."""
        done = consumer.committed(self._tp) or 0
        changes = Changes(Filing(Facts(self._bound_ms)))
        refiler, silence = Refiler(changes, readings, done), AdtSilence(self._bound_ms)
        consumer.seek_to_beginning(self._tp)

        def catch_up() -> bool:
            return self._catch_up(consumer, lambda record: self._take(record, refiler, silence, done, alerts))

        self.owns, forgot_s = catch_up(), float("-inf")
        while self._is_ours(consumer):
            for record in self._poll(consumer):
                self._take(record, refiler, silence, done, alerts)
            copied = refiler.copied
            refiler.work(now_ms(), catch_up)
            self.copied += refiler.copied - copied
            for alert in silence.look(now_ms()):
                _tell(alerts, alert)
            if time.monotonic() - forgot_s > FORGET_EVERY_S:
                forgot_s = time.monotonic()
                for key in forgotten(changes.filing.facts, now_ms()):
                    facts.send(key, None, 0)
            if refiler.committed > done:
                done = refiler.committed
                consumer.commit({self._tp: OffsetAndMetadata(done, "", -1)})

    def _catch_up(self, consumer: Any, take: Callable[[Any], None]) -> bool:
        """Take in what the topic has by now; False = it is not ours any more."""
        end = max(int(consumer.end_offsets([self._tp])[self._tp]), consumer.highwater(self._tp) or 0)
        while self._is_ours(consumer) and consumer.position(self._tp) < end:
            for record in self._poll(consumer):
                take(record)
        return self._is_ours(consumer)

    def _is_ours(self, consumer: Any) -> bool:
        return not self._stop.is_set() and self._tp in consumer.assignment()

    def _poll(self, consumer: Any) -> list[Any]:
        found: list[Any] = consumer.poll(timeout_ms=GROUP_POLL_MS).get(self._tp, [])
        if not found:
            self._stop.wait(GROUP_PAUSE_S)
        return found

    @staticmethod
    def _take(record: Any, refiler: Refiler, silence: AdtSilence, done: int, alerts: Producer) -> None:
        known = read(record)
        if known is None:
            refiler.skip(int(record.offset))
            return
        refiler.take(known.offset, known.key, known.fact, known.append_ms)
        if isinstance(known.fact, Movement | Heard | Visit) and known.fact.event_ts_ms is not None:
            for alert in silence.hear(known.fact.reporter, known.fact.event_ts_ms, known.append_ms):
                if known.offset >= done:
                    _tell(alerts, alert)


def now_ms() -> int:
    """Return the time, Unix epoch, ms."""
    return int(time.time() * 1000)


def _tell(alerts: Producer, alert: Alert) -> None:
    alerts.send(alert.patient.encode(), alert.model_dump_json().encode())
