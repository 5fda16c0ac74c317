"""The judge of frames, compiled: one frame after the other in log order, so that how blocks are cut plays no part.

A frame in order, inside all limits, of a patient whose limit alarms are at rest leaves only its readings behind; any
other is judged under each rule. Both end in the state that `agents.judging.frame_judge` comes to.
"""

from typing import Any

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_alarms import count_change, judge_rules, keep_alarm, keep_run
from clinical.kernels.judge_columns import (
    Alarms,
    Buckets,
    Columns,
    Found,
    Frame,
    Heard,
    Limits,
    Log,
    Look,
    Missed,
    Numbers,
    Patients,
    Readings,
    Rules,
    Runs,
    Sample,
    example,
    plain,
)
from clinical.kernels.judge_identity import clock_of, remember
from clinical.kernels.judge_literals import (
    ACTIVE,
    BEYOND_WINDOWS,
    DELAYED,
    DUPLICATE,
    FLICKER_SLOT_MS,
    HISTORIC,
    HISTORIC_FRAMES,
    JUDGED,
    LATE,
    NORMAL,
    READINGS,
    REPEAT,
    SUSPECT,
    SUSPECT_FRAMES,
)
from clinical.kernels.judge_readings import (
    count_missing,
    enter,
    follow_clock,
    hear,
    open_bucket,
    take_plain,
    take_samples,
)


@inlined
def is_left(alarms: Alarms, rules: Rules, row: int) -> bool:
    """Return whether a patient's frames are not judged here: a device babbles, or a sensor is in doubt."""
    if rules.check_sensor >= 0 and alarms.state[row, rules.check_sensor] == ACTIVE:
        return True
    return bool(alarms.state[row, rules.babbling] > DELAYED)


@inlined
def judge_time(
    numbers: Numbers, rules: Rules, log: Log, i: int, comes_next: bool, counts: np.ndarray
) -> tuple[Frame, int]:
    """Return a frame with its time, and how that was judged; remember both of its times."""
    at, event_ms, append_ms = log.device[i], log.event_ms[i], log.append_ms[i]
    clock = clock_of(numbers, rules, at, event_ms, append_ms, comes_next)
    numbers.event_ms[at], numbers.append_ms[at], numbers.clock[at] = event_ms, append_ms, clock
    if clock == SUSPECT:
        counts[SUSPECT_FRAMES] += 1
    now_ms = append_ms if clock == SUSPECT else event_ms
    arrival_ms = event_ms if rules.recorded else append_ms
    return Frame(at, log.row[i], now_ms, arrival_ms, log.interval_ms[i], comes_next), clock


@inlined
def enter_readings(
    buckets: Buckets, rules: Rules, log: Log, frame: Frame, i: int, counts: np.ndarray
) -> bool:
    """Enter what a working sensor can report; return whether that is all, and inside the narrowest limits."""
    plain = True
    place = open_bucket(buckets, frame.row, frame.now_ms)
    if place < 0:
        counts[BEYOND_WINDOWS] += 1
    for k in range(log.carried.shape[0]):
        value, signal = log.values[i, k], log.carried[k]
        if rules.plausible_low[signal] <= value <= rules.plausible_high[signal]:
            counts[READINGS] += 1
            if value < rules.strictest_low[signal] or value > rules.strictest_high[signal]:
                plain = False
            if place >= 0 and signal < buckets.entered.shape[2]:
                enter(buckets, place, frame.row, signal, value)
        elif value != -np.inf:
            plain = False
    return plain


@inlined
def is_in_order(readings: Readings, log: Log, i: int, at: int, now_ms: int) -> bool:
    """Return whether no reading of a frame is older than what was judged before."""
    for k in range(log.carried.shape[0]):
        if log.values[i, k] != -np.inf and now_ms < readings.newest_ms[at, log.carried[k]]:
            return False
    return True


@inlined
def is_at_rest(columns: Columns, limits: Limits, frame: Frame) -> bool:
    """Return whether nothing about the patient or the device asks for more than the last readings."""
    at, missed = frame.at, columns.missed
    minute_ms = FLICKER_SLOT_MS * (missed.came.shape[1] - 1)
    if columns.patients.own_limits[frame.row] or columns.runs.has_excess[at]:
        return False
    if frame.now_ms < columns.heard.now_ms[at] or missed.missing_ms[at] >= frame.arrival_ms - minute_ms:
        return False
    states = 0  # of all alarms, bit by bit: at rest is nought
    for rule in range(limits.signal.shape[0]):
        states |= columns.alarms.state[frame.row, rule]
    return states == NORMAL


@inlined
def believe(sample: Sample, rules: Rules, log: Log, i: int) -> None:
    """Spread a frame's readings over all signals; what no working sensor reports is none."""
    for signal in range(sample.value.shape[0]):
        sample.value[signal] = -np.inf
    for k in range(log.carried.shape[0]):
        value, signal = log.values[i, k], log.carried[k]
        is_valid = rules.plausible_low[signal] <= value <= rules.plausible_high[signal]
        sample.value[signal] = value if is_valid or value == -np.inf else np.nan


@inlined
def judge_alarms(
    columns: Columns,
    limits: Limits,
    rules: Rules,
    log: Log,
    sample: Sample,
    look: Look,
    found: Found,
    frame: Frame,
    i: int,
) -> bool:
    """Judge a frame under each rule; return whether all that it means can happen."""
    _, heard, readings, missed, runs, patients, alarms, _ = columns
    believe(sample, rules, log, i)
    follow_clock(heard, readings, runs, frame)
    count_missing(missed, readings, sample, rules.periodic, frame.at, frame.arrival_ms)
    take_samples(readings, sample, frame)
    rule = judge_rules(heard, readings, runs, patients, alarms, limits, rules, sample, look, frame)
    if rule >= 0:
        found.ends[2], found.ends[3] = i, rule
        return False
    has_excess = False
    for rule in range(limits.signal.shape[0]):
        before, after = alarms.state[frame.row, rule], look.state[rule]
        if before != after:
            count_change(heard, readings, patients, limits, rules, look, frame, rule, before, found.counts)
        keep_alarm(alarms, limits, look, sample, found, frame, i, rule)
        keep_run(runs, patients, look, frame, rule, after == NORMAL and before != NORMAL)
        has_excess = has_excess or look.excess_ms[rule] > 0
    runs.has_excess[frame.at] = has_excess
    return True


@inlined
def judge_each(
    columns: Columns, limits: Limits, rules: Rules, log: Log, sample: Sample, look: Look, found: Found
) -> None:
    """Judge frames that are not part of the state yet; an event that cannot happen ends it.

    Those of patients of whom a device babbles, or a sensor is in doubt, are left.
    """
    numbers, heard, readings, _, _, patients, alarms, buckets = columns
    counts = found.counts
    for i in range(log.row.shape[0]):
        row = log.row[i]
        if is_left(alarms, rules, row):
            found.left[found.ends[1]] = i
            found.ends[1] += 1
            continue
        what = remember(numbers, log, rules.factors, i, rules.recorded)
        if what == REPEAT:
            counts[DUPLICATE] += 1
            continue
        frame, clock = judge_time(numbers, rules, log, i, what != LATE, counts)
        plain = enter_readings(buckets, rules, log, frame, i, counts)
        patients.dirty[row] = True
        if patients.came[row] < 2:
            patients.came[row] += 1
        hear(heard, frame.at, frame.arrival_ms, log.offset[i], frame.interval_ms)
        if clock == HISTORIC:
            counts[HISTORIC_FRAMES] += 1
            continue
        counts[JUDGED] += 1
        if (
            plain
            and is_at_rest(columns, limits, frame)
            and is_in_order(readings, log, i, frame.at, frame.now_ms)
        ):
            take_plain(readings, log, i, frame.at, frame.now_ms, frame.arrival_ms)
            if frame.comes_next:
                heard.now_ms[frame.at], heard.came_ms[frame.at] = frame.now_ms, frame.arrival_ms
        elif not judge_alarms(columns, limits, rules, log, sample, look, found, frame, i):
            return


@loop
def judge_frames(
    columns: tuple[Any, ...],
    limits: tuple[Any, ...],
    rules: tuple[Any, ...],
    log: tuple[Any, ...],
    sample: tuple[Any, ...],
    look: tuple[Any, ...],
    found: tuple[Any, ...],
) -> None:
    """Judge frames (`judge_each`); families are `plain` tuples here, which a call takes in a third of the time."""
    judge_each(
        Columns(
            Numbers(*columns[0]),
            Heard(*columns[1]),
            Readings(*columns[2]),
            Missed(*columns[3]),
            Runs(*columns[4]),
            Patients(*columns[5]),
            Alarms(*columns[6]),
            Buckets(*columns[7]),
        ),
        Limits(*limits),
        Rules(*rules),
        Log(*log),
        Sample(*sample),
        Look(*look),
        Found(*found),
    )


def compile_ahead() -> None:
    """Compile the judge for the types that it is called with."""
    judge_frames(*(plain(example(family)) for family in (Columns, Limits, Rules, Log, Sample, Look, Found)))
