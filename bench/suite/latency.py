"""From what a system told to figures: latencies of planted onsets, percentiles, recovery after a burst. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.suite.alerts_reader import Told
from bench.suite.arrivals import Onsets
from bench.suite.wire import patient_id

Floats = NDArray[np.float64]

WINDOW_MS: Final = 1_000
STEP_MS: Final = 50
RECOVERED_RATIO: Final = 1.1
RECOVERED_SLACK_MS: Final = 5.0
"""After a burst the worst second may be a tenth or 5 ms worse than the worst second before it."""

STAYS_S: Final = 3.0
"""How long it must stay so, so that a chance quiet second in a disturbance does not count."""

PERCENTILES: Final = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p999_ms": 99.9, "max_ms": 100.0}


@dataclass(frozen=True, slots=True)
class Summary:
    """Percentiles of some onsets' latencies, ms; infinite where so many alerts were missed."""

    onsets: int
    missed: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    worst_patient_p99_ms: float


def latencies_ms(onsets: Onsets, start_ms: int, told: Iterable[Told]) -> Floats:
    """Return the latency of each planted onset, (m,): append time of its first alert minus planned send time.

    Infinite for one that was not told. `start_ms` is when the run started, ms since the epoch.
    """
    first: dict[tuple[str, str, int], int] = {}
    for alert in told:
        if alert.phase == "start":
            key = alert.patient, alert.rule, alert.event_ms
            first[key] = min(alert.append_ms, first.get(key, alert.append_ms))
    found = np.full(len(onsets), np.inf)
    moments = zip(onsets.patient.tolist(), onsets.rule, onsets.event_ms.tolist(), strict=True)
    for i, (patient, rule, event_ms) in enumerate(moments):
        append_ms = first.get((patient_id(patient).decode(), rule, start_ms + event_ms))
        if append_ms is not None:
            found[i] = append_ms - start_ms - onsets.planned_ms[i]
    return found


def percentile(values: Floats, q: float) -> float:
    """Return the smallest value that is not below `q` % of them: one that was measured, or infinity."""
    return float(np.percentile(values, q, method="inverted_cdf")) if len(values) else float("nan")


def summarise(latency_ms: Floats, patient: NDArray[np.int64]) -> Summary:
    """Return the percentiles of (m,) latencies; `patient` (m,) tells whose they are."""
    worst = max(
        (percentile(latency_ms[patient == one], 99.0) for one in np.unique(patient)), default=float("nan")
    )
    return Summary(
        onsets=len(latency_ms),
        missed=int(np.isinf(latency_ms).sum()),
        **{name: percentile(latency_ms, q) for name, q in PERCENTILES.items()},
        worst_patient_p99_ms=worst,
    )


def sliding_p99_ms(planned_ms: NDArray[np.int64], latency_ms: Floats, first_ms: int, last_ms: int) -> Floats:
    """Return the 99th percentile of the onsets planned in each second that starts on a grid of `STEP_MS`.

    The first second starts at `first_ms`, the last one ends at `last_ms` or before; NaN without onsets. Shape (k,).
    """
    order = np.argsort(planned_ms, kind="stable")
    planned, latency = planned_ms[order], latency_ms[order]
    starts = np.arange(first_ms, last_ms - WINDOW_MS + 1, STEP_MS)
    lows, highs = np.searchsorted(planned, starts), np.searchsorted(planned, starts + WINDOW_MS)
    return np.array([percentile(latency[low:high], 99.0) for low, high in zip(lows, highs, strict=True)])


def recovery_s(
    planned_ms: NDArray[np.int64], latency_ms: Floats, before: tuple[int, int], after: tuple[int, int]
) -> float:
    """Return how long after a burst the sliding second's p99 is back for `STAYS_S`, s; infinite if it never is.

    Args:
        planned_ms: (m,) planned send times of the onsets.
        latency_ms: (m,) their latencies.
        before: the steady stretch before the burst, ms; its worst second is what has to be reached again.
        after: from the burst's end to the next disturbance, ms.
    """
    worst = np.nanmax(sliding_p99_ms(planned_ms, latency_ms, *before), initial=0.0)
    bound_ms = max(RECOVERED_RATIO * worst, worst + RECOVERED_SLACK_MS)
    bad = sliding_p99_ms(planned_ms, latency_ms, *after) > bound_ms
    quiet = round(STAYS_S * 1000 / STEP_MS)
    for first in range(len(bad) - quiet + 1):
        if not bad[first : first + quiet].any():
            return first * STEP_MS / 1000
    return float("inf")


def slope_ms_s(planned_ms: NDArray[np.int64], latency_ms: Floats) -> float:
    """Return by how many ms a second the latency grows: least squares over the medians of whole seconds.

    Infinite where a second's median is.
    """
    second = planned_ms // 1000
    seconds = np.unique(second)
    medians = np.array([percentile(latency_ms[second == one], 50.0) for one in seconds])
    if len(seconds) < 2:
        return float("nan")
    if np.isinf(medians).any():
        return float("inf")
    return float(np.polyfit(seconds, medians, 1)[0])
