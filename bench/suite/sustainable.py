"""The sustainable rate: the highest open-loop rate at which the latency of planted onsets does not grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.suite.arrivals import Plan
from bench.suite.driver import FRAMES_MAX
from bench.suite.latency import slope_ms_s
from bench.suite.open_loop import Outcome, Session

WINDOW_S: Final = 12.0
SETTLE_S: Final = 4.0
SLOPE_MS_S_MAX: Final = 20.0
"""Growth of the median latency, least squares over whole seconds: 20 ms a second is 2 % more than a system takes."""

STEPS_MAX: Final = 6
FIRST_SHARE: Final = 0.8
"""The search begins at this share of what the system drained a second on the wall."""
UP: Final = 1.4
DOWN: Final = 0.65
CLOSE: Final = 1.12
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
    missed: int
    driver_void: bool


def next_rate(tried: Sequence[tuple[float, bool]], first_hz: float) -> float | None:
    """Return the rate to try next, None when the search is over; `tried` holds (rate, sustained)."""
    if not tried:
        return first_hz
    if len(tried) >= STEPS_MAX:
        return None
    good = max((rate for rate, sustained in tried if sustained), default=None)
    bad = min((rate for rate, sustained in tried if not sustained), default=None)
    if good is None:
        assert bad is not None
        return bad * DOWN
    if bad is None:
        return good * UP
    if bad / good <= CLOSE:
        return None
    return float((good * bad) ** 0.5)


def judge(outcome: Outcome) -> Step:
    """Return whether the outcome's rate was sustained."""
    late = outcome.onsets.planned_ms >= SETTLE_S * 1000
    slope = slope_ms_s(outcome.onsets.planned_ms[late], outcome.latency_ms[late])
    missed = int((outcome.latency_ms == float("inf")).sum())
    void = outcome.driven.void
    sustained = not missed and slope <= SLOPE_MS_S_MAX and not void
    return Step(outcome.plan.base_hz, sustained, slope, missed, void)


def search(session: Session, first_hz: float, partitions: int) -> list[Step]:
    """Try rates on a running system and return the steps."""
    steps: list[Step] = []
    while (rate := next_rate([(step.rate_hz, step.sustained) for step in steps], first_hz)) is not None:
        rate = min(rate, FRAMES_MAX / WINDOW_S)
        plan = Plan(rate, WINDOW_S, onsets_max=ONSETS_MAX, step=len(steps), partitions=partitions)
        steps.append(judge(session.run(plan, BACKLOG_S)))
        if steps[-1].missed:  # what is left of the backlog would spoil every further step
            break
    return steps


def best(steps: Sequence[Step]) -> float | None:
    """Return the highest rate that was sustained, frames/s."""
    return max((step.rate_hz for step in steps if step.sustained), default=None)
