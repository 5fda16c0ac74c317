"""Whether a patient's NEWS2 surely raises no alarm: most patients' does not, and reckoning it takes long.

`agents.judging.scoring.scored` and `clinical.news2`, for one patient whose alarm is at rest. Points are never taken for
fewer than they are; where that is not sure, the score has to be reckoned.
"""

import numpy as np

from clinical.kernels.compiled import loop
from clinical.kernels.judge_columns import Heard, Ints, Patients, Readings
from clinical.kernels.judge_literals import INTERVALS_MISSED, NEVER
from clinical.kernels.judge_suppression import latest_device
from clinical.kernels.screen_columns import Chart, Stays


@loop
def reading_of(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    row: int,
    signals: Ints,
    age_ms: Ints,
    now_ms: int,
    since_ms: int,
) -> tuple[float, bool]:
    """Return the reading of an input, and whether it is fresh; else it is the last since the score lapsed, or NaN."""
    last, newest_ms = np.nan, NEVER
    for k in range(signals.shape[0]):
        signal = signals[k]
        if signal < 0:
            break
        device = latest_device(heard, readings, patients, row, signal)
        value, value_ms = readings.value[device, signal], readings.value_ms[device, signal]
        usable_ms = max(age_ms[k], INTERVALS_MISSED * np.int64(heard.interval_ms[device]))
        if value_ms != NEVER and now_ms - value_ms <= usable_ms and not np.isnan(value):
            return value, True
        if value_ms > newest_ms:
            last, newest_ms = value, value_ms
    return (last if newest_ms > since_ms else np.nan), False


@loop
def points_of(chart: Chart, number: int, value: float) -> float:
    """Return the points of a reading by one of the chart's bands (`clinical.points.points_of`)."""
    steps = value / chart.step[number]
    if chart.half[number] > 0:
        steps = np.floor(steps + chart.half[number])
    place = chart.first[number]
    while place < chart.first[number + 1] and steps > chart.upto[place]:
        place += 1
    return float(chart.points[place + number])


@loop
def is_low(
    heard: Heard,
    readings: Readings,
    patients: Patients,
    stays: Stays,
    chart: Chart,
    row: int,
    now_ms: int,
) -> bool:
    """Return whether enough is fresh for a score, and that surely is in the lowest band."""
    if patients.scale2[row]:
        return False
    total, known = 0.0, 0
    if stays.oxygen[row] > 0:  # NaN where the profile does not say
        total = chart.oxygen_points
    for number in range(chart.step.shape[0]):
        value, is_fresh = reading_of(
            heard,
            readings,
            patients,
            row,
            chart.signal[number],
            chart.age_ms[number],
            now_ms,
            stays.lapsed_ms[row, chart.place],
        )
        if np.isnan(value):
            continue
        points = points_of(chart, number, value)
        if points >= chart.red:
            return False
        total += points
        if is_fresh and number < chart.counted:
            known += 1
    return bool(known >= chart.wanted and total <= chart.low_max)
