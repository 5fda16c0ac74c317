"""The sustainable rate: the highest open-loop rate at which the latency of planted onsets does not grow."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.suite.arrivals import Plan
from bench.suite.driver import FRAMES_MAX
from bench.suite.latency import percentile, slope_ms_s
from bench.suite.open_loop import Outcome, Session

WINDOW_S: Final = 10.0
SETTLE_S: Final = 3.0
END_S: Final = 2.0
SLOPE_MS_S_MAX: Final = 20.0
"""Growth of the median latency, least squares over whole seconds: 20 ms a second is 2 % more than a system takes."""

LATE_MS: Final = 250.0
"""No backlog has grown when the last two seconds' median is below this: in a window that is 2.5 % too much."""

SEARCH_STEPS_MAX: Final = 5
STEPS_MAX: Final = 7
"""Of a search, and with the tries that confirm what it found."""
CONFIRMED: Final = 2
"""So often a rate must have been held, and never not, to be the result."""
FIRST_SHARE: Final = 0.65
"""The search begins at this share of what the system drained a second on the wall."""
UP: Final = 1.4
DOWN: Final = 0.7
CLOSE: Final = 1.2
"""How the rate is raised while all is well and lowered while nothing is, and when two rates are close enough."""

BACKLOG_S: Final = 60.0
"""How long a system may take to work off what an unsustainable rate has left behind."""

ONSETS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried, frames/s, and what became of the latency, ms and ms a second."""

    rate_hz: float
    sustained: bool
    slope_ms_s: float
    end_ms: float
    missed: int
    driver_void: bool


def next_rate(tried: Sequence[tuple[float, bool]], first_hz: float) -> float | None:
    """Return the rate to try next, None when all is over; `tried` holds (rate, sustained).

    First the search: up or down until one rate is held and another is not, then between them. What it found is
    tried again; a rate that is not held then counts as too high, and the next lower one is tried.
    """
    if not tried:
        return first_hz
    if len(tried) >= STEPS_MAX:
        return None
    bad = min((rate for rate, sustained in tried if not sustained), default=None)
    good = held(tried)
    if good is None:
        assert bad is not None
        return bad * DOWN
    if len(tried) < SEARCH_STEPS_MAX:
        if bad is None:
            return good * UP
        if bad / good > CLOSE:
            return float((good * bad) ** 0.5)
    return None if sum(rate == good for rate, _ in tried) >= CONFIRMED else good


def held(tried: Sequence[tuple[float, bool]]) -> float | None:
    """Return the highest rate that was held, below every one that was not."""
    bad = min((rate for rate, sustained in tried if not sustained), default=float("inf"))
    return max((rate for rate, sustained in tried if sustained and rate < bad), default=None)


def judge(outcome: Outcome) -> Step:
    """Return whether the outcome's rate was sustained."""
    planned_ms, latency_ms = outcome.onsets.planned_ms, outcome.latency_ms
    late = planned_ms >= SETTLE_S * 1000
    slope = slope_ms_s(planned_ms[late], latency_ms[late])
    end_ms = percentile(latency_ms[planned_ms >= 1000 * (outcome.plan.length_s - END_S)], 50.0)
    missed = int((latency_ms == float("inf")).sum())
    void = outcome.driven.void
    sustained = not missed and (slope <= SLOPE_MS_S_MAX or end_ms <= LATE_MS) and not void
    return Step(outcome.plan.base_hz, sustained, slope, end_ms, missed, void)


def search(session: Session, first_hz: float, partitions: int) -> list[Step]:
    """Try rates on a running system and return the steps."""
    steps: list[Step] = []
    while (rate := next_rate(_tried(steps), first_hz)) is not None:
        rate = min(rate, FRAMES_MAX / WINDOW_S)
        plan = Plan(rate, WINDOW_S, onsets_max=ONSETS_MAX, step=len(steps), partitions=partitions)
        steps.append(judge(session.run(plan, BACKLOG_S)))
        if steps[-1].missed:  # what is left of the backlog would spoil every further step
            break
    return steps


def best(steps: Sequence[Step]) -> float | None:
    """Return the highest rate that was sustained whenever it was tried, frames/s."""
    return held(_tried(steps))


def sustained_hz(searches: Sequence[float | None]) -> float | None:
    """Return the median of what searches found, frames/s; one that found no rate that is held counts as the lowest.

    Of an even number it is the lower one in the middle. None = nothing was searched or is held.
    """
    if not searches:
        return None
    return statistics.median_low([found or 0.0 for found in searches]) or None


def _tried(steps: Sequence[Step]) -> list[tuple[float, bool]]:
    """Return what counts: the first time that the driver is late at a rate says nothing, so it is tried again."""
    late: set[float] = set()
    counted = []
    for step in steps:
        if step.driver_void and step.rate_hz not in late:
            late.add(step.rate_hz)
        else:
            counted.append((step.rate_hz, step.sustained))
    return counted
