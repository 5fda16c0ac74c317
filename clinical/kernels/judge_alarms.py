"""One frame and the limit alarms of its patient, whatever has happened before: the slow path of the judge of frames."""

import numpy as np

from clinical.kernels.compiled import inlined
from clinical.kernels.judge_columns import (
    Alarms,
    Found,
    Frame,
    Heard,
    Limits,
    Look,
    Patients,
    Readings,
    Rules,
    Runs,
    Sample,
)
from clinical.kernels.judge_literals import (
    BY_PAUSE,
    BY_RATE,
    BY_SEVERITY,
    DELAYED,
    DUE,
    ENDED_IN_DELAY,
    ENDED_SUPPRESSED,
    NEVER,
    NONE_SUPPRESSED,
    NORMAL,
    START,
    SUPPRESSED,
)
from clinical.kernels.judge_rules import advance, keep_rule, look_at, suppress_one
from clinical.kernels.judge_suppression import (
    is_outranked,
    is_told_by_another,
    other_run,
    same_rate,
    suppressed_rank_of,
)


@inlined
def judge_rules(
    heard: Heard,
    readings: Readings,
    runs: Runs,
    patients: Patients,
    alarms: Alarms,
    limits: Limits,
    rules: Rules,
    sample: Sample,
    look: Look,
    frame: Frame,
) -> int:
    """Look at each rule and advance the alarms; return the rule whose event cannot happen, -1 if there is none."""
    row, has_started = frame.row, False
    paused = suppressed_rank_of(patients, rules, row)
    for rule in range(limits.signal.shape[0]):
        if look_at(limits, patients, alarms, runs, sample, look, frame, rule):
            signal = limits.signal[rule]
            others = other_run(heard, readings, runs, patients, rules, frame, rule, signal)
            state = look.state[rule]
            look.event[rule] = keep_rule(limits, look, rule, frame.now_ms, state, others)
        suppressed_rank = NONE_SUPPRESSED if limits.never_suppressed[rule] else paused
        if look.event[rule] == DUE and limits.rank[rule] <= suppressed_rank:
            possible = suppress_one(rules, alarms, look, row, rule)
        else:
            possible = advance(rules, alarms, look, row, rule)
        if not possible:
            return rule
        has_started = has_started or (look.event[rule] == DUE and look.phase[rule] != 0)
    if has_started:
        return suppress_started(heard, readings, patients, alarms, limits, rules, look, frame)
    return -1


@inlined
def suppress_started(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    alarms: Alarms,
    limits: Limits,
    rules: Rules,
    look: Look,
    frame: Frame,
) -> int:
    """Suppress alarms that start while another stands for them; return the rule of an event that cannot happen."""
    for turn in range(limits.turns):
        for rule in range(limits.signal.shape[0]):
            look.suppressed[rule] = False
            starts = look.event[rule] == DUE and look.phase[rule] != 0 and limits.turn[rule] == turn
            if starts:
                look.suppressed[rule] = is_outranked(limits, look.state, rule) or (
                    is_told_by_another(limits, look.state, rule)
                    and same_rate(heard, readings, patients, rules, frame)
                )
        for rule in range(limits.signal.shape[0]):
            if look.suppressed[rule] and not suppress_one(rules, alarms, look, frame.row, rule):
                return rule
    return -1


@inlined
def count_change(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    limits: Limits,
    rules: Rules,
    look: Look,
    frame: Frame,
    rule: int,
    before: int,
    counts: np.ndarray,
) -> None:
    """Count an alarm that was suppressed, or is over without an alarm (`agents.judging.verdict`)."""
    if look.state[rule] == SUPPRESSED:
        if limits.rank[rule] <= suppressed_rank_of(patients, rules, frame.row):
            counts[BY_PAUSE] += 1
        elif is_told_by_another(limits, look.state, rule) and same_rate(
            heard, readings, patients, rules, frame
        ):
            counts[BY_RATE] += 1
        else:
            counts[BY_SEVERITY] += 1
    elif look.state[rule] == NORMAL:
        if before == SUPPRESSED:
            counts[ENDED_SUPPRESSED] += 1
        elif before == DELAYED:
            counts[ENDED_IN_DELAY] += 1


@inlined
def tell(
    found: Found,
    limits: Limits,
    look: Look,
    sample: Sample,
    frame: Frame,
    place: int,
    rule: int,
    onset_ms: int,
    extreme: float,
    comparator: float,
) -> None:
    """Write down one transition."""
    times, sizes, end = found.times, found.sizes, found.ends[0]
    times[end, 0], times[end, 1] = place, rule
    times[end, 2], times[end, 3] = look.phase[rule], look.state[rule]
    times[end, 4], times[end, 5], times[end, 6] = onset_ms, frame.now_ms, frame.arrival_ms
    by_excess = look.phase[rule] == START and look.excess_ms[rule] >= limits.excess_ms[rule]
    times[end, 7], times[end, 8] = 1 if by_excess else 0, int(comparator)
    sizes[end, 0], sizes[end, 1] = sample.value[limits.signal[rule]], extreme
    found.ends[0] = end + 1


@inlined
def keep_alarm(
    alarms: Alarms,
    limits: Limits,
    look: Look,
    sample: Sample,
    found: Found,
    frame: Frame,
    place: int,
    rule: int,
) -> None:
    """Write one alarm back, and down what is told of it."""
    row, following = frame.row, look.state[rule]
    before_ms, extreme = alarms.onset_ms[row, rule], alarms.extreme[row, rule]
    onset_ms, comparator = before_ms, alarms.comparator[row, rule]
    if look.broken[rule]:
        value = sample.value[limits.signal[rule]]
        # What is outside is a number: only the worst so far may be none.
        if np.isnan(extreme) or (value < extreme if look.below[rule] else value > extreme):
            extreme, comparator = value, 0.0
    if before_ms == NEVER and following != NORMAL and following != DELAYED:
        onset_ms = max(look.onset_ms[rule], alarms.over_ms[row, rule] + 1)
    if look.phase[rule] != 0:
        tell(found, limits, look, sample, frame, place, rule, onset_ms, extreme, comparator)
    alarms.state[row, rule] = following
    if following == NORMAL:
        if before_ms != NEVER:
            alarms.over_ms[row, rule] = before_ms
        alarms.onset_ms[row, rule], alarms.extreme[row, rule] = NEVER, np.nan
        alarms.comparator[row, rule] = 0.0
    else:
        alarms.onset_ms[row, rule], alarms.extreme[row, rule] = onset_ms, extreme
        alarms.comparator[row, rule] = comparator


@inlined
def keep_run(runs: Runs, patients: Patients, look: Look, frame: Frame, rule: int, ends: bool) -> None:
    """Write the device's run under one rule back; an alarm that ends ends those of all devices."""
    at, normal = frame.at, look.state[rule] == NORMAL
    rests = normal or look.over[rule]
    runs.onset_ms[at, rule] = NEVER if rests else look.onset_ms[rule]
    runs.clear_ms[at, rule] = NEVER if normal else look.clear_ms[rule]
    runs.area[at, rule] = 0.0 if rests else look.area[rule]
    runs.excess_ms[at, rule] = look.excess_ms[rule]
    if not ends:
        return
    for k in range(patients.slots.shape[1]):
        device = patients.slots[frame.row, k]
        if device == 0:
            break
        runs.onset_ms[device, rule] = NEVER
        runs.clear_ms[device, rule] = NEVER
        runs.area[device, rule] = 0.0
