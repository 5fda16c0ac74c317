"""What an alarm that would start waits for: a pause, a more severe alarm, that of the same heart's other rate.

`clinical.limits.suppressed_by_another`, `clinical.rates` and `agents.judging.runs.other_runs`, for one patient.
"""

import numpy as np

from clinical.kernels.compiled import loop
from clinical.kernels.judge_columns import Frame, Heard, Limits, Patients, Readings, Rules, Runs
from clinical.kernels.judge_literals import (
    ACKNOWLEDGED,
    ACTIVE,
    INTERVALS_MISSED,
    MEDIUM,
    NEVER,
    NONE_SUPPRESSED,
)


@loop
def is_announced(state: int) -> bool:
    """Return whether an alarm's condition holds and was announced."""
    return state in (ACTIVE, ACKNOWLEDGED)


@loop
def suppressed_rank_of(patients: Patients, rules: Rules, row: int) -> int:
    """Return the rank up to which a pause suppresses new alarms of a patient."""
    return MEDIUM if rules.suppresses[patients.pause[row]] else NONE_SUPPRESSED


@loop
def other_run(
    heard: Heard,
    readings: Readings,
    runs: Runs,
    patients: Patients,
    rules: Rules,
    frame: Frame,
    rule: int,
    signal: int,
) -> bool:
    """Return whether another device of the patient that counts has a run under a rule."""
    for k in range(patients.slots.shape[1]):
        device = patients.slots[frame.row, k]
        if device == 0:
            break
        if device == frame.at or runs.onset_ms[device, rule] == NEVER:
            continue
        missed_ms = INTERVALS_MISSED * np.int64(heard.interval_ms[device])
        if frame.arrival_ms - heard.heard_ms[device] >= max(rules.silence_ms, missed_ms):
            continue
        if frame.arrival_ms - readings.value_ms[device, signal] < max(rules.loss_ms, missed_ms):
            return True
    return False


@loop
def latest_device(heard: Heard, readings: Readings, patients: Patients, row: int, signal: int) -> int:
    """Return which device took a patient's last valid reading of a signal (`tables.latest`)."""
    best = patients.slots[row, 0]
    for k in range(1, patients.slots.shape[1]):
        device = patients.slots[row, k]
        if device == 0:
            break
        came_ms, before_ms = readings.value_ms[device, signal], readings.value_ms[best, signal]
        is_later = came_ms == before_ms and heard.used[device] > heard.used[best]
        if came_ms >= 0 and (came_ms > before_ms or is_later):
            best = device
    return int(best)


@loop
def same_rate(heard: Heard, readings: Readings, patients: Patients, rules: Rules, frame: Frame) -> bool:
    """Return whether heart rate and pulse rate of a patient agree now."""
    first = latest_device(heard, readings, patients, frame.row, rules.hr)
    second = latest_device(heard, readings, patients, frame.row, rules.pulse)
    older_ms = min(readings.value_ms[first, rules.hr], readings.value_ms[second, rules.pulse])
    if older_ms < 0:
        return False
    if readings.lost_ms[first, rules.hr] != NEVER or readings.lost_ms[second, rules.pulse] != NEVER:
        return False
    interval_ms = max(np.int64(heard.interval_ms[first]), np.int64(heard.interval_ms[second]))
    if frame.arrival_ms - older_ms > max(rules.rate_age_ms, INTERVALS_MISSED * interval_ms):
        return False
    hr, pulse = readings.value[first, rules.hr], readings.value[second, rules.pulse]
    return bool(abs(hr - pulse) <= rules.rate_share * max(hr, pulse))


@loop
def is_outranked(limits: Limits, states: np.ndarray, rule: int) -> bool:
    """Return whether an announced alarm of the same side of the signal is more severe; `states` (rules,)."""
    for other in range(limits.signal.shape[0]):
        if limits.outranks[other, rule] > 0 and is_announced(states[other]):
            return True
    return False


@loop
def is_told_by_another(limits: Limits, states: np.ndarray, rule: int) -> bool:
    """Return whether an announced alarm tells of this one, if both rates agree; `states` (rules,)."""
    for other in range(limits.signal.shape[0]):
        if limits.telling[other] and limits.tells[other, rule] > 0 and is_announced(states[other]):
            return True
    return False
