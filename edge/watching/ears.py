"""The reader of what a watcher hears: heartbeats, the alerts of the canaries, and how those come through channels."""

import time
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.records import Skipped, read_record
from edge.ward_state import CANARY
from edge.watching.hops import Hops
from edge.watching.signs import Signs
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.partition_names import canary_number
from streams.contracts.patient_state import Heartbeat
from streams.contracts.topics import ALERTS, DELIVERIES, HEARTBEAT
from streams.errors import TopicsMismatch
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of

RECONNECT_MS_MAX: Final = 1_000
_CANARY: Final = f'"{CANARY}"'.encode()
"""In every alert of a canary and each milestone of its messages: only those are read in full."""


class Ears:
    """A reader of `vitals.heartbeat`, `vitals.alerts` and `vitals.deliveries` from now on; a context manager.

    Attributes:
        partitions: those of the readings, which should beat.
        beating: how many the last beat says that there are; others than `partitions` once they were given more.

    Raises:
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no such topic.
    """

    def __init__(self, settings: Settings, skipped: Skipped) -> None:
        self._skipped = skipped
        self._consumer: Any = connect_consumer(
            settings, allow_auto_create_topics=False, reconnect_backoff_max_ms=RECONNECT_MS_MAX
        )
        self._heartbeat, self._deliveries = settings.topic(HEARTBEAT), settings.topic(DELIVERIES)
        try:
            beats = self._partitions(settings, self._heartbeat)
            tps = beats + self._partitions(settings, settings.topic(ALERTS))
            tps += self._partitions(settings, self._deliveries)
            ends = ends_of(self._consumer, tps)
            self._consumer.assign(tps)
            for tp in tps:
                self._consumer.seek(tp, ends[tp])
        except BaseException:
            self._consumer.close()
            raise
        self._places = len(beats)
        self.partitions = tuple(range(len(beats) * settings.factor))
        self.beating = len(self.partitions)

    def _partitions(self, settings: Settings, topic: str) -> list[TopicPartition]:
        found = self._consumer.partitions_for_topic(topic)
        if not found:
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        return [TopicPartition(topic, number) for number in sorted(found)]

    def __enter__(self) -> "Ears":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def hear(self, signs: Signs, hops: Hops, timeout_s: float) -> None:
        """Tell what comes within `timeout_s`; brokers that do not answer are silence, no failure."""
        try:
            heard = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        except KafkaError:
            time.sleep(timeout_s)
            return
        now_s = time.monotonic()
        for tp, records in heard.items():
            for record in records:
                if tp.topic == self._heartbeat:
                    self._beat(tp.partition, record, signs, now_s)
                elif _CANARY not in (record.value or b""):
                    continue
                elif tp.topic == self._deliveries:
                    delivery = read_record(Delivery, record, self._skipped)
                    if delivery is not None and delivery.rule == CANARY:
                        hops.reached(delivery.channel, delivery.milestone, now_s)
                else:
                    self._sang(tp.partition, record, signs, hops, now_s)

    def _beat(self, partition: int, record: Any, signs: Signs, now_s: float) -> None:
        beat = read_record(Heartbeat, record, self._skipped)
        if beat is not None and beat.partition % self._places != partition:
            self._skipped.note(record, f"it speaks for partition {beat.partition}")
        elif beat is not None:
            self.beating = max(self.beating, beat.partitions or 0)
            signs.beat(beat, now_s)

    def _sang(self, partition: int, record: Any, signs: Signs, hops: Hops, now_s: float) -> None:
        alert = read_record(Alert, record, self._skipped)
        if alert is not None and alert.rule == CANARY:
            signs.sang(
                canary_number(alert.patient, partition), (record.timestamp - alert.append_ts_ms) / 1000, now_s
            )
            hops.sang(now_s)
