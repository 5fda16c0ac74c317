"""Between the judge of ticks and the kernel that screens for it: which arrays and rules that gets.

The one place that knows which column of a table is which argument of that kernel.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from agents.judging.alarms import (
    AGE_UNKNOWN,
    BACKLOG,
    BREAK_GLASS,
    CLOCK_SUSPECT,
    IDENTITY_CONFLICT,
    LIMITS_WIDENED,
    LOSS_COLUMNS,
    READINGS_WITHDRAWN,
    SILENT_DEVICE,
    TOO_MANY,
    TOO_MANY_DEVICES,
    UNPROVEN,
    VITAL_LOSS,
)
from agents.judging.broken_glass import GLASS_MS
from agents.judging.compiled_judge import are_of, columns_of, limits_of, rules_of
from agents.judging.conditions import Alarming, Conditions
from agents.judging.parts import Parts
from agents.judging.scoring import AIR_PERCENT, read_of, wanted_of
from agents.judging.screening import Screened
from agents.judging.tick_alarms import SLOW_MS
from clinical.clock import TimeRules
from clinical.kernels.judge_columns import plain
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
from clinical.lifecycle import Answered
from clinical.limits import HIGH
from clinical.losses import DETACHED_MS, UNSCORED_MS
from clinical.news2 import ACVPU_POINTS, CHARTED, MEDIUM_FROM, OXYGEN_POINTS, PARAMETERS, RED_POINTS
from clinical.points import HALF_UP_SLACK
from clinical.rules import AGE_BANDS
from clinical.scores import FIO2, NEWS2, SHEETS
from clinical.sensors import BABBLE_MIN
from clinical.ticking import ADVICE_TURNS, CONTINUE_MS, KNOWN_MS
from clinical.vital_loss import PERFUSION
from clinical.vitals import AGE_MS_MAX, INDEX
from tables.patients import PatientTable

Tuple = tuple[Any, ...]
ScreenKernel = Callable[[Tuple, Tuple, Tuple, Tuple], None]
"""`clinical.kernels.screen_ticks.screen_ticks`, which only who has Numba can import."""

_DEVICES: Final = (CLOCK_SUSPECT, BACKLOG, IDENTITY_CONFLICT, TOO_MANY_DEVICES)
_NOTED: Final = (READINGS_WITHDRAWN, TOO_MANY, UNPROVEN)


class CompiledScreening:
    """Screens the patients of a partition by a kernel (`agents.judging.screening.Screening`)."""

    def __init__(self, kernel: ScreenKernel, parts: Parts, time: TimeRules, ttl_ms: int) -> None:
        ids = [alarm.id for alarm in parts.alarms]
        laws = Laws(
            limits_of(parts.limits.rules),
            rules_of(parts.limits.rules, time, parts.rules.technical, ids),
            _tick_rules_of(parts, ids, ttl_ms),
            _sheets_of(parts.conditions, ids),
            _chart_of(parts.conditions),
        )
        self._kernel, self._laws = kernel, plain(laws)
        self._columns: TickColumns | None = None
        self._arrays: Tuple = ()

    def __call__(self, table: PatientTable, offset: int, now_ms: int) -> Screened:
        """Screen for the tick of an offset, at a time in ms."""
        rows = table.occupied().copy()  # what cannot be written is another type to compiled code
        bits = np.empty(len(rows), np.int64)
        found = Screen(rows, bits, np.zeros(3, np.int64))
        self._kernel(self._arrays_of(table), self._laws, tuple(Moment(now_ms, offset)), tuple(found))
        count, any_bits, every_bits = found.ends.tolist()
        return Screened(rows[:count], bits[:count], any_bits, every_bits)

    def _arrays_of(self, table: PatientTable) -> Tuple:
        """Return the columns of a table, gathered anew when they have grown."""
        if not are_of(self._columns, table):
            self._columns = _tick_columns_of(table)
            self._arrays = plain(self._columns)
        return self._arrays


def _tick_columns_of(table: PatientTable) -> TickColumns:
    """Return the columns of a table that say whether a tick means anything."""
    shared = columns_of(table)
    return TickColumns(
        shared.numbers,
        shared.heard,
        shared.readings,
        shared.missed,
        shared.patients,
        shared.alarms,
        shared.buckets,
        Stays(*(getattr(table, name) for name in Stays._fields)),
        Episodes(*(getattr(table, f"alarm_{name}") for name in Episodes._fields)),
    )


def _tick_rules_of(parts: Parts, ids: list[str], ttl_ms: int) -> TickRules:
    """Return what ticks are judged by as the kernel reads it."""
    limits, conditions, technical = parts.limits.count, parts.conditions, parts.rules.technical
    steps = parts.rules.responsibility
    return TickRules(
        technical=technical.enabled,
        silent=ids.index(SILENT_DEVICE),
        losses=limits + 1,
        flickers=limits + 1 + len(LOSS_COLUMNS),
        noted=np.array([ids.index(alarm) for alarm in _NOTED]),
        devices=np.array([ids.index(alarm) for alarm in _DEVICES]),
        vital_loss=ids.index(VITAL_LOSS),
        age_unknown=ids.index(AGE_UNKNOWN),
        widened=ids.index(LIMITS_WIDENED),
        glass=ids.index(BREAK_GLASS),
        pulse=INDEX[PERFUSION[0]],
        vital_loss_ms=_patience_ms(conditions.vital_loss_s),
        asks_age=conditions.age_unknown_s > 0,
        slow_ms=SLOW_MS,
        turns=ADVICE_TURNS,
        babble_min=BABBLE_MIN,
        off_ms=round(parts.rules.pauses.off_s_max * 1000),
        ttl_ms=ttl_ms,
        glass_ms=GLASS_MS,
        detached_ms=DETACHED_MS,
        continue_ms=CONTINUE_MS,
        known_ms=KNOWN_MS,
        high=HIGH,
        requested=int(Answered.REQUESTED),
        unscored_ms=UNSCORED_MS,
        age_ms=AGE_MS_MAX,
        after_ms=np.array([0, *(round(step.after_s * 1000) for step in steps)]),
    )


def _patience_ms(patience_s: float) -> int:
    """Return a time in ms; 0 says that a condition is not judged, so one that is has 1 at least."""
    return max(1, round(patience_s * 1000)) if patience_s > 0 else 0


def _sheets_of(conditions: Conditions, ids: list[str]) -> Sheets:
    """Return the scores that alarm as the kernel reads them."""
    count = len(conditions.sheets)
    widest = max((len(read_of(each.sheet).columns) for each in conditions.sheets), default=0)
    signal, age_ms, inputs = np.full((3, count, widest), -1)
    oxygen = np.zeros(count, np.int64)
    for number, each in enumerate(conditions.sheets):
        read = read_of(each.sheet)
        held = len(read.columns)
        signal[number, :held], age_ms[number, :held] = read.columns, read.age_ms[:, 0]
        inputs[number, :held] = 0
        for place, (name, signals) in enumerate(read.inputs.items()):
            inputs[number, signals] |= 1 << place
            if name == "on_oxygen":
                oxygen[number] = 1 << place
                inputs[number, read.fio2] |= 1 << place
    return Sheets(
        signal,
        age_ms,
        inputs,
        oxygen,
        np.array([wanted_of(each.sheet, each.inputs_min) for each in conditions.sheets], np.int64),
        np.array([_made_for(each) for each in conditions.sheets], np.bool_).reshape(count, len(AGE_BANDS)),
        np.array([ids.index(each.sheet.id) for each in conditions.sheets], np.int64),
        np.array([SHEETS.index(each.sheet) for each in conditions.sheets], np.int64),
    )


def _made_for(alarming: Alarming) -> list[bool]:
    return [band in alarming.sheet.ages for band in AGE_BANDS]


_BANDED: Final = ("resp", "spo2", "sbp", "pulse", "temp")
_ABOVE: Final = (
    ("consciousness", 0, ACVPU_POINTS),
    ("on_oxygen", 0, OXYGEN_POINTS),
    (FIO2.name, AIR_PERCENT, OXYGEN_POINTS),
)
"""Inputs that have points above a value: what is inspired says of oxygen, and is no parameter of its own."""


def _chart_of(conditions: Conditions) -> Chart:
    """Return NEWS2's chart as the kernel reads it."""
    sheet = next((i for i, each in enumerate(conditions.sheets) if each.sheet is NEWS2), -1)
    inputs = {entry.name: entry for entry in (*NEWS2.inputs, FIO2)}
    names = (*_BANDED, *(name for name, _, _ in _ABOVE))
    signal, age_ms = np.full((2, len(names), max(len(each.signals) for each in inputs.values())), -1)
    for i, name in enumerate(names):
        for k, (read, age_s) in enumerate(inputs[name].signals):
            signal[i, k], age_ms[i, k] = INDEX[read], age_s * 1000
    upto = [list(bands.upto) for bands in CHARTED] + [[value] for _, value, _ in _ABOVE]
    points = [list(bands.points) for bands in CHARTED] + [[0, above] for _, _, above in _ABOVE]
    rounded = len(CHARTED)
    return Chart(
        signal,
        age_ms,
        step=np.array([*(bands.step for bands in CHARTED), *(1.0 for _ in _ABOVE)]),
        half=np.where(np.arange(len(names)) < rounded, 0.5 + HALF_UP_SLACK, 0.0),
        first=np.cumsum([0, *map(len, upto)]),
        upto=np.concatenate(upto).astype(np.float64),
        points=np.concatenate(points).astype(np.float64),
        counted=len(PARAMETERS),
        wanted=0 if sheet < 0 else wanted_of(NEWS2, conditions.sheets[sheet].inputs_min),
        red=float(RED_POINTS),
        low_max=float(MEDIUM_FROM - 1),
        oxygen_points=OXYGEN_POINTS,
        sheet=sheet,
        place=SHEETS.index(NEWS2),
    )
