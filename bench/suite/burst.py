"""Bursts: the latency of planted onsets in and after them, and how soon the system is back."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from bench.suite.arrivals import FLOOD_LENGTH_MS, Plan
from bench.suite.latency import recovery_s, sliding_p99_ms, summarise
from bench.suite.open_loop import Outcome
from edge.burst import Burst

STEADY_S: Final = 6.0
SETTLE_S: Final = 2.0
"""Before the first burst, and how much of it, at the start, does not count as steady."""

HEADLINE_FACTOR: Final = 10.0
HEADLINE_S: Final = 10.0
HEADLINE_WAKE_S: Final = 8.0
SHAPES: Final = ((2.0, 1.0, 3.0), (5.0, 5.0, 6.0))
"""Smaller bursts: factor, length and what comes after it, s. They come first, as every system's further warm-up."""
FLOOD_S: Final = 5.0
FLOOD_WAKE_S: Final = 4.5
"""So many seconds of the base rate come at once after a reconnect; from the flood's start to what is next, s."""
ONSETS_MAX: Final = 6_000
FLOOD: Final = "flood"


@dataclass(frozen=True, slots=True)
class Bursts:
    """What one run holds: the smaller bursts and the flood, or not, and how many of the headline's."""

    shapes: bool
    headlines: int

    @property
    def length_s(self) -> float:
        """Length of the run."""
        return self.plan(1.0, HEADLINE_FACTOR, 1).length_s

    def plan(self, base_hz: float, factor: float, partitions: int) -> Plan:
        """Return the plan with these bursts, one after the other; `factor` bounds them."""
        at_s, bursts, flood_at_s = STEADY_S, [], 0.0
        for wanted, length_s, wake_s in SHAPES if self.shapes else ():
            bursts.append(Burst(min(wanted, factor), at_s, length_s))
            at_s += length_s + wake_s
        if self.shapes:
            flood_at_s = at_s
            at_s += FLOOD_WAKE_S
        for _ in range(self.headlines):
            bursts.append(Burst(factor, at_s, HEADLINE_S))
            at_s += HEADLINE_S + HEADLINE_WAKE_S
        return Plan(
            base_hz,
            at_s,
            tuple(bursts),
            flood_at_s,
            FLOOD_S if self.shapes else 0.0,
            partitions=partitions,
            onsets_max=ONSETS_MAX,
        )


def rehearsal(base_hz: float, factor: float, partitions: int) -> Plan:
    """Return a short plan with the highest rate of the bursts."""
    return Plan(base_hz, 5.0, (Burst(factor, 1.0, 3.0),), partitions=partitions)


def figures(outcome: Outcome) -> dict[str, Any]:
    """Return all figures of a run, times in ms but where the name says s; infinite ones as null.

    A burst's figures are of the onsets planned from its start to the next disturbance, so its wake is in them. The
    headline's are repeats of each other.
    """
    plan, onsets, latency = outcome.plan, outcome.onsets, outcome.latency_ms
    spans = [(f"{burst.factor:g}x{burst.length_s:g}s", burst.start_s, burst.end_s) for burst in plan.bursts]
    if plan.flood_s:
        spans.append((FLOOD, plan.flood_at_s, plan.flood_at_s + FLOOD_LENGTH_MS / 1000))
    spans.sort(key=lambda span: span[1])
    steady = int(SETTLE_S * 1000), int(spans[0][1] * 1000)
    ends = [start_s for _, start_s, _ in spans[1:]] + [plan.length_s]
    bursts = []
    for (name, start_s, end_s), until_s in zip(spans, ends, strict=True):
        inside = (onsets.planned_ms >= start_s * 1000) & (onsets.planned_ms < until_s * 1000)
        after = int(end_s * 1000), int(until_s * 1000)
        headline = name != FLOOD and end_s - start_s == HEADLINE_S
        # After the others there is not the time to see whether a system stays recovered.
        recovered_s = recovery_s(onsets.planned_ms, latency, steady, after) if headline else None
        bursts.append(
            {"name": name, "headline": headline, "start_s": start_s, "end_s": end_s}
            | asdict(summarise(latency[inside], onsets.patient[inside]))
            | {"recovery_s": recovered_s}
        )
    calm = (onsets.planned_ms >= steady[0]) & (onsets.planned_ms < steady[1])
    checked: dict[str, Any] = finite(
        {
            "base_hz": plan.base_hz,
            "bursts": bursts,
            "steady": asdict(summarise(latency[calm], onsets.patient[calm])),
            "unplanned": outcome.unplanned,
            "driver": asdict(outcome.driven) | {"void": outcome.driven.void},
            "cpu_s": outcome.cpu_s,
            "rss_bytes": outcome.rss_bytes,
            "second_p99_ms": _by_second(outcome),
        }
    )
    return checked


def _by_second(outcome: Outcome) -> list[float]:
    last_ms = int(outcome.plan.length_s * 1000)
    every = sliding_p99_ms(outcome.onsets.planned_ms, outcome.latency_ms, 0, last_ms)
    return [float(value) for value in every[:: 1000 // 50 // 2]]


def finite(value: Any) -> Any:
    """Return the value with null for every number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: finite(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inside) for inside in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
