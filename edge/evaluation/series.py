"""A recording's readings as arrays, one series a signal."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.rules import LimitRule
from edge.readers import Recording
from edge.readings import as_number


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one signal, arrays of shape (n,): times in ms, values in its unit, NaN = no valid reading."""

    t_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def between(self, first_ms: float, last_ms: float) -> "Series":
        """Return the readings in this stretch of time, both ends included."""
        inside = (self.t_ms >= first_ms) & (self.t_ms <= last_ms)
        return Series(self.t_ms[inside], self.values[inside])

    def at(self, t_ms: int) -> float:
        """Return the reading at this moment, NaN where there is none."""
        place = int(np.searchsorted(self.t_ms, t_ms, side="right")) - 1
        return float(self.values[place]) if place >= 0 and self.t_ms[place] == t_ms else float("nan")


def series_of(recording: Recording) -> dict[str, Series]:
    """Return the series of every signal that the recording holds, implausible values as NaN."""
    times: dict[str, list[int]] = {}
    values: dict[str, list[float]] = {}
    for frame in recording.frames():
        for signal, value in frame.signals.items():
            times.setdefault(signal, []).append(frame.t_ms)
            values.setdefault(signal, []).append(as_number(signal, value))
    return {
        signal: Series(np.array(times[signal], np.int64), np.array(values[signal], np.float64))
        for signal in times
    }


def runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of every run of True, both included."""
    padded = np.concatenate(([False], mask, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    for first, behind in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first, behind - 1


def longest_violation_s(series: Series, rule: LimitRule) -> float | None:
    """Return the longest unbroken violation of a rule, from its first sample to its last; None = never violated."""
    spans = [
        float(series.t_ms[last] - series.t_ms[first]) / 1000 for first, last in runs(violated(series, rule))
    ]
    return max(spans, default=None)


def violated(series: Series, rule: LimitRule) -> NDArray[np.bool_]:
    """Return which readings, (n,), are beyond a rule's limits; a missing one is not."""
    low = -np.inf if rule.low is None else rule.low
    high = np.inf if rule.high is None else rule.high
    return (series.values < low) | (series.values > high)
