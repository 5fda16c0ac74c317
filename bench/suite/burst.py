"""Bursts: the latency of planted onsets in and after them, and how soon the system is back."""

import math
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from bench.suite.arrivals import FLOOD_LENGTH_MS, Plan
from bench.suite.latency import recovery_s, sliding_p99_ms, summarise
from bench.suite.open_loop import Outcome
from edge.burst import Burst

SETTLE_S: Final = 2.0
"""At the start of a run, before what counts as steady."""

HEADLINE: Final = Burst(10, 10, 10)
AFTER_S: Final = 9.0
"""What a run goes on for after the headline's burst."""
SHAPES: Final = (Burst(2, 10, 1), Burst(5, 16, 5), Burst(10, 27, 10))
FLOOD_AT_S: Final = 45.0
FLOOD_S: Final = 5.0
SHAPES_LENGTH_S: Final = 52.0


def headline_plan(base_hz: float, factor: float, partitions: int, burst_s: float = HEADLINE.length_s) -> Plan:
    """Return the plan of the figure that counts: ten times the base rate for ten seconds."""
    burst = Burst(factor, HEADLINE.start_s, burst_s)
    return Plan(base_hz, burst.end_s + AFTER_S, (burst,), partitions=partitions)


def shapes_plan(base_hz: float, factor: float, partitions: int) -> Plan:
    """Return the plan with a burst of each size and a reconnect flood; `factor` bounds the bursts."""
    bursts = tuple(Burst(min(burst.factor, factor), burst.start_s, burst.length_s) for burst in SHAPES)
    return Plan(base_hz, SHAPES_LENGTH_S, bursts, FLOOD_AT_S, FLOOD_S, partitions=partitions)


def figures(outcome: Outcome) -> dict[str, Any]:
    """Return all figures of a run, times in ms but where the name says s; infinite ones as null.

    A burst's figures are of the onsets planned from its start to the next disturbance, so its wake is in them.
    """
    plan, onsets, latency = outcome.plan, outcome.onsets, outcome.latency_ms
    spans = [(f"{burst.factor:g}x{burst.length_s:g}s", burst.start_s, burst.end_s) for burst in plan.bursts]
    if plan.flood_s:
        spans.append(("flood", plan.flood_at_s, plan.flood_at_s + FLOOD_LENGTH_MS / 1000))
    steady = int(SETTLE_S * 1000), int(spans[0][1] * 1000)
    ends = [start_s for _, start_s, _ in spans[1:]] + [plan.length_s]
    bursts = {}
    for (name, start_s, end_s), until_s in zip(spans, ends, strict=True):
        inside = (onsets.planned_ms >= start_s * 1000) & (onsets.planned_ms < until_s * 1000)
        after = int(end_s * 1000), int(until_s * 1000)
        bursts[name] = asdict(summarise(latency[inside], onsets.patient[inside])) | {
            "recovery_s": recovery_s(onsets.planned_ms, latency, steady, after)
        }
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
