"""The judge of ticks: silent devices, lost signals, score bands, reminders, and patients who are gone."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.alarms import LOSS_COLUMNS, Happening
from agents.episodes import number_event
from clinical.clock import TimeRules
from clinical.lifecycle import Phase, State
from clinical.limits import NEVER
from clinical.points import Score
from clinical.rules import RuleSet
from clinical.scores import PARAMETERS, news2
from clinical.ticking import (
    TickJudgement,
    TickState,
    judge_band,
    judge_loss,
    lost_since,
    remind,
    silent_since,
)
from clinical.vitals import AGE_MS_MAX, INDEX
from streams.decode import Tick
from tables.patients import PatientTable

Rows = NDArray[np.int64]

SLOW_MS: Final = 5_000
"""Signal losses and scores, whose alarms wait for 20 s and more, are judged when a tick enters a new such stretch."""

BAND_LEVEL: Final = np.array([0, 1, 2, 3])
"""Alarm level of each NEWS2 band: low, low-medium, medium, high to none, low, medium, high priority."""


class TickJudge:
    """Judges ticks under one rule set. The alarms' columns: limits, silent device, signal losses, NEWS2."""

    def __init__(self, rules: RuleSet, limits: int, time: TimeRules, patient_ttl_ms: int) -> None:
        self._rules = rules
        self._recorded = time.recorded
        self._ttl_ms = patient_ttl_ms
        self._silent = slice(limits, limits + 1)
        self._losses = slice(limits + 1, limits + 1 + len(LOSS_COLUMNS))
        self._news2 = limits + 1 + len(LOSS_COLUMNS)

    def judge(self, table: PatientTable, tick: Tick, happenings: list[Happening], dropped: list[str]) -> None:
        """Judge one tick for every patient of the partition who has not had it yet."""
        now = tick.tick_ts_ms if self._recorded else tick.append_ts_ms
        table.ticked_until_ms = max(table.ticked_until_ms, now)
        rows = table.occupied()
        rows = rows[(table.ticked_ms[rows] < now) & (table.position[rows] < tick.offset)]
        if not len(rows):
            return
        slow = rows[table.ticked_ms[rows] // SLOW_MS < now // SLOW_MS]
        table.ticked_ms[rows] = now
        found: list[Happening] = []
        if self._rules.technical.enabled:
            self._judge_silence(table, rows, tick, now, found)
            self._judge_losses(table, slow, tick, now, found)
        if self._rules.news2.enabled and len(slow):
            self._judge_news2(table, slow, tick, now, found)
        self._remind(table, rows, tick, now, found)
        self._drop_gone(table, rows, tick, now, found, dropped)
        happenings += sorted(found, key=lambda h: (h.column, h.patient))

    def _judge_silence(
        self, table: PatientTable, rows: Rows, tick: Tick, now: int, found: list[Happening]
    ) -> None:
        since = self._silent_since(table, rows, now)
        self._judge_since(table, rows, self._silent, since[:, None], tick, now, found)

    def _silent_since(self, table: PatientTable, rows: Rows, now: int) -> NDArray[np.int64]:
        onset = table.alarm_onset_ms[rows, self._silent.start]
        return silent_since(self._rules.technical, now, table.seen_ms[rows], table.interval_ms[rows], onset)

    def _judge_losses(
        self, table: PatientTable, rows: Rows, tick: Tick, now: int, found: list[Happening]
    ) -> None:
        cells = rows[:, None], LOSS_COLUMNS
        since = lost_since(
            self._rules.technical,
            now,
            table.lost_ms[cells],
            table.value_ms[cells],
            table.interval_ms[rows],
            self._silent_since(table, rows, now) != NEVER,
            table.alarm_onset_ms[rows, self._losses],
        )
        self._judge_since(table, rows, self._losses, since, tick, now, found)

    def _judge_since(
        self,
        table: PatientTable,
        rows: Rows,
        columns: slice,
        since: NDArray[np.int64],
        tick: Tick,
        now: int,
        found: list[Happening],
    ) -> None:
        """Judge conditions that hold since `since`, for the patients whom that can concern."""
        concerned = (since != NEVER).any(axis=1) | (table.alarm_state[rows, columns] != State.NORMAL).any(
            axis=1
        )
        if concerned.any():
            chosen = rows[concerned]
            before = _state(table, chosen, columns)
            result = judge_loss(self._rules.technical, now, before, since[concerned])
            self._apply(table, chosen, columns, result, tick, now, found)

    def _judge_news2(
        self, table: PatientTable, rows: Rows, tick: Tick, now: int, found: list[Happening]
    ) -> None:
        score = score_news2(table, rows, now)
        inputs = len(PARAMETERS) - score.missing_count
        level = np.where(inputs >= self._rules.news2.inputs_min, BAND_LEVEL[score.band], -1)
        column = slice(self._news2, self._news2 + 1)
        before = _state(table, rows, column)
        flat = TickState(
            before.state[:, 0], before.priority[:, 0], before.onset_ms[:, 0], before.clear_ms[:, 0]
        )
        result = judge_band(self._rules.news2, now, flat, level)
        after = result.after
        wide = TickState(
            after.state[:, None], after.priority[:, None], after.onset_ms[:, None], after.clear_ms[:, None]
        )
        self._apply(
            table,
            rows,
            column,
            TickJudgement(wide, result.phase[:, None], result.onset_ms[:, None]),
            tick,
            now,
            found,
            score,
        )

    def _apply(
        self,
        table: PatientTable,
        rows: Rows,
        columns: slice,
        result: TickJudgement,
        tick: Tick,
        now: int,
        found: list[Happening],
        score: Score | None = None,
    ) -> None:
        after = result.after
        changed = (
            (table.alarm_onset_ms[rows, columns] != after.onset_ms)
            | (table.alarm_clear_ms[rows, columns] != after.clear_ms)
            | (result.phase != Phase.NONE)
        ).any(axis=1)
        if not changed.any():
            return
        table.dirty[rows[changed]] = True
        before_priority = table.alarm_priority[rows, columns]
        table.alarm_state[rows, columns] = after.state
        table.alarm_priority[rows, columns] = after.priority
        table.alarm_onset_ms[rows, columns] = after.onset_ms
        table.alarm_clear_ms[rows, columns] = after.clear_ms
        for i, k in np.argwhere(result.phase != Phase.NONE).tolist():
            phase = int(result.phase[i, k])
            ended = phase == Phase.END
            self._tell(
                table,
                int(rows[i]),
                columns.start + k,
                phase,
                int(before_priority[i, k] if ended else after.priority[i, k]),
                int(result.onset_ms[i, k]),
                tick,
                now,
                found,
                value=None if score is None else float(score.lower_bound[i]),
                missing=() if score is None else _missing(score, i),
            )

    def _remind(self, table: PatientTable, rows: Rows, tick: Tick, now: int, found: list[Happening]) -> None:
        rows = rows[(table.alarm_state[rows] == State.ACTIVE).any(axis=1)]
        if not len(rows):
            return
        phase = remind(now, table.alarm_state[rows], table.alarm_told_ms[rows])
        for i, column in np.argwhere(phase != Phase.NONE).tolist():
            row = int(rows[i])
            score = score_news2(table, rows[i : i + 1], now) if column == self._news2 else None
            self._tell(
                table,
                row,
                column,
                int(phase[i, column]),
                int(table.alarm_priority[row, column]),
                int(table.alarm_onset_ms[row, column]),
                tick,
                now,
                found,
                value=None if score is None else float(score.lower_bound[0]),
                extreme=float(table.alarm_extreme[row, column]),
                missing=() if score is None else _missing(score, 0),
            )

    def _drop_gone(
        self,
        table: PatientTable,
        rows: Rows,
        tick: Tick,
        now: int,
        found: list[Happening],
        dropped: list[str],
    ) -> None:
        """Forget patients without frames for the time to live; what was open ends with them."""
        for row in rows[now - table.seen_ms[rows] >= self._ttl_ms].tolist():
            patient = table.patients[row]
            if patient is None or table.seen_ms[row] == NEVER:
                continue
            for column in np.flatnonzero(table.alarm_state[row] == State.ACTIVE).tolist():
                priority, onset = (
                    int(table.alarm_priority[row, column]),
                    int(table.alarm_onset_ms[row, column]),
                )
                self._tell(table, row, column, Phase.END, priority, onset, tick, now, found, dropped=True)
            table.drop(patient)
            dropped.append(patient)

    @staticmethod
    def _tell(
        table: PatientTable,
        row: int,
        column: int,
        phase: int,
        priority: int,
        onset_ms: int,
        tick: Tick,
        now: int,
        found: list[Happening],
        *,
        value: float | None = None,
        extreme: float | None = None,
        missing: tuple[str, ...] = (),
        dropped: bool = False,
    ) -> None:
        patient = table.patients[row]
        assert patient is not None, "an occupied row has a patient"
        found.append(
            Happening(
                offset=tick.offset,
                column=column,
                patient=patient,
                phase=phase,
                number=number_event(table, row, column, phase),
                priority=priority,
                onset_ms=onset_ms,
                event_ms=now,
                append_ms=tick.append_ts_ms,
                value=value,
                extreme=extreme,
                missing=missing,
                dropped=dropped,
            )
        )
        table.alarm_told_ms[row, column] = NEVER if phase == Phase.END else now
        table.dirty[row] = True


def _state(table: PatientTable, rows: Rows, columns: slice) -> TickState:
    return TickState(
        table.alarm_state[rows, columns],
        table.alarm_priority[rows, columns],
        table.alarm_onset_ms[rows, columns],
        table.alarm_clear_ms[rows, columns],
    )


def score_news2(table: PatientTable, rows: Rows, now_ms: int) -> Score:
    """Score patients from their last readings, as far as those are fresh enough at `now_ms`.

    The pulse is the oximeter's or, failing that, the ECG's; the pressure is arterial or, failing that, the cuff's.
    """
    age_max = np.maximum(AGE_MS_MAX, 2 * table.interval_ms[rows].astype(np.int64)[:, None])
    fresh = (table.value_ms[rows] != NEVER) & (now_ms - table.value_ms[rows] <= age_max)
    usable = np.where(fresh, table.value[rows], np.nan)

    def reading(*names: str) -> NDArray[np.float64]:
        values = usable[:, INDEX[names[0]]]
        for name in names[1:]:
            values = np.where(np.isnan(values), usable[:, INDEX[name]], values)
        return values

    return news2(
        resp=reading("resp"),
        spo2=reading("spo2"),
        on_oxygen=reading("on_oxygen"),
        sbp=reading("abp_sys", "nbp_sys"),
        pulse=reading("pulse", "hr"),
        consciousness=reading("consciousness"),
        temp=reading("temp"),
        scale2=np.zeros(len(rows), dtype=np.bool_),
    )


def _missing(score: Score, i: int) -> tuple[str, ...]:
    return tuple(name for name, points in zip(PARAMETERS, score.points[i], strict=True) if np.isnan(points))
