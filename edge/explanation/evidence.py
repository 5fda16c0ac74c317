"""Finding an alert, the newest first, and the readings around it: never more than a stretch of their topic."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from kafka import TopicPartition

from clinical.vitals import INDEX
from edge.readings import as_number
from edge.records import Skipped, read_record
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import TopicsMismatch, UsageError, VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of
from streams.kafka.log_search import offsets_at, read_between

STRETCH_MS: Final = 3_600_000
STRETCHES: Final = (1, 8, 64, 512)
"""Hours of alerts that are searched, each stretch after the one before it; then all that is left."""

EPISODE_MS_MAX: Final = 900_000
"""Of an alarm that was open for longer, only the last stretch before the event is shown."""

SLACK_MS: Final = 10_000
"""How far apart event time and the broker's time may run at either end of the stretch that is read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of the patient: its time in ms, and the signals that it carries, NaN = no valid reading."""

    t_ms: int
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """An alert with its surroundings; times in ms.

    `events` are those of the same episode that were found, in order. `by_append` tells that the device's clock is not
    believed, so that the moments are the broker's.
    """

    alert: Alert
    events: tuple[Alert, ...]
    first_ms: int
    last_ms: int
    moments: tuple[Moment, ...]
    by_append: bool


def gather(settings: Settings, alert_id: str, before_s: float, after_s: float, skipped: Skipped) -> Evidence:
    """Find an alert by its id, or an episode's newest event by the episode's, and the readings around it.

    Args:
        settings: where the broker is.
        alert_id: of the alert or its episode.
        before_s: how long before the onset to begin, s.
        after_s: how long after the event to end, s.
        skipped: told of records that name the alert and cannot be read.

    Raises:
        UsageError: no broker was given, or there is no such alert.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: there is no topic of alerts or readings.
        VigilError: the readings are no longer kept.
    """
    with closing(connect_consumer(settings)) as consumer:
        alert, place = _find(consumer, settings, alert_id, skipped)
        span = _Span.of(alert, before_s, after_s)
        events = _episode(consumer, place, alert, span.stretch, skipped)
        return _seen(consumer, settings, alert, place.partition, events, span)


def around(
    consumer: Any,
    settings: Settings,
    alert: Alert,
    partition: int,
    events: tuple[Alert, ...],
    before_s: float,
    after_s: float,
) -> Evidence:
    """Return the readings around an alert that is there already, of whichever topic.

    Args:
        consumer: in no group; left assigned to anything.
        settings: name the topics.
        alert: what is asked about.
        partition: where its patient's readings are.
        events: of the same episode, in order.
        before_s: how long before the onset to begin, s.
        after_s: how long after the event to end, s.

    Raises:
        VigilError: the readings are no longer kept.
    """
    return _seen(consumer, settings, alert, partition, events, _Span.of(alert, before_s, after_s))


@dataclass(frozen=True, slots=True)
class _Span:
    """From when to when is shown, and between which times of the broker that is looked for; ms."""

    first_ms: int
    last_ms: int
    stretch: tuple[int, int]

    @staticmethod
    def of(alert: Alert, before_s: float, after_s: float) -> "_Span":
        onset_ms = max(alert.onset_ts_ms, alert.event_ts_ms - EPISODE_MS_MAX)
        first_ms, last_ms = onset_ms - round(before_s * 1000), alert.event_ts_ms + round(after_s * 1000)
        last_ms = max(last_ms, first_ms + 1)  # whoever wrote the alert may have its onset behind its event
        lead_ms, trail_ms = alert.event_ts_ms - first_ms, last_ms - alert.event_ts_ms
        stretch = alert.append_ts_ms - lead_ms - SLACK_MS, alert.append_ts_ms + trail_ms + SLACK_MS
        return _Span(first_ms, last_ms, stretch)


def _seen(
    consumer: Any, settings: Settings, alert: Alert, partition: int, events: tuple[Alert, ...], span: _Span
) -> Evidence:
    there = _partitions(consumer, settings.topic(READINGS))
    if settings.factor > 1:  # only what has come since then is looked at
        partition = partition_of(alert.patient, len(there))
    tp = TopicPartition(settings.topic(READINGS), partition)
    frames = list(_frames(consumer, tp, alert, span.stretch))
    inside = [(event, append, own) for event, append, own in frames if span.first_ms <= event <= span.last_ms]
    by_append = not inside and bool(frames)
    chosen = [
        (append if by_append else event, own) for event, append, own in (frames if by_append else inside)
    ]
    moments = [Moment(t_ms, own) for t_ms, own in sorted(chosen, key=lambda one: one[0])]
    return Evidence(alert, events, span.first_ms, span.last_ms, tuple(moments), by_append)


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    found = consumer.partitions_for_topic(topic)
    if not found:
        raise TopicsMismatch(f"no topic {topic}: run vigil topics apply")
    return [TopicPartition(topic, number) for number in sorted(found)]


def _find(consumer: Any, settings: Settings, alert_id: str, skipped: Skipped) -> tuple[Alert, TopicPartition]:
    tps = _partitions(consumer, settings.topic(ALERTS))
    behind = ends_of(consumer, tps)
    start = dict(consumer.beginning_offsets(tps))
    now_ms = round(time.time() * 1000)
    wanted = alert_id.encode()
    for hours in (*STRETCHES, None):
        first = start if hours is None else offsets_at(consumer, tps, now_ms - hours * STRETCH_MS)
        found = None
        for record in read_between(consumer, first, behind):
            alert = read_record(Alert, record, skipped) if wanted in (record.value or b"") else None
            if alert is not None and alert_id in (alert.id, alert.episode):
                found = alert, TopicPartition(record.topic, record.partition)
        if found is not None:
            return found
        behind = {tp: min(first[tp], behind[tp]) for tp in tps}
    raise UsageError(f"no alert {alert_id!r} in {settings.topic(ALERTS)}: unknown, or no longer kept")


def _stretch(
    consumer: Any, tp: TopicPartition, stretch: tuple[int, int]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    first, behind = (offsets_at(consumer, [tp], ts_ms) for ts_ms in stretch)
    return first, behind


def _episode(
    consumer: Any, tp: TopicPartition, alert: Alert, stretch: tuple[int, int], skipped: Skipped
) -> tuple[Alert, ...]:
    first, behind = _stretch(consumer, tp, stretch)
    found = {alert.id: alert}
    for record in read_between(consumer, first, behind):
        named = alert.episode.encode() in (record.value or b"")
        other = read_record(Alert, record, skipped) if named else None
        if other is not None and other.episode == alert.episode:
            found.setdefault(other.id, other)
    return tuple(sorted(found.values(), key=lambda one: (one.event_ts_ms, one.id)))


def _frames(
    consumer: Any, tp: TopicPartition, alert: Alert, stretch: tuple[int, int]
) -> Iterator[tuple[int, int, dict[str, float]]]:
    """Yield (event time, append time, signals) of the patient's frames, times in ms.

    Raises:
        VigilError: none is kept from before the event.
    """
    key, kept = alert.patient.encode(), False
    first, behind = _stretch(consumer, tp, stretch)
    for record in read_between(consumer, first, behind):
        kept |= record.timestamp <= alert.append_ts_ms
        if record.key == key and (frame := _frame(record.value)) is not None:
            yield int(frame["event_ts_ms"]), int(record.timestamp), _signals(frame)
    if not kept:
        raise VigilError(f"the readings around alert {alert.id} are no longer kept in {tp.topic}")


def _frame(value: bytes | None) -> dict[str, Any] | None:
    try:
        frame = msgspec.json.decode(value or b"")
    except msgspec.DecodeError:
        return None
    return frame if isinstance(frame, dict) and isinstance(frame.get("event_ts_ms"), int) else None


def _signals(frame: dict[str, Any]) -> dict[str, float]:
    return {name: as_number(name, frame[name]) for name in INDEX if name in frame}
