"""The reader of what a watcher hears: heartbeats, and the alerts of the canaries."""

import time
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.records import Skipped, read_record
from edge.ward_state import CANARY
from edge.watching.signs import Signs
from streams.alerts import Alert
from streams.boards import Heartbeat
from streams.connect import connect_consumer
from streams.errors import TopicsMismatch
from streams.log_end import ends_of
from streams.settings import Settings
from streams.topics import ALERTS, HEARTBEAT

RECONNECT_MS_MAX: Final = 1_000
_CANARY: Final = f'"{CANARY}"'.encode()
"""In every alert of a canary: only those are read in full."""


class Ears:
    """A reader of `vitals.heartbeat` and `vitals.alerts` from now on; a context manager.

    Attributes:
        partitions: those that should beat.

    Raises:
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no such topic.
    """

    def __init__(self, settings: Settings, skipped: Skipped) -> None:
        self._skipped = skipped
        self._consumer: Any = connect_consumer(
            settings, allow_auto_create_topics=False, reconnect_backoff_max_ms=RECONNECT_MS_MAX
        )
        self._heartbeat = settings.topic(HEARTBEAT)
        try:
            beats = self._partitions(settings, self._heartbeat)
            tps = beats + self._partitions(settings, settings.topic(ALERTS))
            ends = ends_of(self._consumer, tps)
            self._consumer.assign(tps)
            for tp in tps:
                self._consumer.seek(tp, ends[tp])
        except BaseException:
            self._consumer.close()
            raise
        self.partitions = tuple(tp.partition for tp in beats)

    def _partitions(self, settings: Settings, topic: str) -> list[TopicPartition]:
        found = self._consumer.partitions_for_topic(topic)
        if not found:
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        return [TopicPartition(topic, number) for number in sorted(found)]

    def __enter__(self) -> "Ears":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def hear(self, signs: Signs, timeout_s: float) -> None:
        """Tell `signs` what comes within `timeout_s`; brokers that do not answer are silence, no failure."""
        try:
            heard = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        except KafkaError:
            time.sleep(timeout_s)
            return
        now_s = time.monotonic()
        for tp, records in heard.items():
            for record in records:
                if tp.topic == self._heartbeat:
                    beat = read_record(Heartbeat, record, self._skipped)
                    if beat is not None and beat.partition != tp.partition:
                        self._skipped.note(record, f"it speaks for partition {beat.partition}")
                    elif beat is not None:
                        signs.beat(beat, now_s)
                elif _CANARY in (record.value or b""):
                    alert = read_record(Alert, record, self._skipped)
                    if alert is not None and alert.rule == CANARY:
                        signs.sang(tp.partition, (record.timestamp - alert.append_ts_ms) / 1000, now_s)
