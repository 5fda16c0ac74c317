"""Whether a score has to be reckoned for a patient at a tick; whose readings are too few lapses here already.

`agents.judging.scoring.too_few` and `lapsed`, for one patient.
"""

from typing import Any

import numpy as np

from clinical.kernels.compiled import loop
from clinical.kernels.judge_columns import Alarms, Heard, Patients, Readings
from clinical.kernels.judge_literals import INTERVALS_MISSED, NEVER, NORMAL
from clinical.kernels.judge_suppression import latest_device
from clinical.kernels.screen_columns import Chart, Sheets, Stays, TickRules
from clinical.kernels.screen_news2 import is_low


@loop
def has_few(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    stays: Stays,
    sheets: Sheets,
    number: int,
    row: int,
    at_ms: int,
) -> bool:
    """Return whether so few inputs were fresh at a moment that a score surely lacked parameters."""
    given = 0
    for k in range(sheets.signal.shape[1]):
        signal = sheets.signal[number, k]
        if signal < 0:
            break
        device = latest_device(heard, readings, patients, row, signal)
        value_ms = readings.value_ms[device, signal]
        age_ms = max(sheets.age_ms[number, k], INTERVALS_MISSED * np.int64(heard.interval_ms[device]))
        if value_ms != NEVER and at_ms - value_ms <= age_ms:
            given |= sheets.inputs[number, k]
    if not np.isnan(stays.oxygen[row]):
        given |= sheets.oxygen[number]
    count = 0
    while given:
        given &= given - 1
        count += 1
    return bool(count < sheets.wanted[number])


@loop
def lapses(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    stays: Stays,
    sheets: Sheets,
    asks: TickRules,
    number: int,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether too little has been measured for too long, and take note of it; else a closer look decides."""
    interval_ms: Any = 0
    newest_ms: Any = NEVER
    for k in range(sheets.signal.shape[1]):
        signal = sheets.signal[number, k]
        if signal < 0:
            break
        device = latest_device(heard, readings, patients, row, signal)
        interval_ms = max(interval_ms, np.int64(heard.interval_ms[device]))
        newest_ms = max(newest_ms, readings.value_ms[device, signal])
    then_ms = now_ms - max(asks.unscored_ms, INTERVALS_MISSED * interval_ms)
    if not has_few(heard, readings, patients, stays, sheets, number, row, then_ms):
        return False
    if newest_ms > stays.lapsed_ms[row, sheets.place[number]]:
        stays.lapsed_ms[row, sheets.place[number]] = now_ms
        patients.dirty[row] = True
    return True


@loop
def is_scored(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    alarms: Alarms,
    stays: Stays,
    sheets: Sheets,
    chart: Chart,
    asks: TickRules,
    number: int,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether a score has to be reckoned."""
    column = sheets.column[number]
    if alarms.state[row, column] != NORMAL or alarms.onset_ms[row, column] != NEVER:
        return True
    if not sheets.made_for[number, patients.age_band[row]]:
        return False
    if has_few(heard, readings, patients, stays, sheets, number, row, now_ms):
        return not lapses(heard, readings, patients, stays, sheets, asks, number, row, now_ms)
    return number != chart.sheet or not is_low(heard, readings, patients, stays, chart, row, now_ms)
