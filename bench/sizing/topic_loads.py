"""What is written to a topic, who reads it, and what is kept of it: rate x bytes x retention, and what Kafka adds.

Kafka deletes and compacts whole segments, and never the one that it writes: that one grows to `segment.bytes` or for
`segment.ms`, whatever the retention is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from streams.contracts.topics import DAY_MS, TOPICS
from streams.kafka.admin import CHANGELOG_CONFIG

SEGMENT_BYTES: Final = 1024**3
SEGMENT_MS: Final = 7 * DAY_MS
DIRTY_RATIO: Final = 0.5
"""Kafka's defaults (`log.segment.bytes`, `log.roll.hours`, `log.cleaner.min.cleanable.ratio` of Apache Kafka 4.3)."""

CHANGELOG: Final = "GROUP-patients-changelog"
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "vitals.readings": ("workers", "history"),
    "vitals.alerts": ("delivery", "channels", "history", "board", "board"),
    "vitals.deliveries": ("delivery", "channels", "history", "board", "board"),
    "vitals.escalations": ("delivery",),
    "vitals.heartbeat": ("watch", "board", "board"),
    "vitals.patients": ("board", "board"),
    CHANGELOG: (),
}
"""Who reads everything of a topic as it is written; a changelog is read when a partition changes its owner."""

_CONFIG: Final[Mapping[str, Mapping[str, str]]] = {topic.name: topic.config for topic in TOPICS} | {
    CHANGELOG: CHANGELOG_CONFIG
}


@dataclass(frozen=True, slots=True)
class TopicLoad:
    """What is written to a topic, over all partitions; `latest_bytes` are the newest records of all its keys."""

    name: str
    records_s: float
    bytes_s: float
    latest_bytes: float = 0.0

    @property
    def readers(self) -> tuple[str, ...]:
        """Who reads all of it."""
        return READERS[self.name]

    @property
    def config(self) -> Mapping[str, str]:
        """As it is planned (`vigil topics plan`)."""
        return _CONFIG[self.name]

    @property
    def kept_s(self) -> float | None:
        """How long a record is kept; None where the newest of each key is."""
        retention = self.config.get("retention.ms")
        return None if retention is None else int(retention) / 1000


def kept_bytes(load: TopicLoad, partitions: int, age_s: float = inf) -> float:
    """Return what one copy of a topic of an age comes to at most; by default as old as its retention."""
    segment = open_segment_bytes(load, partitions)
    if load.kept_s is not None:
        return load.bytes_s * min(load.kept_s, age_s) + segment
    dirty = float(load.config.get("min.cleanable.dirty.ratio", DIRTY_RATIO))
    lag_s = int(load.config.get("min.compaction.lag.ms", 0)) / 1000
    # One segment is full before anything can be compacted, and another is written meanwhile.
    return load.latest_bytes / (1 - dirty) + load.bytes_s * lag_s + 2 * segment


def open_segment_bytes(load: TopicLoad, partitions: int) -> float:
    """Return how large the segments that are being written become, all partitions together."""
    size = int(load.config.get("segment.bytes", SEGMENT_BYTES))
    return partitions * min(size, load.bytes_s / partitions * SEGMENT_MS / 1000)


def how_kept(load: TopicLoad) -> str:
    """Return in words what `kept_bytes` reckons."""
    size = int(load.config.get("segment.bytes", SEGMENT_BYTES)) >> 20
    if load.kept_s is not None:
        return f"{load.kept_s / 86_400:g} d + the open segment (at most {size:,} MiB or 7 d a partition)"
    return f"newest of each key + two segments (at most {size:,} MiB or 7 d a partition)"
