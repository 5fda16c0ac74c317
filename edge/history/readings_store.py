"""Readings on their way to the shelf: decoded as they come, kept in memory within a bound, put down in stretches."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from edge.history.metrics import READINGS_STORE, HistoryMetrics
from edge.history.rows import HOUR_MS, Believed, rows_of
from edge.history.shelf import DAY_MS, Shelf
from streams.config.settings import Settings
from streams.decoding.decoded import Frames
from streams.decoding.decoder import Decoder

ROWS_MAX: Final = 400_000
"""Readings in memory that are not on the disk yet, some 100 MB; beyond them no more are read."""

STRETCH_ROWS: Final = 100_000
"""So many of a partition are put down at once: a backlog is worked off in stretches of this length."""

STRETCHES_MAX: Final = 12
"""So many files of new rows of a partition are merged before it is time: a reader opens each of them."""

LATE_DAYS_MAX: Final = 7
"""So long Kafka keeps readings; a device that says an older time is not believed [M]."""

RETRY_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
RETAIN_EVERY_S: Final = 600.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """What was read of a partition and is not on the disk: from `first` up to but not including `behind`."""

    first: int
    behind: int
    frames: list[Frames] = field(default_factory=list)
    rows: int = 0
    append_ts_ms: int = 0


class Retries:
    """Says when a store that failed is tried again, and tells its trouble and its end once each."""

    def __init__(self, store: str, metrics: HistoryMetrics, monotonic: Callable[[], float]) -> None:
        self._store, self._failing, self._monotonic = store, metrics.failing.labels(store), monotonic
        self._failures, self._next_s = 0, 0.0

    @property
    def due(self) -> bool:
        """Whether the store may be tried."""
        return self._monotonic() >= self._next_s

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def failed(self, error: Exception) -> None:
        """Take note of a try that failed."""
        wait_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        if not self._failures:
            logger.error("%s: not written, kept and tried again: %s", self._store, error)
        self._failures += 1
        self._next_s = self._monotonic() + wait_s
        self._failing.set(1)

    def worked(self) -> None:
        """Take note of a try that did not fail."""
        if self._failures:
            logger.warning("%s: written again, after %d tries that failed", self._store, self._failures)
        self._failures, self._next_s = 0, 0.0
        self._failing.set(0)


class ReadingsStore:
    """Takes the records of the readings' partitions and keeps them on a shelf.

    Args:
        shelf: where they go.
        settings: how often they are put down and merged, and how long they are kept.
        metrics: counted in.
        monotonic: tells the time in s, for what is done every so often.
    """

    def __init__(
        self,
        shelf: Shelf,
        settings: Settings,
        metrics: HistoryMetrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shelf, self._settings, self._metrics, self._monotonic = shelf, settings, metrics, monotonic
        self._believed = believed_of(settings)
        self._decoders: dict[int, Decoder] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._put_s = self._merged_s = self._retained_s = monotonic()
        self._log_ts_ms = 0
        self._thinned_hour: dict[int, int] = {}
        self.retries = Retries(READINGS_STORE, metrics, monotonic)

    def positions(self) -> dict[int, int]:
        """Return from which offset on each partition is to be read; one that nothing is known of is left out."""
        return self._shelf.positions()

    def reached(self) -> dict[int, int]:
        """Return up to which offset each partition was read: on the disk, or waiting for it."""
        return self.positions() | {partition: waiting.behind for partition, waiting in self._waiting.items()}

    @property
    def is_full(self) -> bool:
        """Whether no more is to be read for now."""
        return self.rows >= ROWS_MAX

    @property
    def rows(self) -> int:
        """How many readings wait in memory."""
        return sum(waiting.rows for waiting in self._waiting.values())

    def take(self, partition: int, records: Sequence[Any]) -> None:
        """Take records of a partition, in log order, each once, from its position on."""
        decoder = self._decoders.setdefault(partition, Decoder(with_copies=True))
        decoded = decoder.decode(records)
        first, behind = records[0].offset, records[-1].offset + 1
        waiting = self._waiting.setdefault(partition, _Waiting(first, behind))
        waiting.behind = behind
        waiting.append_ts_ms = max(waiting.append_ts_ms, records[-1].timestamp)
        for part in decoded.parts:
            if isinstance(part, Frames):
                waiting.frames.append(part)
                waiting.rows += len(part)
        self._metrics.refused.inc(len(decoded.rejects))
        self._metrics.waiting.labels(READINGS_STORE).set(self.rows)

    def turn(self, at_end: bool = False) -> None:
        """Do what is due: put down, merge, thin, throw away. What the disk does not take is kept and tried again."""
        if not self.retries.due and not at_end:
            return
        try:
            self._put_down(at_end)
            self._merge()
            self._retain()
        except OSError as error:
            self.retries.failed(error)
        else:
            self.retries.worked()

    def _put_down(self, at_end: bool) -> None:
        now_s = self._monotonic()
        due = at_end or now_s - self._put_s >= self._settings.history_flush_s or self.is_full
        for partition, waiting in list(self._waiting.items()):
            if not (due or waiting.rows >= STRETCH_ROWS):
                continue
            if waiting.rows:  # a partition in which only time passes is read again from where it was
                # At once: a table costs a millisecond however few rows it has, and each tick divides the frames.
                rows = rows_of(Frames.joined(waiting.frames), partition, self._believed)
                self._shelf.put(partition, waiting.first, waiting.behind, rows)
                self._metrics.kept.labels(READINGS_STORE).inc(len(rows))
                self._log_ts_ms = max(self._log_ts_ms, waiting.append_ts_ms)
                self._metrics.kept_ts.set(self._log_ts_ms / 1000)
                del self._waiting[partition]
        if due:
            self._put_s = now_s
        self._metrics.waiting.labels(READINGS_STORE).set(self.rows)

    def _merge(self) -> None:
        now_s = self._monotonic()
        due = now_s - self._merged_s >= self._settings.history_merge_s
        for partition, stretches in list(self._shelf.index.new.items()):
            if due or len(stretches) >= STRETCHES_MAX:
                self._shelf.merge(partition)
                self._thin(partition)
        if due:
            self._merged_s = now_s

    def _thin(self, partition: int) -> None:
        """Thin once an hour of the log: until then what is newer is read from the hours themselves."""
        hour = self._log_ts_ms // HOUR_MS
        if self._thinned_hour.get(partition) != hour:
            self._shelf.thin(partition)
            self._thinned_hour[partition] = hour

    def _retain(self) -> None:
        if self._monotonic() - self._retained_s < RETAIN_EVERY_S or not self._log_ts_ms:
            return
        self._retained_s = self._monotonic()
        if self._settings.time_base == "recorded":
            return  # what is replayed is old from its first moment
        self._shelf.retain(self._log_ts_ms, keep_ms(self._settings))


def believed_of(settings: Settings) -> Believed:
    """Return which devices' clocks are believed: raw hours are kept for longer than a frame may be late."""
    days = min(LATE_DAYS_MAX, settings.history_raw_days - 1)
    return Believed(days * DAY_MS, settings.clock_ahead_ms_max, recorded=settings.time_base == "recorded")


def keep_ms(settings: Settings) -> dict[str, int]:
    """Return how long each kind of file is kept, ms."""
    return {
        "hour": settings.history_raw_days * DAY_MS,
        "10": settings.history_10s_days * DAY_MS,
        "60": settings.history_1min_days * DAY_MS,
        "900": settings.history_15min_days * DAY_MS,
    }
