"""One frame under each limit rule: what it means for the alarm, and which state that leads to.

`clinical.limits` and `clinical.integral`, for one frame.
"""

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_columns import Alarms, Frame, Limits, Look, Patients, Rules, Runs, Sample
from clinical.kernels.judge_literals import (
    BETWEEN,
    CLEAR,
    DELAYED,
    DUE,
    ILLEGAL,
    INSIDE,
    INTERVALS_MISSED,
    LATCH,
    LATCHED,
    MISSING,
    NEVER,
    SIGN_OFF_MS,
    SUPPRESS,
    VIOLATED,
)


@loop
def low_of(limits: Limits, patients: Patients, alarms: Alarms, row: int, rule: int) -> float:
    """Return the lower limit of a patient with limits of their own (`agents.judging.effective_limits`)."""
    band = patients.age_band[row]
    own = alarms.low[row, rule]
    if not np.isnan(own):
        return float(max(own, limits.bound_low[band, rule]))
    unit = limits.band_low[band, rule]
    return float(min(unit, limits.scale2_low[rule]) if patients.scale2[row] else unit)


@loop
def high_of(limits: Limits, patients: Patients, alarms: Alarms, row: int, rule: int) -> float:
    """Return the upper limit of a patient with limits of their own."""
    band = patients.age_band[row]
    own = alarms.high[row, rule]
    return float(limits.band_high[band, rule] if np.isnan(own) else min(own, limits.bound_high[band, rule]))


@inlined
def accumulate(
    limits: Limits, sample: Sample, look: Look, rule: int, low: float, high: float, now_ms: int
) -> None:
    """Bring area and excess of a run to the present sample (`clinical.integral`)."""
    if not (look.sampled[rule] and (limits.by_area or limits.by_excess)):
        return
    signal = limits.signal[rule]
    before, newest_ms = sample.before[signal], sample.newest_ms[signal]
    outside = max(max(low - before, before - high), 0.0) if np.isfinite(before) else 0.0
    elapsed_ms = 0 if newest_ms == NEVER else now_ms - newest_ms
    running = look.onset_ms[rule] != NEVER
    look.area[rule] = look.area[rule] + outside * elapsed_ms if running else 0.0
    if not limits.by_excess:
        return
    if running and outside > 0:
        after = look.excess_ms[rule] + min(elapsed_ms, limits.gap_ms[rule])
    else:
        after = look.excess_ms[rule] - elapsed_ms
    most = 0.0 if np.isinf(limits.excess_ms[rule]) else limits.excess_ms[rule]
    look.excess_ms[rule] = min(max(after, 0.0), most)


@loop
def is_due(limits: Limits, rule: int, late: bool, area: float) -> bool:
    """Return whether a violating sample is an alarm (`clinical.integral`)."""
    if np.isinf(limits.integral[rule]):
        return late
    return area >= limits.integral[rule] or (late and limits.delay_ms[rule] > 0)


@inlined
def break_rule(limits: Limits, sample: Sample, look: Look, rule: int, frame: Frame, state: int) -> int:
    """Return what a violating sample means: the run goes on, or begins anew after a gap that is too long."""
    gap_ms = max(limits.gap_ms[rule], INTERVALS_MISSED * frame.interval_ms)
    expired = sample.gap_ms[limits.signal[rule]] > gap_ms
    if expired or look.onset_ms[rule] == NEVER:
        look.onset_ms[rule] = frame.now_ms
    if expired:
        look.area[rule] = 0.0
    delay_ms = limits.delay_ms[rule]
    if delay_ms < frame.interval_ms < SIGN_OFF_MS:  # none will come within it: one sample has to do
        delay_ms = 0
    at_once = look.excess_ms[rule] >= limits.excess_ms[rule] or state == LATCHED
    if is_due(limits, rule, frame.now_ms - look.onset_ms[rule] >= delay_ms, look.area[rule]):
        look.excess_ms[rule] = 0.0  # who is told of by the delay needs no other reason
        return DUE
    return DUE if at_once else VIOLATED


@inlined
def keep_rule(limits: Limits, look: Look, rule: int, now_ms: int, state: int, others: bool) -> int:
    """Return what a sample inside by the clear margin means."""
    if look.clear_ms[rule] == NEVER:
        look.clear_ms[rule] = now_ms
    look.over[rule] = now_ms - look.clear_ms[rule] >= limits.clear_delay_ms[rule]
    if not look.over[rule] or others or not (look.excess_ms[rule] == 0 or state == DELAYED):
        return INSIDE
    return LATCH if limits.latch[rule] else CLEAR


@inlined
def look_at(
    limits: Limits,
    patients: Patients,
    alarms: Alarms,
    runs: Runs,
    sample: Sample,
    look: Look,
    frame: Frame,
    rule: int,
) -> bool:
    """Begin to look at one rule: its run and state before the frame; return whether the sample is inside."""
    row, at, signal = frame.row, frame.at, limits.signal[rule]
    look.state[rule], look.phase[rule] = alarms.state[row, rule], 0
    look.event[rule], look.sampled[rule] = MISSING, sample.judged[signal]
    look.below[rule] = look.broken[rule] = look.over[rule] = False
    look.onset_ms[rule], look.clear_ms[rule] = runs.onset_ms[at, rule], runs.clear_ms[at, rule]
    look.area[rule], look.excess_ms[rule] = runs.area[at, rule], runs.excess_ms[at, rule]
    low, high = limits.low[rule], limits.high[rule]
    inside_low, inside_high = limits.inside_low[rule], limits.inside_high[rule]
    if patients.own_limits[row]:
        low, high = (
            low_of(limits, patients, alarms, row, rule),
            high_of(limits, patients, alarms, row, rule),
        )
        inside_low, inside_high = low + limits.margin[rule], high - limits.margin[rule]
    accumulate(limits, sample, look, rule, low, high, frame.now_ms)
    value = sample.value[signal]
    if not look.sampled[rule] or np.isnan(value):
        return False
    look.event[rule] = BETWEEN
    look.below[rule] = value < low
    look.broken[rule] = look.below[rule] or value > high
    if look.broken[rule]:
        state = look.state[rule]
        look.event[rule] = break_rule(limits, sample, look, rule, frame, state)
    inside = not look.broken[rule] and inside_low <= value <= inside_high
    if not inside:
        look.clear_ms[rule] = NEVER
    return inside


@loop
def advance(rules: Rules, alarms: Alarms, look: Look, row: int, rule: int) -> bool:
    """Advance one alarm by its event, if it was sampled; return whether that can happen."""
    if not look.sampled[rule]:
        return True
    state, event = alarms.state[row, rule], look.event[rule]
    look.state[rule], look.phase[rule] = rules.following[state, event], rules.phase[state, event]
    return bool(look.state[rule] != ILLEGAL)


@loop
def suppress_one(rules: Rules, alarms: Alarms, look: Look, row: int, rule: int) -> bool:
    """Suppress one alarm that would start; return whether that can happen."""
    look.event[rule] = SUPPRESS
    return advance(rules, alarms, look, row, rule)
