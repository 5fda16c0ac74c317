"""Whether time alone does anything to a patient's open alarms, for one patient at a tick.

`agents.judging.tick_judge`: what is over, has grown worse, waits no more, was not answered, or is due to be told again.
A patient may be asked about for nothing, but never passed over.
"""

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_columns import Alarms, Frame, Heard, Limits, Patients, Readings, Rules
from clinical.kernels.judge_literals import (
    ACKNOWLEDGED,
    ACTIVE,
    DELAYED,
    INTERVALS_MISSED,
    LATCHED,
    NONE_SUPPRESSED,
    SUPPRESSED,
)
from clinical.kernels.judge_suppression import (
    is_outranked,
    is_told_by_another,
    latest_device,
    same_rate,
    suppressed_rank_of,
)
from clinical.kernels.screen_columns import Episodes, TickRules


@inlined
def has_open(alarms: Alarms, row: int) -> bool:
    """Return whether any alarm of a patient is beyond its delay."""
    found = False  # without a way out, eight and more are compared at once
    for column in range(alarms.state.shape[1]):
        found = found | (alarms.state[row, column] > DELAYED)
    return found


@loop
def is_unanswered(episodes: Episodes, asks: TickRules, row: int, column: int, now_ms: int) -> bool:
    """Return whether who is asked to answer for an alarm has had the time for it."""
    step = min(int(episodes.step[row, column]), asks.after_ms.shape[0] - 1)
    if step == 0 or episodes.answer[row, column] != asks.requested or episodes.paused[row, column] != 0:
        return False
    return bool(now_ms - episodes.asked_ms[row, column] >= asks.after_ms[step])


@loop
def is_untold(episodes: Episodes, asks: TickRules, row: int, column: int, state: int, now_ms: int) -> bool:
    """Return whether an open alarm was last told so long ago that it is told again."""
    silent_ms = now_ms - episodes.told_ms[row, column]
    if state == ACKNOWLEDGED:
        return bool(episodes.priority[row, column] == asks.high and silent_ms >= asks.known_ms)
    return state in (ACTIVE, LATCHED) and silent_ms >= asks.continue_ms


@loop
def is_unmeasured(
    heard: Heard, readings: Readings, patients: Patients, asks: TickRules, row: int, signal: int, now_ms: int
) -> bool:
    """Return whether nothing is known any more of a condition on a signal."""
    device = latest_device(heard, readings, patients, row, signal)
    missed_ms = INTERVALS_MISSED * np.int64(heard.interval_ms[device])
    longest_ms = max(asks.detached_ms, asks.age_ms[signal], missed_ms)
    return bool(now_ms - readings.value_ms[device, signal] >= longest_ms)


@loop
def is_free(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    limits: Limits,
    rules: Rules,
    states: np.ndarray,
    row: int,
    column: int,
    now_ms: int,
) -> bool:
    """Return whether nothing suppresses a limit alarm that is known here: no pause, no other alarm; `states` (k,)."""
    paused = NONE_SUPPRESSED if limits.never_suppressed[column] else suppressed_rank_of(patients, rules, row)
    if limits.rank[column] <= paused or is_outranked(limits, states, column):
        return False
    if not is_told_by_another(limits, states, column):
        return True
    return not same_rate(heard, readings, patients, rules, Frame(0, row, now_ms, now_ms, 0, False))


@loop
def time_tells(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    alarms: Alarms,
    episodes: Episodes,
    limits: Limits,
    rules: Rules,
    asks: TickRules,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether anything may happen to one of a patient's open alarms."""
    states = alarms.state[row]
    for column in range(states.shape[0]):
        state = states[column]
        is_limit = column < limits.signal.shape[0]
        if is_unanswered(episodes, asks, row, column, now_ms):
            return True
        if is_untold(episodes, asks, row, column, state, now_ms) and not (
            is_limit and is_outranked(limits, states, column)
        ):
            return True
        if column == asks.glass and state > DELAYED and now_ms - alarms.over_ms[row, column] >= asks.glass_ms:
            return True
        if not is_limit:
            continue
        known = episodes.known[row, column]
        if known == known and alarms.extreme[row, column] != known:  # NaN where nobody knows of anything
            return True
        if state in (ACKNOWLEDGED, SUPPRESSED) and is_unmeasured(
            heard, readings, patients, asks, row, limits.signal[column], now_ms
        ):
            return True
        if state in (SUPPRESSED, LATCHED) and is_free(
            heard, readings, patients, limits, rules, states, row, column, now_ms
        ):
            return True
    return False
