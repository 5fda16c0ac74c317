"""Limit alarms with delay and hysteresis, vectorised over patients and rules.

A run's onset is its first violating sample; the alarm starts at the first violating sample `delay` or more after
it. A missing reading ends a run that has not become an alarm and leaves a started alarm as it is. A sample inside
the limits by the clear margin, for the clear delay, ends either. While a more severe alarm of the same side of the
signal is announced, or that of another signal tells the same (`clinical.rates`), or a pause covers the rule's priority,
an alarm that would start is withheld.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.integral import is_due
from clinical.lifecycle import (
    BETWEEN,
    CLEAR,
    COVERED,
    DUE,
    INSIDE,
    LATCH,
    MISSING,
    NORMAL,
    VIOLATED,
    advance,
    is_announced,
)
from clinical.masks import some
from clinical.rates import told_by_other
from clinical.rules import SIGN_OFF_MS, CompiledLimits

NEVER: Final = -1
"""No such moment (times are ms since the epoch, never negative)."""

LOW: Final = 0
MEDIUM: Final = 1
HIGH: Final = 2
"""Ranks of priorities."""

NO_COVER: Final = -1
"""Rank below every priority: no pause withholds anything."""


@dataclass(slots=True)
class LimitState:
    """The alarms of n patients under all rules, arrays of shape (n, rules).

    `onset_ms` is the run's first violating sample, `clear_ms` the first of the present stretch inside,
    `extreme` the worst value of the run so far (NaN before one).
    """

    state: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]
    clear_ms: NDArray[np.int64]
    extreme: NDArray[np.float64]


@dataclass(slots=True)
class Judgement:
    """What one round of frames did, arrays of shape (n, rules).

    `phase` is what to report; `onset_ms` and `extreme` belong to the run that the phase reports, also where the
    alarm has just ended and `after` has forgotten them.
    """

    after: LimitState
    phase: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]
    extreme: NDArray[np.float64]


def outranked(limits: CompiledLimits, state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which alarms of shape (n, rules) a more severe one of the same side of the signal stands for."""
    announced = is_announced(state)
    if not some(announced):
        return announced
    return announced @ limits.outranked.T


def stood_for(
    limits: CompiledLimits, state: NDArray[np.uint8], same_rate: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Return which alarms of shape (n, rules) wait for another one: a more severe one, or the same heart's."""
    found = outranked(limits, state)
    return found if same_rate is None else found | told_by_other(limits, state, same_rate)


def violated(limits: CompiledLimits, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each value breaks each rule: (n, signals) to (n, rules); NaN and -inf (absent) never do."""
    by_rule = values[:, limits.signal]
    return ((by_rule < limits.low) & (by_rule > -np.inf)) | (by_rule > limits.high)


def step(
    limits: CompiledLimits,
    before: LimitState,
    values: NDArray[np.float64],
    judged: NDArray[np.bool_],
    now_ms: NDArray[np.int64],
    cover: NDArray[np.int64],
    area: NDArray[np.float64] | None = None,
    interval_ms: NDArray[np.int64] | None = None,
    same_rate: NDArray[np.bool_] | None = None,
) -> Judgement:
    """Judge one frame of each of n patients.

    Args:
        limits: the rules, with one set of limits or one for each patient.
        before: the alarms before the frame, arrays of shape (n, rules).
        values: readings of shape (n, signals) in the signals' units, NaN = attached without a valid reading.
        judged: (n, signals), which readings are in the frame and not older than what was judged before.
        now_ms: (n,) time of the frame.
        cover: (n,), (n, 1) or (n, rules), rank of the highest priority that is withheld, -1 where there is none.
        area: (n, rules) depth times duration of the runs (`clinical.integral`), if a rule waits for it.
        interval_ms: (n,) time until the next frame of each device is due, if devices announce it.
        same_rate: (n,) whether heart rate and pulse agree (`clinical.rates`), if anybody knows.
    """
    value = values.take(limits.signal, axis=1)
    sampled = judged.take(limits.signal, axis=1)
    now = now_ms[:, None]
    valid = sampled & ~np.isnan(value)
    below = value < limits.low
    broken = valid & (below | (value > limits.high))
    inside = valid & ~broken & (value >= limits.inside_low) & (value <= limits.inside_high)

    onset = np.where(broken & (before.onset_ms == NEVER), now, before.onset_ms)
    clear = np.where(inside & (before.clear_ms == NEVER), now, before.clear_ms)
    clear[valid & ~inside] = NEVER

    event = np.full(value.shape, MISSING, dtype=np.uint8)
    event[valid] = BETWEEN
    event[broken] = VIOLATED
    late = now - onset >= _delays_ms(limits, interval_ms)
    event[broken & (late if area is None else is_due(limits, late, area))] = DUE
    event[inside] = INSIDE
    over = inside & (now - clear >= limits.clear_delay_ms)
    event[over] = CLEAR
    event[over & limits.latch] = LATCH
    withheld = cover if cover.ndim == 2 else cover[:, None]
    following, phase = _advance(limits, before.state, event, sampled, withheld, same_rate)

    extreme = before.extreme
    if some(broken):
        worse = np.where(below, np.fmin(extreme, value), np.fmax(extreme, value))
        extreme = np.where(broken, worse, extreme)
    normal = following == NORMAL
    after = LimitState(
        state=following,
        onset_ms=np.where(normal, NEVER, onset),
        clear_ms=np.where(normal, NEVER, clear),
        extreme=np.where(normal, np.nan, extreme),
    )
    return Judgement(after, phase, onset, extreme)


def _delays_ms(limits: CompiledLimits, interval_ms: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return how long each violation must last, (rules,) or (n, rules).

    A delay is there to see whether the next samples agree. Where none will come within it, one sample has to do.
    """
    if interval_ms is None:
        return limits.delay_ms
    interval = interval_ms[:, None]
    unseen = (limits.delay_ms < interval) & (interval < SIGN_OFF_MS)
    return np.where(unseen, 0, limits.delay_ms) if some(unseen) else limits.delay_ms


def _advance(
    limits: CompiledLimits,
    states: NDArray[np.uint8],
    event: NDArray[np.uint8],
    sampled: NDArray[np.bool_],
    cover: NDArray[np.int64],
    same_rate: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Advance the alarms that were sampled, those that withhold others first."""
    due = event == DUE
    event[due & (limits.rank <= cover)] = COVERED
    following, phase = _sampled(states, event, sampled)
    if some(due):
        for turn in limits.turns:
            starting = (event == DUE) & phase.astype(np.bool_) & turn
            if some(starting):
                event[starting & stood_for(limits, following, same_rate)] = COVERED
                following, phase = _sampled(states, event, sampled)
    return following, phase


def _sampled(
    states: NDArray[np.uint8], event: NDArray[np.uint8], sampled: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Advance the alarms that were sampled; the others stay as they are, and nothing is told of them."""
    following, phase = advance(states, event)
    return np.where(sampled, following, states), phase * sampled
