"""Scores from the patient table: every input as fresh as its sheet asks, partial ones with what they lack."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.tick_alarms import Numbers
from clinical.limits import NEVER
from clinical.masks import some
from clinical.points import Score
from clinical.rules import AGE_BANDS, AGE_MONTHS_FROM, PRIORITIES
from clinical.scores import Input, Sheet
from clinical.ticking import UNKNOWN
from clinical.vitals import INDEX
from tables.patients import PatientTable

Rows = NDArray[np.int64]

INTERVALS: Final = 2
"""A device that announces a long interval has its values count for so many of them."""


_AGE_MONTHS: Final = np.array([AGE_MONTHS_FROM.get(band, np.nan) for band in AGE_BANDS])
"""Age in months by age band, as far as it tells the row of an age table."""


def score_of(sheet: Sheet, table: PatientTable, rows: Rows, now_ms: int | Rows) -> Score:
    """Score n patients from their last readings, as far as those are fresh enough at `now_ms`, one time or (n,).

    Where oxygen is not charted the patient's profile counts; it also says whether SpO2 scale 2 was ordered.
    """
    patience = INTERVALS * table.interval_ms[rows].astype(np.int64)
    given = {entry.name: _reading(entry, table, rows, now_ms, patience) for entry in sheet.inputs}
    if "on_oxygen" in given:
        given["on_oxygen"] = np.where(np.isnan(given["on_oxygen"]), table.oxygen[rows], given["on_oxygen"])
    given["scale2"] = table.scale2[rows].astype(np.float64)
    given["age_months"] = _AGE_MONTHS[table.age_band[rows]]
    return sheet.score(given)


def _reading(
    entry: Input, table: PatientTable, rows: Rows, now_ms: int | Rows, patience: Rows
) -> NDArray[np.float64]:
    """Return the first of the input's signals that is fresh, (n,), NaN where none is; `patience` (n,) in ms."""
    found = np.full(len(rows), np.nan)
    for signal, age_s in entry.signals:
        column = INDEX[signal]
        at = table.value_ms[rows, column]
        fresh = (at != NEVER) & (now_ms - at <= np.maximum(age_s * 1000, patience))
        if not some(fresh):
            continue
        found = np.where(np.isnan(found) & fresh, table.value[rows, column], found)
    return found


def level_of(sheet: Sheet, score: Score, age_band: NDArray[np.uint8], inputs_min: int) -> NDArray[np.int64]:
    """Return each patient's level: 0 = none, else priority rank + 1, `UNKNOWN` = too few inputs to say."""
    levels = np.array(
        [0 if level.priority is None else PRIORITIES.index(level.priority) + 1 for level in sheet.levels]
    )
    known = len(sheet.parameters) - score.missing_count
    level = np.where(known >= inputs_min, levels[score.band], UNKNOWN)
    made_for = np.isin(age_band, [AGE_BANDS.index(band) for band in sheet.ages])
    return np.where(made_for, level, 0)


def numbers_of(sheet: Sheet, score: Score, i: int) -> Numbers:
    """Return the numbers behind the score of the i-th patient."""
    lacking = zip(sheet.parameters, score.points[i], strict=True)
    missing = tuple(name for name, points in lacking if np.isnan(points))
    return Numbers(round(float(score.lower_bound[i]), 2), missing)
