"""Limit alarms with delay and hysteresis, vectorised over patients and rules.

Runs are a device's, the alarm is the patient's. A run's onset is its first violating sample; the alarm starts at the
first violating sample `delay` or more after it. A missing reading pauses the run: a violating sample goes on with it
within the gap that the rule allows, later it begins anew. Samples inside the limits by the clear margin, for the clear
delay, end the run, and the alarm if no other device that counts has one. While a more severe alarm of the same side of
the signal is announced, or that of another signal tells the same (`clinical.rates`), or a pause suppresses the rule's
priority, an alarm that would start is suppressed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.comparators import NUMBER, broken_by
from clinical.compiled_limits import CompiledLimits
from clinical.gaps import ROUNDING
from clinical.integral import depth, excess_after, grown, is_due
from clinical.lifecycle import (
    BETWEEN,
    CLEAR,
    DELAYED,
    DUE,
    INSIDE,
    LATCH,
    LATCHED,
    MISSING,
    NORMAL,
    SUPPRESS,
    VIOLATED,
    advance,
    is_announced,
)
from clinical.masks import some
from clinical.rates import SameRate, suppressed_by_rate
from clinical.rules import SIGN_OFF_MS

INTERVALS_MISSED: Final = 2
"""What a device announces for longer is waited for twice as long."""

NEVER: Final = -1
"""No such moment (times are ms since the epoch, never negative)."""

LOW: Final = 0
MEDIUM: Final = 1
HIGH: Final = 2
"""Ranks of priorities."""

NONE_SUPPRESSED: Final = -1
"""Rank below every priority: no pause suppresses anything."""


@dataclass(slots=True)
class Alarms:
    """The limit alarms of n patients under all rules, arrays of shape (n, rules).

    `onset_ms` is that of the episode, from its start until its end; `over_ms` that of the last episode that is over:
    no two episodes have the same. `extreme` is the worst value since the first violating sample (NaN before one), or
    the mildest one of a bound where `comparator` (`clinical.comparators`) says that it is one.
    """

    state: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]
    over_ms: NDArray[np.int64]
    extreme: NDArray[np.float64]
    comparator: NDArray[np.uint8]


@dataclass(slots=True)
class Runs:
    """What one device of each of n patients measures under all rules, arrays of shape (n, rules).

    `onset_ms` is the run's first violating sample, `clear_ms` the first of the present stretch inside; `area` and
    `excess_ms` as in `clinical.integral`.
    """

    onset_ms: NDArray[np.int64]
    clear_ms: NDArray[np.int64]
    area: NDArray[np.float64]
    excess_ms: NDArray[np.float64]


@dataclass(slots=True)
class Samples:
    """One frame of one device of each of n patients. Readings and times of signals are of shape (n, signals).

    `values` are readings in the signals' units, NaN = attached without a valid reading; `judged` which of them are in
    the frame and not older than what was judged before. `now_ms` (n,) is the time of the frame, `interval_ms` (n,) the
    time until the device's next one is due. Of the device before this frame: `value` is the last valid reading,
    `newest_ms` the time of the newest sample, `gap_ms` how long ago the last valid reading came, if a missing one has
    come since, else 0.

    `comparator` are codes of `clinical.comparators`, of shape (n, signals): where it says a bound, the value is the
    mildest one that the bound allows, and `value` is NaN after one. None = all are numbers, as nearly always.
    """

    values: NDArray[np.float64]
    judged: NDArray[np.bool_]
    now_ms: NDArray[np.int64]
    interval_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    newest_ms: NDArray[np.int64]
    gap_ms: NDArray[np.int64]
    comparator: NDArray[np.uint8] | None = None


@dataclass(slots=True)
class Judgement:
    """What one round of frames did, arrays of shape (n, rules).

    `phase` is what to report; `onset_ms`, `extreme` and `comparator` belong to the episode that the phase reports, also
    where it has just ended and `alarms` has forgotten them.
    """

    alarms: Alarms
    runs: Runs
    phase: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]
    extreme: NDArray[np.float64]
    comparator: NDArray[np.uint8]


def suppressed_by_severity(limits: CompiledLimits, state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which alarms of shape (n, rules) a more severe one of the same side of the signal suppresses."""
    announced = is_announced(state)
    if not some(announced):
        return announced
    found: NDArray[np.bool_] = (announced.astype(np.float32) @ limits.outranks) > 0
    return found


def suppressed_by_another(
    limits: CompiledLimits, state: NDArray[np.uint8], same_rate: SameRate | None
) -> NDArray[np.bool_]:
    """Return which alarms of shape (n, rules) wait for another one: a more severe one, or the same heart's."""
    found = suppressed_by_severity(limits, state)
    return found if same_rate is None else found | suppressed_by_rate(limits, state, same_rate)


def violated(limits: CompiledLimits, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each value breaks each rule: (n, signals) to (n, rules); NaN and -inf (absent) never do."""
    by_rule = values[:, limits.signal]
    return ((by_rule < limits.low) & (by_rule > -np.inf)) | (by_rule > limits.high)


def worse(
    limits: CompiledLimits, known: NDArray[np.float64], extreme: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which alarms (n, rules) have become worse by a step than the value that somebody knows of.

    Args:
        limits: the rules.
        known: (n, rules) worst value when somebody took note of it, NaN where nobody did.
        extreme: (n, rules) worst value of the run by now.
    """
    with np.errstate(invalid="ignore"):  # no share of zero is a step
        least = np.fmin(limits.worse_step, limits.worse_share * np.abs(known))
    found: NDArray[np.bool_] = (extreme != known) & (np.abs(extreme - known) >= least - ROUNDING)
    return found


def step(
    limits: CompiledLimits,
    alarms: Alarms,
    runs: Runs,
    samples: Samples,
    suppressed_rank: NDArray[np.int64],
    others: NDArray[np.bool_] | None = None,
    same_rate: SameRate | None = None,
) -> Judgement:
    """Judge one frame of each of n patients.

    Args:
        limits: the rules, with one set of limits or one for each patient.
        alarms: the patients' alarms before the frame.
        runs: the runs of the frames' devices before it.
        samples: the frames.
        suppressed_rank: (n,), (n, 1) or (n, rules), rank of the highest priority that is suppressed, -1 = none is.
        others: (n, rules), whether another device that counts has a run; None where there is none.
        same_rate: returns (n,) whether heart rate and pulse agree (`clinical.rates`), if anybody knows.
    """
    found = _look(limits, runs, samples)
    event, over = _events(limits, alarms, found, others)
    ranks = suppressed_rank if suppressed_rank.ndim == 2 else suppressed_rank[:, None]
    following, phase = _advance(limits, alarms.state, event, found.sampled, ranks, same_rate)

    extreme, comparator = alarms.extreme, alarms.comparator
    if some(found.broken):
        worst = np.where(found.below, np.fmin(extreme, found.value), np.fmax(extreme, found.value))
        is_worse = found.broken & (worst != extreme)
        extreme = np.where(is_worse, worst, extreme)
        comparator = np.where(is_worse, found.comparator, comparator)
    normal = following == NORMAL
    rests = normal | over
    begins = (alarms.onset_ms == NEVER) & ~normal & (following != DELAYED)
    onset = np.where(begins, np.maximum(found.onset_ms, alarms.over_ms + 1), alarms.onset_ms)
    ended = normal & (alarms.onset_ms != NEVER)
    return Judgement(
        Alarms(
            state=following,
            onset_ms=np.where(normal, NEVER, onset),
            over_ms=np.where(ended, alarms.onset_ms, alarms.over_ms),
            extreme=np.where(normal, np.nan, extreme),
            comparator=np.where(normal, NUMBER, comparator).astype(np.uint8),
        ),
        Runs(
            onset_ms=np.where(rests, NEVER, found.onset_ms),
            clear_ms=np.where(normal, NEVER, found.clear_ms),
            area=np.where(rests, 0.0, found.area),
            excess_ms=found.excess_ms,
        ),
        phase,
        onset,
        extreme,
        comparator,
    )


@dataclass(slots=True)
class _Look:
    """What the samples are for each rule, and their devices' runs with them: arrays of shape (n, rules)."""

    value: NDArray[np.float64]
    sampled: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    below: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    due: NDArray[np.bool_]
    over: NDArray[np.bool_]
    onset_ms: NDArray[np.int64]
    clear_ms: NDArray[np.int64]
    area: NDArray[np.float64]
    excess_ms: NDArray[np.float64]
    comparator: NDArray[np.uint8] | np.uint8


def _look(limits: CompiledLimits, runs: Runs, samples: Samples) -> _Look:
    value, comparator = _said(limits, samples)
    sampled = samples.judged.take(limits.signal, axis=1)
    now = samples.now_ms[:, None]
    valid = sampled & ~np.isnan(value)
    below = value < limits.low
    broken = valid & (below | (value > limits.high))
    inside = valid & ~broken & (value >= limits.inside_low) & (value <= limits.inside_high)

    gap = samples.gap_ms.take(limits.signal, axis=1)
    expired = broken & (gap > _gaps_ms(limits, samples.interval_ms))
    onset = np.where(broken & ((runs.onset_ms == NEVER) | expired), now, runs.onset_ms)
    clear = np.where(inside & (runs.clear_ms == NEVER), now, runs.clear_ms)
    clear[valid & ~inside] = NEVER
    area, excess = _accumulated(limits, runs, samples, sampled, value)
    area = np.where(expired, 0.0, area)
    due = broken & is_due(limits, now - onset >= _delays_ms(limits, samples.interval_ms), area)
    over = inside & (now - clear >= limits.clear_delay_ms)
    return _Look(
        value, sampled, valid, below, broken, inside, due, over, onset, clear, area, excess, comparator
    )


def _said(
    limits: CompiledLimits, samples: Samples
) -> tuple[NDArray[np.float64], NDArray[np.uint8] | np.uint8]:
    """Return what each sample says of each rule, (n, rules), NaN = nothing, and with which comparator.

    A bound says something of the rules that it settles as broken: of the others the value is missing.
    """
    value = samples.values.take(limits.signal, axis=1)
    if samples.comparator is None:
        return value, np.uint8(NUMBER)
    comparator = samples.comparator.take(limits.signal, axis=1)
    says = (comparator == NUMBER) | broken_by(limits, samples.comparator, samples.values)
    return np.where(says, value, np.nan), comparator


def _events(
    limits: CompiledLimits, alarms: Alarms, found: _Look, others: NDArray[np.bool_] | None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return what each sample means for its alarm, and which runs are over, (n, rules) each."""
    event = np.full(found.value.shape, MISSING, dtype=np.uint8)
    event[found.valid] = BETWEEN
    event[found.broken] = VIOLATED
    # The condition of a latched alarm was told of: it has returned with the first sample.
    at_once = (found.excess_ms >= limits.excess_ms) | (alarms.state == LATCHED)
    event[found.due | (found.broken & at_once)] = DUE
    found.excess_ms[found.due] = 0.0  # who is told of by the delay needs no other reason
    event[found.inside] = INSIDE
    ends = found.over & ((found.excess_ms == 0) | (alarms.state == DELAYED))
    if others is not None:
        ends &= ~others
    event[ends] = CLEAR
    event[ends & limits.latch] = LATCH
    return event, found.over


def _accumulated(
    limits: CompiledLimits,
    runs: Runs,
    samples: Samples,
    sampled: NDArray[np.bool_],
    value: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return area and excess, (n, rules) each, at the present sample; arrays of their own.

    The time between two bounds counts with the depth that the later one settles, for of the earlier nothing is kept.
    """
    by_area, by_excess = some(np.isfinite(limits.integral)), some(np.isfinite(limits.excess_ms))
    if not (by_area or by_excess):
        return runs.area, runs.excess_ms.copy()
    before = samples.value.take(limits.signal, axis=1)
    if samples.comparator is not None:
        is_bound = samples.comparator.take(limits.signal, axis=1) != NUMBER
        before = np.where(np.isnan(before) & is_bound, value, before)
    outside = depth(limits.low, limits.high, before)
    newest = samples.newest_ms.take(limits.signal, axis=1)
    elapsed = np.where(newest == NEVER, 0, samples.now_ms[:, None] - newest)
    running = runs.onset_ms != NEVER
    area = np.where(sampled, grown(runs.area, outside, elapsed, running), runs.area)
    if not by_excess:
        return area, runs.excess_ms.copy()
    excess = excess_after(limits, runs.excess_ms, elapsed, running & (outside > 0))
    return area, np.where(sampled, excess, runs.excess_ms)


def _gaps_ms(limits: CompiledLimits, interval_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far apart two valid readings of one run may be, (n, rules): the rule's gap, or two intervals."""
    return np.maximum(limits.gap_ms, INTERVALS_MISSED * interval_ms[:, None])


def _delays_ms(limits: CompiledLimits, interval_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how long each violation must last, (rules,) or (n, rules).

    A delay is there to see whether the next samples agree. Where none will come within it, one sample has to do.
    """
    interval = interval_ms[:, None]
    unseen = (limits.delay_ms < interval) & (interval < SIGN_OFF_MS)
    return np.where(unseen, 0, limits.delay_ms) if some(unseen) else limits.delay_ms


def _advance(
    limits: CompiledLimits,
    states: NDArray[np.uint8],
    event: NDArray[np.uint8],
    sampled: NDArray[np.bool_],
    suppressed_rank: NDArray[np.int64],
    same_rate: SameRate | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Advance the alarms that were sampled, those that suppress others first."""
    due = event == DUE
    event[due & (limits.rank <= suppressed_rank)] = SUPPRESS
    following, phase = _sampled(states, event, sampled)
    if not some(due & (phase != 0)):  # what stands goes on standing
        return following, phase
    for turn in limits.turns:
        starting = (event == DUE) & (phase != 0) & turn
        if some(starting) and some(
            suppressed := starting & suppressed_by_another(limits, following, same_rate)
        ):
            event[suppressed] = SUPPRESS
            following, phase = _sampled(states, event, sampled)
    return following, phase


def _sampled(
    states: NDArray[np.uint8], event: NDArray[np.uint8], sampled: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Advance the alarms that were sampled; the others stay as they are, and nothing is told of them."""
    following, phase = advance(states, event)
    return np.where(sampled, following, states), phase * sampled
