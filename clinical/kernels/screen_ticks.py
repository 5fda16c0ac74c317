"""Whom a tick concerns: of most patients it changes nothing, and which those are is seen here, one after the other.

Each look asks what its step of `agents.judging.tick_judge` asks first. Who is not asked about is as before the tick;
who is may be so too: the step decides.
"""

from typing import Any

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_columns import (
    Alarms,
    Buckets,
    Heard,
    Limits,
    Missed,
    Numbers,
    Patients,
    Readings,
    Rules,
    example,
    plain,
)
from clinical.kernels.judge_literals import (
    BUCKET_MS,
    FLICKER_SLOT_MS,
    INTERVALS_MISSED,
    LIVE,
    NEVER,
    NORMAL,
)
from clinical.kernels.judge_suppression import latest_device
from clinical.kernels.screen_alarms import has_open, time_tells
from clinical.kernels.screen_bits import (
    AGE,
    ASKED,
    BABBLING,
    BUCKET,
    DEVICES,
    GONE,
    HEARD,
    KNOWN,
    LOSSES,
    NOTED,
    OPEN,
    PAUSE,
    SCORE,
    SENSORS,
    SILENCE,
    VITAL_LOSS,
    WIDENING,
)
from clinical.kernels.screen_columns import (
    Chart,
    Episodes,
    Laws,
    Moment,
    Screen,
    Sheets,
    Stays,
    TickColumns,
    TickRules,
)
from clinical.kernels.screen_scores import is_scored


@inlined
def stirs(alarms: Alarms, row: int, column: int) -> bool:
    """Return whether an alarm has begun, or risen."""
    return bool(alarms.state[row, column] != NORMAL or alarms.onset_ms[row, column] != NEVER)


@inlined
def any_stirs(alarms: Alarms, row: int, columns: np.ndarray) -> bool:
    """Return whether any of some alarms has; `columns` (k,)."""
    for k in range(columns.shape[0]):
        if stirs(alarms, row, columns[k]):
            return True
    return False


@inlined
def pause_is_over(patients: Patients, stays: Stays, asks: TickRules, row: int, now_ms: int) -> bool:
    """Return whether a patient's pause has lasted its time (`agents.judging.pauses`)."""
    if patients.pause[row] == 0:
        return False
    until_ms = stays.pause_until_ms[row]
    if until_ms == NEVER:
        until_ms = stays.pause_ms[row] + asks.off_ms
    return bool(until_ms <= now_ms)


@inlined
def may_be_silent(
    heard: Heard,
    patients: Patients,
    alarms: Alarms,
    stays: Stays,
    rules: Rules,
    asks: TickRules,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether any device of a patient is silent, or that is told or held back."""
    slots = patients.slots
    if alarms.state[row, asks.silent] != NORMAL or stays.silence_held_ms[row] != NEVER:
        return True
    for k in range(slots.shape[1]):
        device = slots[row, k]
        if device == 0:
            break
        heard_ms = heard.heard_ms[device]
        patience_ms = max(rules.silence_ms, INTERVALS_MISSED * np.int64(heard.interval_ms[device]))
        is_quiet = now_ms - heard_ms >= patience_ms or heard_ms <= alarms.onset_ms[row, asks.silent]
        if heard_ms != NEVER and is_quiet:
            return True
    return False


@inlined
def may_disagree(readings: Readings, patients: Patients, alarms: Alarms, rules: Rules, row: int) -> bool:
    """Return whether a patient's rates may contradict each other, or that is told."""
    if rules.check_sensor < 0:
        return False
    if stirs(alarms, row, rules.check_sensor) or patients.slots[row, 1] != 0:
        return True
    value, device = readings.value, patients.slots[row, 0]
    hr, pulse = value[device, rules.hr], value[device, rules.pulse]
    return bool(abs(hr - pulse) > rules.rate_share * max(hr, pulse))


@loop
def may_be_lost(
    heard: Heard,
    readings: Readings,
    missed: Missed,
    patients: Patients,
    alarms: Alarms,
    rules: Rules,
    asks: TickRules,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether any device of a patient has lost a signal, or misses readings, or that is told."""
    slots = patients.slots
    signals = rules.periodic.shape[0]
    for column in range(asks.losses, asks.flickers + signals):
        if alarms.state[row, column] != NORMAL or alarms.onset_ms[row, column] != NEVER:
            return True
    minute_ms = FLICKER_SLOT_MS * (missed.came.shape[1] - 1)
    for k in range(slots.shape[1]):
        device = slots[row, k]
        if device == 0:
            break
        missing_ms = missed.missing_ms[device]
        if missing_ms != NEVER and now_ms - missing_ms <= minute_ms:
            return True
        patience_ms = max(rules.loss_ms, INTERVALS_MISSED * np.int64(heard.interval_ms[device]))
        for i in range(signals):
            value_ms = readings.value_ms[device, rules.periodic[i]]
            is_old = value_ms != NEVER and now_ms - value_ms >= patience_ms
            if is_old or readings.lost_ms[device, rules.periodic[i]] != NEVER:
                return True
    return False


@loop
def may_be_faulty(
    numbers: Numbers, patients: Patients, alarms: Alarms, stays: Stays, asks: TickRules, row: int
) -> bool:
    """Return whether a device's clock, its numbers or how many there are is not as it should be, or that is told."""
    slots = patients.slots
    if stays.pushed_out_ms[row] != NEVER or any_stirs(alarms, row, asks.devices):
        return True
    for k in range(slots.shape[1]):
        device = slots[row, k]
        if device == 0:
            break
        if numbers.clock[device] != LIVE or numbers.conflict_before_ms[device] != NEVER:
            return True
    return False


@loop
def may_babble(
    alarms: Alarms, buckets: Buckets, rules: Rules, asks: TickRules, row: int, now_ms: int
) -> bool:
    """Return whether a bucket has so many readings of one signal that a device may babble, or that is told."""
    if stirs(alarms, row, rules.babbling):
        return True
    number = now_ms // BUCKET_MS - 1
    place = number % buckets.bucket.shape[0]
    if buckets.bucket[place, row] != number:
        return False
    for signal in range(buckets.entered.shape[2]):
        if buckets.entered[place, row, signal] >= asks.babble_min:
            return True
    return False


@loop
def may_have_no_pulse(
    heard: Heard, readings: Readings, patients: Patients, alarms: Alarms, asks: TickRules, row: int
) -> bool:
    """Return whether a patient's pulse is lost, or the loss of signs of life is told (`clinical.vital_loss`)."""
    if asks.vital_loss_ms == 0:
        return False
    if stirs(alarms, row, asks.vital_loss):
        return True
    device = latest_device(heard, readings, patients, row, asks.pulse)
    value_ms, lost_ms = readings.value_ms[device, asks.pulse], readings.lost_ms[device, asks.pulse]
    live_ms = NEVER if heard.heard_ms[device] == NEVER else heard.came_ms[device]
    patience_ms = max(asks.vital_loss_ms, INTERVALS_MISSED * np.int64(heard.interval_ms[device]))
    return bool(value_ms != NEVER and live_ms - (value_ms if lost_ms == NEVER else lost_ms) >= patience_ms)


@loop
def asks_age(alarms: Alarms, stays: Stays, asks: TickRules, row: int, now_ms: int) -> bool:
    """Return whether it is a patient's turn to be asked about, whose age nobody said, or that is told."""
    if not asks.asks_age:
        return False
    is_turn = stays.turn[row] == now_ms // asks.slow_ms % asks.turns
    return bool((is_turn and not stays.age_known[row]) or stirs(alarms, row, asks.age_unknown))


@inlined
def screen_slowly(columns: TickColumns, laws: Laws, row: int, bits: int, now_ms: int) -> int:
    """Return the bits of what is looked at when a slow stretch is over; `bits` are those found so far."""
    numbers, heard, readings, missed, patients, alarms, buckets, stays, _ = columns
    _, rules, asks, sheets, chart = laws
    found = 0
    if asks.technical:
        if bits & HEARD:
            found |= KNOWN
            if may_be_lost(heard, readings, missed, patients, alarms, rules, asks, row, now_ms):
                found |= LOSSES
        if may_be_faulty(numbers, patients, alarms, stays, asks, row):
            found |= DEVICES
        if bits & BUCKET and may_babble(alarms, buckets, rules, asks, row, now_ms):
            found |= BABBLING
    if may_have_no_pulse(heard, readings, patients, alarms, asks, row):
        found |= VITAL_LOSS
    if asks_age(alarms, stays, asks, row, now_ms):
        found |= AGE
    for number in range(sheets.column.shape[0]):
        if is_scored(heard, readings, patients, alarms, stays, sheets, chart, asks, number, row, now_ms):
            found |= SCORE << number
    if patients.own_limits[row] or alarms.state[row, asks.widened] != NORMAL:
        found |= WIDENING
    return found


@inlined
def screen_one(columns: TickColumns, laws: Laws, row: int, now_ms: int) -> int:
    """Return the bits of one patient, whose tick before the columns still have."""
    _, heard, readings, _, patients, alarms, _, stays, episodes = columns
    limits, rules, asks, _, _ = laws
    bits = 0
    if pause_is_over(patients, stays, asks, row, now_ms):
        bits |= PAUSE
    if any_stirs(alarms, row, asks.noted):
        bits |= NOTED
    if not stays.discharged[row]:
        if patients.came[row] != 1 or stays.since_ms[row] > NEVER:
            bits |= HEARD
        if asks.technical:
            if bits & HEARD and may_be_silent(heard, patients, alarms, stays, rules, asks, row, now_ms):
                bits |= SILENCE
            if may_disagree(readings, patients, alarms, rules, row):
                bits |= SENSORS
        before_ms = stays.ticked_ms[row]
        if before_ms // asks.slow_ms < now_ms // asks.slow_ms:
            if before_ms // BUCKET_MS < now_ms // BUCKET_MS:
                bits |= BUCKET
            bits |= screen_slowly(columns, laws, row, bits, now_ms)
    if now_ms - heard.heard_ms[patients.slots[row, 0]] >= asks.ttl_ms:
        bits |= GONE
    # What a step does to an alarm may be the next one's matter.
    if bits & ASKED:
        bits |= OPEN
    elif has_open(alarms, row) and time_tells(
        heard, readings, patients, alarms, episodes, limits, rules, asks, row, now_ms
    ):
        bits |= OPEN
    return bits


@inlined
def screen_all(columns: TickColumns, laws: Laws, moment: Moment, screen: Screen) -> None:
    """Screen all patients of a partition who have not had the tick yet, and note that they have it now."""
    stays, found, any_bits, every_bits = columns.stays, 0, 0, -1
    for i in range(screen.rows.shape[0]):
        row = screen.rows[i]
        if stays.ticked_ms[row] >= moment.now_ms or stays.position[row] >= moment.offset:
            continue
        bits = screen_one(columns, laws, row, moment.now_ms)
        stays.ticked_ms[row] = moment.now_ms
        screen.rows[found], screen.bits[found] = row, bits
        any_bits |= bits
        every_bits &= bits
        found += 1
    screen.ends[0], screen.ends[1], screen.ends[2] = found, any_bits, every_bits


@loop
def screen_ticks(
    columns: tuple[Any, ...],
    laws: tuple[Any, ...],
    moment: tuple[Any, ...],
    screen: tuple[Any, ...],
) -> None:
    """Screen a partition's patients (`screen_all`); families are `plain` tuples here, as for the judge of frames."""
    screen_all(
        TickColumns(
            Numbers(*columns[0]),
            Heard(*columns[1]),
            Readings(*columns[2]),
            Missed(*columns[3]),
            Patients(*columns[4]),
            Alarms(*columns[5]),
            Buckets(*columns[6]),
            Stays(*columns[7]),
            Episodes(*columns[8]),
        ),
        Laws(Limits(*laws[0]), Rules(*laws[1]), TickRules(*laws[2]), Sheets(*laws[3]), Chart(*laws[4])),
        Moment(*moment),
        Screen(*screen),
    )


def compile_ahead() -> None:
    """Compile the screening for the types that it is called with."""
    screen_ticks(*(plain(example(family)) for family in (TickColumns, Laws, Moment, Screen)))
