"""What a drill found: the counts, the latency of alerts before, during and after the fault, and the verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from bench.drills.oracle import Counts, Told

PHASES: Final = ("before", "during", "after")


@dataclass(frozen=True, slots=True)
class FaultTime:
    """When a fault worked, by the wall clock, ms; see `fault.Fault` for `bound_s` and `skew_s`."""

    what: str
    from_ms: int
    to_ms: int
    healed_ms: int | None = None
    """When nothing was done to anybody any more; with it, `to_ms` is when all was well again."""
    bound_s: float = 0.0
    skew_s: float = 0.0


@dataclass(slots=True)
class Findings:
    """Everything that a drill measured; `broken` lists the promises that did not hold, in sentences."""

    drill: str
    counts: Counts
    latency_ms: dict[str, dict[str, float] | None]
    gap_s: float
    broken: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def latency_max_s(self, phases: Iterable[str] = PHASES) -> float:
        """Return the longest latency of an alert, s."""
        found = [self.latency_ms[phase] for phase in phases]
        return max((latency["max"] for latency in found if latency), default=0.0) / 1000

    def p99_ratio(self) -> float | None:
        """Return how many times as long the p99 was during the fault as before; None without both."""
        before, during = self.latency_ms["before"], self.latency_ms["during"]
        return during["p99"] / max(before["p99"], 1.0) if before and during else None

    def as_json(self) -> dict[str, Any]:
        """Return what the JSON file holds."""
        return {
            "drill": self.drill,
            "ok": not self.broken,
            "broken": self.broken,
            **asdict(self.counts),
            "alert_latency_ms": self.latency_ms,
            "gap_s": round(self.gap_s, 3),
            **self.facts,
        }


def latency_by_phase(
    told: Sequence[Told], faults: Sequence[FaultTime], settle_ms: int, from_ms: int, to_ms: int
) -> dict[str, dict[str, float] | None]:
    """Return p50, p99, p999, max and count of each phase, ms; None for a phase without alerts.

    Args:
        told: the alerts, once each.
        faults: when faults worked; without any all is before.
        settle_ms: how long after a fault its effect may last: that counts as during.
        from_ms: alerts decided earlier are left out (the workers warm up).
        to_ms: alerts decided later are left out (the load is over, and every device falls silent at once),
            unless a fault still worked.
    """
    found: dict[str, list[int]] = {phase: [] for phase in PHASES}
    to_ms = max([to_ms, *(fault.to_ms for fault in faults)])
    for alert in told:
        if from_ms <= alert.decided_ms <= to_ms:
            found[_phase(alert.decided_ms, faults, settle_ms)].append(alert.latency_ms)
    return {phase: _percentiles(values) for phase, values in found.items()}


def _phase(at_ms: int, faults: Sequence[FaultTime], settle_ms: int) -> str:
    if not faults or at_ms < min(fault.from_ms for fault in faults):
        return "before"
    return "during" if at_ms <= max(fault.to_ms for fault in faults) + settle_ms else "after"


def _percentiles(values: Sequence[int]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p99, p999 = np.percentile(values, (50, 99, 99.9), method="higher").tolist()
    return {"p50": p50, "p99": p99, "p999": p999, "max": max(values), "count": len(values)}


def gap_s(ticks_ms: Mapping[int, Sequence[int]], told: Sequence[Told], from_ms: int, to_ms: int) -> float:
    """Return the longest time for which no worker showed progress on some partition, s.

    An owner writes a tick a second into each of its partitions, and the alerts say how late it judged: the gap is
    the longest time between two ticks, or the longest delay of an alert where that is longer.
    """
    longest = max((alert.latency_ms for alert in told if alert.decided_ms >= from_ms), default=0)
    for times in ticks_ms.values():
        inside = sorted(ms for ms in times if from_ms <= ms <= to_ms)
        marks = [from_ms, *inside, to_ms]
        longest = max(longest, *(later - earlier for earlier, later in pairwise(marks)))
    return longest / 1000
