"""What the judge of frames reads from the patient table and writes back: alarms of patients, runs of devices."""

import numpy as np
from numpy.typing import NDArray

from agents.judging.bounded import Said
from clinical.comparators import NUMBER
from clinical.limits import NEVER, Alarms, Runs, Samples
from clinical.losses import loss_ms_max, silence_ms_max
from clinical.masks import every
from clinical.rules import TechnicalRules
from clinical.vitals import ABSENT
from streams.decoding.decoded import Frames
from tables.device_rows import NOBODY, DeviceRows
from tables.patients import PatientTable

Rows = NDArray[np.int64]
Times = NDArray[np.int64]


def hear(
    devices: DeviceRows,
    at: Rows,
    frames: Frames,
    arrival_ms: Times,
    chosen: NDArray[np.bool_] | Rows | None,
) -> None:
    """Note which frames came of devices, `at` (n,) their rows; of one device the last of those chosen counts."""
    offset, interval_ms = frames.offset, frames.interval_ms
    if chosen is not None:
        at, arrival_ms, offset, interval_ms = (
            at[chosen],
            arrival_ms[chosen],
            offset[chosen],
            interval_ms[chosen],
        )
    np.maximum.at(devices.heard_ms, at, arrival_ms)
    devices.used[at], devices.interval_ms[at] = offset, interval_ms


def count_first(table: PatientTable, rows: Rows) -> None:
    """Note of which patients a single frame has come: who is not known to be monitored yet (`tick_judge`)."""
    came = table.came.take(rows)
    if every(came > 1):  # as nearly always
        return
    for row in rows[came < 2].tolist():
        table.came[row] = min(int(table.came[row]) + 1, 2)


def follow_clock(
    devices: DeviceRows, at: Rows, comes_next: NDArray[np.bool_], now_ms: Times, arrival_ms: Times
) -> None:
    """Move what devices remember along with clocks that stepped back, one frame of each of n devices.

    What comes next was measured later, whatever the clock says: the time since the frame before is that between their
    arrivals. So runs go on, and nothing is taken for late.
    """
    before = devices.now_ms[at]
    back = comes_next & (now_ms < before)
    for i in np.flatnonzero(back).tolist():
        device = at[i]
        shift = now_ms[i] - before[i] - max(0, int(arrival_ms[i] - devices.came_ms[device]))
        for column in (devices.newest_ms, devices.run_onset_ms, devices.run_clear_ms):
            own = column[device]
            own[own != NEVER] = np.maximum(own[own != NEVER] + shift, 0)
    devices.now_ms[at[comes_next]] = now_ms[comes_next]
    devices.came_ms[at[comes_next]] = arrival_ms[comes_next]


def take_samples(
    devices: DeviceRows,
    at: Rows,
    said: Said,
    now_ms: Times,
    arrival_ms: Times,
    interval_ms: Times,
) -> Samples:
    """Make the readings of one frame of each of n devices part of their state, and return what was there before.

    After a bound the last reading is none, NaN, though the signal was measured.
    """
    values = said.values
    newest, value = devices.newest_ms.take(at, axis=0), devices.value.take(at, axis=0)
    came, lost = devices.value_ms.take(at, axis=0), devices.lost_ms.take(at, axis=0)
    now, arrival = now_ms[:, None], arrival_ms[:, None]
    judged = (values != ABSENT) & (now >= newest)
    valid = judged & ~np.isnan(values)
    gap = np.where((lost != NEVER) & (came != NEVER), arrival - came, 0)
    devices.newest_ms[at] = np.where(judged, now, newest)
    last = values if said.comparator is None else np.where(said.comparator == NUMBER, values, np.nan)
    devices.value[at] = np.where(valid, last, value)
    devices.value_ms[at] = np.where(valid, arrival, came)
    after = np.where(judged & ~valid & (lost == NEVER), arrival, lost)
    after[valid] = NEVER
    devices.lost_ms[at] = after
    return Samples(values, judged, now_ms, interval_ms, value, newest, gap, said.comparator)


def other_runs(
    table: PatientTable,
    rows: Rows,
    at: Rows,
    arrival_ms: Times,
    signal: NDArray[np.int64],
    rules: TechnicalRules,
) -> NDArray[np.bool_] | None:
    """Return whether another device of each patient has a run that counts, (n, rules); None where none has another.

    A device that is silent, or has not measured the signal for as long as a loss takes, does not count.
    """
    slots = table.of_devices(rows)
    if slots.shape[1] == 1:
        return None
    devices, found = table.devices, np.zeros((len(rows), len(signal)), dtype=np.bool_)
    for k in range(slots.shape[1]):
        i = np.flatnonzero((slots[:, k] != NOBODY) & (slots[:, k] != at))
        device, now = slots[i, k], arrival_ms[i]
        interval = devices.interval_ms[device]
        heard = now - devices.heard_ms[device] < silence_ms_max(rules, interval)
        age = now[:, None] - devices.value_ms[device][:, signal]
        counts = heard[:, None] & (age < loss_ms_max(rules, interval)[:, None])
        found[i] |= counts & (devices.run_onset_ms[device] != NEVER)
    return found


def alarms_of(table: PatientTable, rows: Rows, rules: slice) -> Alarms:
    """Return the limit alarms of n patients."""
    return Alarms(
        table.alarm_state.take(rows, axis=0)[:, rules],
        table.alarm_onset_ms.take(rows, axis=0)[:, rules],
        table.alarm_clear_ms.take(rows, axis=0)[:, rules],
        table.alarm_extreme.take(rows, axis=0)[:, rules],
        table.alarm_area.take(rows, axis=0)[:, rules].astype(np.uint8),
    )


def keep_alarms(table: PatientTable, rows: Rows, rules: slice, alarms: Alarms) -> None:
    """Write the limit alarms of n patients back."""
    table.alarm_state[rows, rules] = alarms.state
    table.alarm_onset_ms[rows, rules] = alarms.onset_ms
    table.alarm_clear_ms[rows, rules] = alarms.over_ms
    table.alarm_extreme[rows, rules] = alarms.extreme
    table.alarm_area[rows, rules] = alarms.comparator


def runs_of(devices: DeviceRows, at: Rows) -> Runs:
    """Return the runs of n devices."""
    return Runs(
        devices.run_onset_ms.take(at, axis=0),
        devices.run_clear_ms.take(at, axis=0),
        devices.run_area.take(at, axis=0),
        devices.run_excess_ms.take(at, axis=0),
    )


def keep_runs(devices: DeviceRows, at: Rows, runs: Runs) -> None:
    """Write the runs of n devices back."""
    devices.run_onset_ms[at] = runs.onset_ms
    devices.run_clear_ms[at] = runs.clear_ms
    devices.run_area[at] = runs.area
    devices.run_excess_ms[at] = runs.excess_ms
    devices.has_excess[at] = np.any(runs.excess_ms > 0, axis=1)
