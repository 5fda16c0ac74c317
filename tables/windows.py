"""Windows over readings: ring buckets in event time, columnar over patients.

Each patient has `SLOTS` buckets of `BUCKET_MS`; a reading falls into the bucket of its own time, whatever order it
comes in, as long as the ring still holds that bucket. A window of k minutes at time t is the bucket of t and the
k minutes of buckets before it, so it covers at least k minutes and at most one bucket more.
Values are kept in hundredths of the signal's unit, which makes sums exact and independent of their order.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.masks import every, some
from clinical.vitals import WINDOWED
from tables.reserved import reserved

BUCKET_MS: Final = 30_000
SLOTS: Final = 32
"""Fifteen minutes of whole buckets, the current one, and one spare."""

MINUTES_MAX: Final = (SLOTS - 1) * BUCKET_MS // 60_000
SCALE: Final = 100
SAMPLES_MAX: Final = 60_000
"""Per bucket and signal (2,000 a second); keeps the sums within 32 bits. Further ones are not counted."""

EMPTY: Final = -1


@dataclass(frozen=True, slots=True)
class WindowStats:
    """Statistics of one window: arrays of shape (n, `WINDOWED`) in the signals' units, NaN where `count` is 0."""

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Windows:
    """Ring buckets of the patients of a worker; rows are the patient tables' rows.

    `bucket` is of shape (slots, rows), the statistics of shape (slots, rows, `WINDOWED`), because what is charted or
    reported has no course: what many patients send at one time lies together, which caches like.
    """

    bucket: NDArray[np.int32]
    count: NDArray[np.uint16]
    sum: NDArray[np.int32]
    low: NDArray[np.uint16]
    high: NDArray[np.uint16]

    def __init__(self, capacity: int) -> None:
        self._make(capacity)

    def _make(self, capacity: int) -> None:
        shape = SLOTS, capacity, WINDOWED
        self.bucket, self.count, self.sum, self.low, self.high = reserved(
            (shape[:2], np.int32),
            (shape, np.uint16),
            (shape, np.int32),
            (shape, np.uint16),
            (shape, np.uint16),
        )

    def _statistics(self) -> list[NDArray[Any]]:
        return [self.count, self.sum, self.low, self.high]

    def fill(self, rows: range) -> None:
        """Make rows empty that nobody had yet."""
        self.bucket[:, rows.start : rows.stop] = EMPTY

    def grow(self, capacity: int, filled: int) -> None:
        """Make room for `capacity` rows, of which the first were made empty once."""
        bucket = self.bucket
        before = self._statistics()
        self._make(capacity)
        self.bucket[:, :filled] = bucket[:, :filled]
        used = np.flatnonzero((bucket[:, :filled] != EMPTY).any(axis=1)).tolist()
        for old, new in zip(before, self._statistics(), strict=True):
            for slot in used:  # slots that nothing came into yet take no memory
                new[slot, :filled] = old[slot, :filled]

    def clear(self, rows: int | NDArray[np.int64]) -> None:
        """Forget a row, or several."""
        self.bucket[:, rows] = EMPTY
        self.count[:, rows] = 0
        self.sum[:, rows] = 0

    def cells(self, rows: NDArray[np.int64], number: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return where the buckets of these numbers are, of these rows each, when slots and rows are one axis."""
        return number % SLOTS * np.int64(self.bucket.shape[1]) + rows

    def enter(
        self,
        rows: NDArray[np.int64],
        ts_ms: NDArray[np.int64],
        frame: NDArray[np.int64],
        signal: NDArray[np.int64],
        reading: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Enter frames in log order, from the list of their readings; what is charted or reported is passed over.

        Args:
            rows: (n,) row of each frame's patient; repeats are welcome.
            ts_ms: (n,) time of each frame.
            frame: (m,) which frame each reading belongs to, rising.
            signal: (m,) which signal it is.
            reading: (m,) its plausible value in the signal's unit.

        Returns:
            (n,) whether the ring still held the frame's bucket.
        """
        measured = signal < WINDOWED
        if not every(measured):
            frame, signal, reading = frame[measured], signal[measured], reading[measured]
        number = (ts_ms // BUCKET_MS).astype(np.int32)
        cell = self.cells(rows, number)
        bucket = self.bucket.reshape(-1)
        held = before = bucket[cell]
        newer = number > held
        if some(newer):
            np.maximum.at(bucket, cell, number)
            self._open(np.unique(cell[newer]))
            held = bucket[cell]
        current: NDArray[np.bool_] = number == held
        if not every(current):
            kept = current[frame]
            frame, signal, reading = frame[kept], signal[kept], reading[kept]
        at = cell.take(frame) * WINDOWED + signal
        scaled = np.rint(reading * SCALE).astype(np.int32)
        count = self.count.reshape(-1)
        if some(count.take(at) > SAMPLES_MAX - len(rows)):
            keep = self._with_room(at)
            at, scaled = at[keep], scaled[keep]
        np.add.at(count, at, np.uint16(1))
        np.add.at(self.sum.reshape(-1), at, scaled)
        small = scaled.astype(np.uint16)
        np.minimum.at(self.low.reshape(-1), at, small)
        np.maximum.at(self.high.reshape(-1), at, small)
        overtaken = (number < held) & (number >= before)
        return self._in_turn(cell, number, before, overtaken) if some(overtaken) else current

    @staticmethod
    def _in_turn(
        cell: NDArray[np.int64],
        number: NDArray[np.int32],
        before: NDArray[np.int32],
        overtaken: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Which frames found their bucket when they came, though others have taken its place since; rare."""
        found, newest = number >= before, dict[int, int]()
        for i in np.flatnonzero(np.isin(cell, cell[overtaken])).tolist():
            last = newest.get(int(cell[i]), int(before[i]))
            found[i], newest[int(cell[i])] = number[i] >= last, max(last, int(number[i]))
        return found

    def _open(self, cells: NDArray[np.int64]) -> None:
        self.count.reshape(-1, WINDOWED)[cells] = 0
        self.sum.reshape(-1, WINDOWED)[cells] = 0
        self.low.reshape(-1, WINDOWED)[cells] = np.iinfo(np.uint16).max
        self.high.reshape(-1, WINDOWED)[cells] = 0

    def _with_room(self, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which entries fit when buckets near their limit are filled one by one; rare, so plainly."""
        used: dict[int, int] = {}
        keep = np.zeros(len(at), dtype=np.bool_)
        count = self.count.reshape(-1)
        for i, cell in enumerate(at.tolist()):
            filled = used.get(cell, int(count[cell]))
            keep[i] = filled < SAMPLES_MAX
            used[cell] = filled + int(keep[i])
        return keep

    def means(self, rows: NDArray[np.int64], signal: int, last: int, buckets: int) -> NDArray[np.float64]:
        """Return the mean of each of some buckets in a row, (n, buckets), oldest first, NaN where one is empty.

        Args:
            rows: (n,) rows of patients.
            signal: column of the signal.
            last: number of the last bucket, its time over `BUCKET_MS`.
            buckets: how many, at most `SLOTS`.
        """
        numbers = np.arange(last - buckets + 1, last + 1)
        places = numbers % SLOTS, rows[:, None]
        count = np.where(self.bucket[places] == numbers, self.count[(*places, signal)], 0)
        none = count == 0
        total = self.sum[(*places, signal)]
        return np.where(none, np.nan, total / np.where(none, 1, count) / SCALE)

    def course(self, row: int, last: int, buckets: int) -> WindowStats:
        """Return the statistics of each of some buckets in a row of one patient, oldest first; n are the buckets.

        Args:
            row: the patient's.
            last: number of the last bucket, its time over `BUCKET_MS`.
            buckets: how many, at most `SLOTS`.
        """
        numbers = np.arange(last - buckets + 1, last + 1)
        places = numbers % SLOTS
        held = (self.bucket[places, row] == numbers)[:, None]
        count = np.where(held, self.count[places, row], 0).astype(np.int64)
        none = count == 0
        return WindowStats(
            count=count,
            mean=np.where(none, np.nan, self.sum[places, row] / np.where(none, 1, count) / SCALE),
            low=np.where(none, np.nan, self.low[places, row] / SCALE),
            high=np.where(none, np.nan, self.high[places, row] / SCALE),
        )

    def busiest(self, rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """Return the most readings of one signal in a bucket, (n,)."""
        place = number % SLOTS
        most = self.count[place, rows].max(axis=1).astype(np.int64)
        return np.where(self.bucket[place, rows] == number, most, 0)

    def query(self, rows: NDArray[np.int64], now_ms: int, minutes: int) -> WindowStats:
        """Return mean, lowest, highest and count per signal over the last `minutes`.

        Raises:
            ValueError: more minutes than the ring holds, or fewer than one.
        """
        if not 1 <= minutes <= MINUTES_MAX:
            raise ValueError(f"a window is 1 to {MINUTES_MAX} minutes, not {minutes}")
        last = now_ms // BUCKET_MS
        first = last - minutes * 60_000 // BUCKET_MS
        bucket = self.bucket[:, rows]
        inside = ((bucket >= first) & (bucket <= last))[:, :, None]
        count = np.where(inside, self.count[:, rows], 0)
        filled = count > 0
        total = count.sum(axis=0, dtype=np.int64)
        none = total == 0
        sums = np.where(inside, self.sum[:, rows], 0).sum(axis=0, dtype=np.int64)
        with np.errstate(invalid="ignore"):
            mean = sums / np.where(none, 1, total)
        low = np.where(filled, self.low[:, rows], np.iinfo(np.uint16).max).min(axis=0)
        high = np.where(filled, self.high[:, rows], 0).max(axis=0)
        return WindowStats(
            count=total,
            mean=np.where(none, np.nan, mean / SCALE),
            low=np.where(none, np.nan, low / SCALE),
            high=np.where(none, np.nan, high / SCALE),
        )
