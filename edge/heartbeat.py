"""Reading the heartbeat from outside, by the watcher's own clock: what is not heard is lost, whatever the reason."""

import time
from collections.abc import Callable
from typing import Any, Final

from kafka import TopicPartition
from pydantic import ValidationError

from streams.alerts import Alert, Evidence, Source, episode_id
from streams.boards import Heartbeat
from streams.connect import connect_consumer
from streams.errors import TopicsMismatch
from streams.log_end import ends_of
from streams.partitions import partition_name
from streams.settings import Settings
from streams.topics import HEARTBEAT

SILENT_S_MAX: Final = 10.0
"""A partition without a beat for so long is not being judged; a beat is due every 2 s."""

BEHIND_S_MAX: Final = 30.0
"""Judging, or the delivery to the broker, may be behind by so much: a silent patient must be told of within it."""


MONITORING_LOST: Final = "monitoring-lost"
"""Rule of the alert that a watcher writes: no worker has decided it."""


def monitoring_alert(partition: int, onset_ms: int, now_ms: int, why: str | None) -> Alert:
    """Return the alert that monitoring of all patients of a partition is lost, or with no `why` that it is back.

    Its patient stands for the partition. The onset is when the watcher noticed; both times by its own clock.
    """
    patient = partition_name(partition)
    episode = episode_id(patient, MONITORING_LOST, onset_ms)
    return Alert(
        id=f"{episode}-{0 if why else 1}",
        episode=episode,
        patient=patient,
        rule=MONITORING_LOST,
        event="MDC_EVT_ALARM",
        source=Source(kind="alarm-system", name="monitoring"),
        phase="start" if why else "end",
        state="active" if why else "inactive",
        priority="high",
        type="technical",
        onset_ts_ms=onset_ms,
        event_ts_ms=now_ms,
        append_ts_ms=now_ms,
        evidence=Evidence(),
        reason=f"no patient of partition {partition} is monitored: {why}"
        if why
        else f"partition {partition} is monitored again",
    )


class HeartbeatFeed:
    """A reader of `vitals.heartbeat` from now on; a context manager.

    Attributes:
        partitions: those that should beat.

    Raises:
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no such topic.
    """

    def __init__(self, settings: Settings, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._consumer: Any = connect_consumer(settings, allow_auto_create_topics=False)
        topic = settings.topic(HEARTBEAT)
        found = self._consumer.partitions_for_topic(topic)
        if not found:
            self._consumer.close()
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        tps = [TopicPartition(topic, number) for number in sorted(found)]
        ends = ends_of(self._consumer, tps)
        self._consumer.assign(tps)
        for tp in tps:
            self._consumer.seek(tp, ends[tp])
        self.partitions = tuple(sorted(found))
        self._heard_s = dict.fromkeys(self.partitions, clock_s())
        self._last: dict[int, Heartbeat] = {}

    def __enter__(self) -> "HeartbeatFeed":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def poll(self, timeout_s: float) -> None:
        """Hear the beats that come within `timeout_s`."""
        for records in self._consumer.poll(timeout_ms=int(timeout_s * 1000)).values():
            for record in records:
                try:
                    beat = Heartbeat.model_validate_json(record.value or b"")
                except ValidationError:
                    continue
                if beat.partition in self._heard_s:
                    self._heard_s[beat.partition], self._last[beat.partition] = self._clock_s(), beat

    def lost(self, silent_s: float, behind_s: float) -> dict[int, str]:
        """Return the partitions whose monitoring is lost, and why."""
        return {
            partition: why
            for partition in self.partitions
            if (why := self._why(partition, silent_s, behind_s))
        }

    def _why(self, partition: int, silent_s: float, behind_s: float) -> str:
        silent = self._clock_s() - self._heard_s[partition]
        beat = self._last.get(partition)
        if silent >= silent_s:
            by = f", the last was of {beat.worker}" if beat else ""
            return f"no heartbeat for {silent:.0f} s{by}"
        if beat is None:
            return ""
        behind = (beat.sent_ts_ms - beat.judged_ts_ms) / 1000
        if behind >= behind_s:
            return f"judging is {behind:.0f} s behind"
        return (
            f"a record waits for the broker for {beat.waiting_s:.0f} s" if beat.waiting_s >= behind_s else ""
        )
