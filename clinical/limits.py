"""Limit alarms with delay and hysteresis, vectorised over patients and rules.

A run's onset is its first violating sample; the alarm starts at the first violating sample `delay` or more after
it. A missing reading ends a run that has not become an alarm and leaves a started alarm as it is. A sample inside
the limits by the clear margin, for the clear delay, ends either.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.lifecycle import Event, State, advance
from clinical.rules import CompiledLimits

NEVER: Final = -1
"""No such moment (times are ms since the epoch, never negative)."""


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


def step(
    limits: CompiledLimits,
    before: LimitState,
    values: NDArray[np.float64],
    judged: NDArray[np.bool_],
    now_ms: NDArray[np.int64],
) -> Judgement:
    """Judge one frame of each of n patients.

    Args:
        limits: the rules.
        before: the alarms before the frame, arrays of shape (n, rules).
        values: readings of shape (n, signals) in the signals' units, NaN = attached without a valid reading.
        judged: (n, signals), which readings are in the frame and not older than what was judged before.
        now_ms: (n,) time of the frame.

    """
    value = values[:, limits.signal]
    sampled = judged[:, limits.signal]
    now = now_ms[:, None]
    valid = sampled & ~np.isnan(value)
    broken = valid & ((value < limits.low) | (value > limits.high))
    inside = valid & ~broken & (value >= limits.inside_low) & (value <= limits.inside_high)
    between = valid & ~broken & ~inside

    onset = np.where(broken & (before.onset_ms == NEVER), now, before.onset_ms)
    clear = np.where(broken | between, NEVER, before.clear_ms)
    clear = np.where(inside & (clear == NEVER), now, clear)

    event = np.full(value.shape, Event.MISSING, dtype=np.uint8)
    event[broken] = Event.VIOLATED
    event[broken & (now - onset >= limits.delay_ms)] = Event.DUE
    event[between] = Event.BETWEEN
    event[inside] = Event.INSIDE
    event[inside & (now - clear >= limits.clear_delay_ms)] = Event.CLEAR
    following, phase = advance(before.state, event)
    following = np.where(sampled, following, before.state)
    phase = np.where(sampled, phase, 0).astype(np.uint8)

    worse = np.where(value < limits.low, np.fmin(before.extreme, value), np.fmax(before.extreme, value))
    extreme = np.where(broken, worse, before.extreme)
    normal = following == State.NORMAL
    after = LimitState(
        state=following,
        onset_ms=np.where(normal, NEVER, onset),
        clear_ms=np.where(normal, NEVER, clear),
        extreme=np.where(normal, np.nan, extreme),
    )
    return Judgement(after, phase, onset, extreme)
