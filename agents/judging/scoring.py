"""Scores from the patient table: what is measured now, and the last points of what is not, until the score lapses."""

from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.context import Context
from agents.judging.transitions import Details
from clinical.limits import INTERVALS_MISSED, NEVER
from clinical.losses import unscored_ms_max
from clinical.masks import some
from clinical.points import Score
from clinical.rules import AGE_BANDS, AGE_MONTHS_FROM, PRIORITIES
from clinical.scores import FIO2, SHEETS, Input, Sheet
from clinical.ticking import LAPSED, UNKNOWN
from clinical.vitals import INDEX
from tables.latest import Latest
from tables.patients import PatientTable

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

AIR_PERCENT: Final = 21
"""Who inspires more oxygen than air holds receives it."""

_AGE_MONTHS: Final = np.array([AGE_MONTHS_FROM.get(band, np.nan) for band in AGE_BANDS])
"""Age in months by age band, as far as it tells the row of an age table."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A score of n patients: with the last points of what is not measured now, and of what is measured alone."""

    score: Score
    measured: Score


def scored(sheet: Sheet, table: PatientTable, rows: Rows, last: Latest, now_ms: int | Rows) -> Scored:
    """Score n patients from their last readings, arrays of shape (n,)."""
    patience = INTERVALS_MISSED * last.interval_ms.astype(np.int64)
    fresh = _given(sheet, table, rows, [_fresh(entry, last, now_ms, patience) for entry in _inputs(sheet)])
    measured = sheet.score(fresh)
    if not sheet.keeps_points or not some(measured.missing_count):
        return Scored(measured, measured)
    since = table.lapsed_ms[rows, SHEETS.index(sheet)]
    old = [np.isnan(fresh[entry.name]) for entry in _inputs(sheet)]
    then = [_last(entry, last, since) for entry in _inputs(sheet)]
    if not any(some(missing & ~np.isnan(found)) for missing, found in zip(old, then, strict=True)):
        return Scored(measured, measured)
    kept = [
        np.where(missing, found, fresh[entry.name])
        for missing, found, entry in zip(old, then, _inputs(sheet), strict=True)
    ]
    return Scored(sheet.score(_given(sheet, table, rows, kept)), measured)


def too_few(
    sheet: Sheet, table: PatientTable, rows: Rows, last: Latest, now_ms: int | Rows, wanted: int
) -> NDArray[np.bool_]:
    """Return of which patients (n,) so few inputs are fresh that a score surely lacks parameters: no more than inputs.

    Cheaper than the score by far, and on a ward that charts little true of nearly everybody.
    """
    read = read_of(sheet)
    at = last.value_ms.T[read.columns]
    patience = INTERVALS_MISSED * last.interval_ms.T[read.columns].astype(np.int64)
    fresh = (at != NEVER) & (now_ms - at <= np.maximum(read.age_ms, patience))
    count = np.zeros(len(rows), np.int64)
    for name, signals in read.inputs.items():
        is_given = fresh[signals].any(axis=0)
        if name == "on_oxygen":
            is_given |= fresh[read.fio2].any(axis=0) | ~np.isnan(table.oxygen.take(rows))
        count += is_given
    few: NDArray[np.bool_] = count < wanted
    return few


@dataclass(frozen=True, slots=True)
class Read:
    """The signals that a sheet reads: columns (k,), the age up to which each counts, (k, 1), and whose input each is.

    `inputs` are places among the k, by the input's name; `fio2` those of what is inspired, which says of oxygen too.
    """

    columns: Rows
    age_ms: Rows
    inputs: dict[str, slice]
    fio2: slice


@lru_cache(maxsize=len(SHEETS))
def read_of(sheet: Sheet) -> Read:
    """Return what a sheet reads."""
    signals = [(INDEX[signal], age_s * 1000) for entry in _inputs(sheet) for signal, age_s in entry.signals]
    columns, age_ms = np.array(signals).T
    places, start = dict[str, slice](), 0
    for entry in _inputs(sheet):
        places[entry.name] = slice(start, start + len(entry.signals))
        start += len(entry.signals)
    fio2 = places.get(FIO2.name, slice(0))
    return Read(columns, age_ms[:, None], {entry.name: places[entry.name] for entry in sheet.inputs}, fio2)


def wanted_of(sheet: Sheet, inputs_min: int) -> int:
    """Return how many parameters must be known for a score to count: all, where they must be of one time."""
    return inputs_min if sheet.keeps_points else len(sheet.parameters)


def level_of(
    inputs_min: int, sheet: Sheet, found: Scored, last: Latest, context: Context
) -> NDArray[np.int64]:
    """Return each patient's level: 0 = none, else priority rank + 1, `UNKNOWN` = too few inputs are measured to say.

    `LAPSED` where too few were measured for too long; nothing of what was measured before counts any more then.
    """
    table, rows = context.table, context.rows
    levels = np.array(
        [0 if level.priority is None else PRIORITIES.index(level.priority) + 1 for level in sheet.levels]
    )
    wanted = wanted_of(sheet, inputs_min)
    known = len(sheet.parameters) - found.measured.missing_count >= wanted
    level = np.where(known, levels[found.score.band], UNKNOWN)
    level = np.where(is_made_for(sheet, table, rows), level, 0)
    unknown = np.flatnonzero(level == UNKNOWN)
    if len(unknown):
        level[unknown] = lapsed(
            sheet, table, rows[unknown], last.take(unknown), context.record.event_ms, wanted
        )
    return level


def is_made_for(sheet: Sheet, table: PatientTable, rows: Rows) -> NDArray[np.bool_]:
    """Return for which patients, by their age, the score is made, (n,)."""
    return np.isin(table.age_band[rows], [AGE_BANDS.index(band) for band in sheet.ages])


def lapsed(
    sheet: Sheet, table: PatientTable, rows: Rows, last: Latest, now_ms: int, wanted: int
) -> NDArray[np.int64]:
    """Return the level (n,) of patients of whom too little is measured, and note of whom it has been for too long."""
    columns = [INDEX[signal] for entry in _inputs(sheet) for signal, _ in entry.signals]
    then_ms = now_ms - unscored_ms_max(last.interval_ms[:, columns].max(axis=1))
    was_known = ~too_few(sheet, table, rows, last, then_ms, wanted)
    if some(was_known):
        asked = np.flatnonzero(was_known)
        was_known[asked] = _is_known(sheet, table, rows[asked], last.take(asked), then_ms[asked], wanted)
    number = SHEETS.index(sheet)
    newest = last.value_ms[:, columns].max(axis=1)
    ends = ~was_known & (newest > table.lapsed_ms[rows, number])
    if some(ends):
        table.lapsed_ms[rows[ends], number] = now_ms
        table.dirty[rows[ends]] = True
    return np.where(was_known, UNKNOWN, LAPSED)


def _is_known(
    sheet: Sheet, table: PatientTable, rows: Rows, last: Latest, now_ms: Rows, wanted: int
) -> NDArray[np.bool_]:
    patience = INTERVALS_MISSED * last.interval_ms.astype(np.int64)
    given = _given(sheet, table, rows, [_fresh(entry, last, now_ms, patience) for entry in _inputs(sheet)])
    known: NDArray[np.bool_] = len(sheet.parameters) - sheet.score(given).missing_count >= wanted
    return known


def _inputs(sheet: Sheet) -> tuple[Input, ...]:
    """Return what a sheet reads; where it asks for oxygen, what is inspired says so too."""
    names = {entry.name for entry in sheet.inputs}
    return (*sheet.inputs, FIO2) if "on_oxygen" in names and FIO2.name not in names else sheet.inputs


def _given(sheet: Sheet, table: PatientTable, rows: Rows, readings: list[Floats]) -> dict[str, Floats]:
    """Return what `sheet.score` takes.

    Where oxygen is not charted, more than air holds in what is inspired counts as oxygen; else the patient's profile
    says, which also knows whether SpO2 scale 2 was prescribed; else what is inspired is air.
    """
    given = {entry.name: reading for entry, reading in zip(_inputs(sheet), readings, strict=True)}
    if "on_oxygen" in given:
        inspired = given["fio2"]
        found = np.where(np.isnan(given["on_oxygen"]) & (inspired > AIR_PERCENT), 1.0, given["on_oxygen"])
        found = np.where(np.isnan(found), table.oxygen[rows], found)
        given["on_oxygen"] = np.where(np.isnan(found) & (inspired <= AIR_PERCENT), 0.0, found)
    given["scale2"] = table.scale2[rows].astype(np.float64)
    given["age_months"] = _AGE_MONTHS[table.age_band[rows]]
    return given


def _fresh(entry: Input, last: Latest, now_ms: int | Rows, patience_ms: Rows) -> Floats:
    """Return the first of the input's signals that is fresh, (n,), NaN where none is."""
    found = np.full(len(last.value), np.nan)
    for signal, age_s in entry.signals:
        column = INDEX[signal]
        at = last.value_ms[:, column]
        fresh = (at != NEVER) & (now_ms - at <= np.maximum(age_s * 1000, patience_ms[:, column]))
        if some(fresh):
            found = np.where(np.isnan(found) & fresh, last.value[:, column], found)
    return found


def _last(entry: Input, last: Latest, since_ms: Rows) -> Floats:
    """Return the newest of the input's signals, (n,), NaN where none was measured after `since_ms` (n,)."""
    columns = [INDEX[signal] for signal, _ in entry.signals]
    at = last.value_ms[:, columns]
    newest = at.argmax(axis=1)
    i = np.arange(len(at))
    return np.where(at[i, newest] > since_ms, last.value[:, columns][i, newest], np.nan)


def numbers_of(sheet: Sheet, found: Scored, i: int) -> Details:
    """Return the numbers behind the score of the i-th patient."""
    kept_now, now = found.score.points[i].tolist(), found.measured.points[i].tolist()
    points = zip(sheet.parameters, kept_now, now, strict=True)
    missing, old = list[str](), list[str]()
    for name, kept, measured in points:
        if isnan(kept):
            missing.append(name)
        elif isnan(measured):
            old.append(name)
    return Details(round(float(found.score.lower_bound[i]), 2), tuple(missing), old=tuple(old))
