"""The judge of ticks: silent devices, lost signals, score bands, and what time does to open alarms.

Pauses end, what they withheld is announced, whoever was asked and has not answered is passed over, open alarms are
reported again, and patients who are gone are dropped.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.alarms import LOSS_COLUMNS
from agents.episodes import Moment, Teller, cover_of
from agents.in_force import LimitsInForce
from agents.pauses import Pauses
from agents.responsibility import Responsibilities
from agents.verdict import Verdict
from clinical.clock import TimeRules
from clinical.lifecycle import Event, Phase, State
from clinical.limits import HIGH, LOW, MEDIUM, NEVER, outranked
from clinical.points import Score
from clinical.rules import AGE_BANDS, RuleSet
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

ADULT: Final = AGE_BANDS.index("adult")

GONE: Final = "monitoring ended, no frames for so long that the patient's state was dropped"

BAND_LEVEL: Final = np.array([0, 1, 2, 3])
"""Alarm level of each NEWS2 band: low, low-medium, medium, high to none, low, medium, high priority."""


class TickJudge:
    """Judges ticks under one rule set. The alarms' columns: limits, silent device, signal losses, NEWS2."""

    def __init__(
        self,
        rules: RuleSet,
        in_force: LimitsInForce,
        teller: Teller,
        pauses: Pauses,
        responsibilities: Responsibilities,
        time: TimeRules,
        patient_ttl_ms: int,
    ) -> None:
        self._rules = rules
        self._in_force = in_force
        self._teller = teller
        self._pauses = pauses
        self._responsibilities = responsibilities
        self._recorded = time.recorded
        self._ttl_ms = patient_ttl_ms
        limits = in_force.count
        self._limits = slice(0, limits)
        self._silent = slice(limits, limits + 1)
        self._losses = slice(limits + 1, limits + 1 + len(LOSS_COLUMNS))
        self._news2 = limits + 1 + len(LOSS_COLUMNS)

    def judge(self, table: PatientTable, tick: Tick, verdict: Verdict) -> None:
        """Judge one tick for every patient of the partition who has not had it yet."""
        now = tick.tick_ts_ms if self._recorded else tick.append_ts_ms
        table.ticked_until_ms = max(table.ticked_until_ms, now)
        rows = table.occupied()
        rows = rows[(table.ticked_ms[rows] < now) & (table.position[rows] < tick.offset)]
        if not len(rows):
            return
        before = table.ticked_ms[rows] // SLOW_MS
        table.ticked_ms[rows] = now
        moment = Moment(tick.offset, now, tick.append_ts_ms, now)
        found = Verdict(tally=verdict.tally)
        self._end_pauses(table, rows, moment, found)
        monitored = ~table.discharged[rows]
        slow = rows[monitored & (before < now // SLOW_MS)]
        if self._rules.technical.enabled:
            self._judge_silence(table, rows[monitored], moment, found)
            self._judge_losses(table, slow, moment, found)
        if self._rules.news2.enabled and len(slow):
            self._judge_news2(table, slow, moment, found)
        open_rows = rows[(table.alarm_state[rows] > State.DELAYED).any(axis=1)]
        if len(open_rows):
            self._release(table, open_rows, moment, found)
            for row, column in self._responsibilities.overdue(table, open_rows, now):
                found.happenings.append(self._responsibilities.pass_over(table, row, column, moment))
            self._remind(table, open_rows, moment, found)
        self._drop_gone(table, rows, moment, found)
        verdict.happenings += sorted(found.happenings, key=lambda h: (h.column, h.patient))
        verdict.dropped += found.dropped

    def _end_pauses(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        until = table.pause_until_ms[rows]
        for row in rows[(until != NEVER) & (until <= moment.event_ms)].tolist():
            verdict.happenings += self._pauses.end(table, row, moment, "the pause is over")

    def _release(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Announce limit alarms that nothing withholds any more, if the last reading still breaks the limit."""
        state = table.alarm_state[rows, self._limits]
        waiting = (state == State.WITHHELD) | (state == State.LATCHED)
        if not waiting.any():
            return
        rules, cover = self._in_force.rules, cover_of(table, rows)[:, None]
        free = waiting & self._in_force.violated(table, rows, table.value[rows]) & (rules.rank > cover)
        for rank in (HIGH, MEDIUM, LOW):  # the most severe first, because it stands for the others
            state = table.alarm_state[rows, self._limits]
            for i, column in np.argwhere(free & (rules.rank == rank) & ~outranked(rules, state)).tolist():
                row = int(rows[i])
                table.alarm_priority[row, column] = rank
                value = float(table.value[row, rules.signal[column]])
                verdict.happenings.append(
                    self._teller.move(table, row, column, Event.DUE, moment, value=value)
                )

    def _judge_silence(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        since = self._silent_since(table, rows, moment.event_ms)
        self._judge_since(table, rows, self._silent, since[:, None], moment, verdict)

    def _silent_since(self, table: PatientTable, rows: Rows, now: int) -> NDArray[np.int64]:
        onset = table.alarm_onset_ms[rows, self._silent.start]
        return silent_since(self._rules.technical, now, table.seen_ms[rows], table.interval_ms[rows], onset)

    def _judge_losses(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        cells, now = (rows[:, None], LOSS_COLUMNS), moment.event_ms
        since = lost_since(
            self._rules.technical,
            now,
            table.lost_ms[cells],
            table.value_ms[cells],
            table.interval_ms[rows],
            self._silent_since(table, rows, now) != NEVER,
            table.alarm_onset_ms[rows, self._losses],
        )
        self._judge_since(table, rows, self._losses, since, moment, verdict)

    def _judge_since(
        self,
        table: PatientTable,
        rows: Rows,
        columns: slice,
        since: NDArray[np.int64],
        moment: Moment,
        verdict: Verdict,
    ) -> None:
        """Judge conditions that hold since `since`, for the patients whom that can concern."""
        concerned = (since != NEVER).any(axis=1) | (table.alarm_state[rows, columns] != State.NORMAL).any(
            axis=1
        )
        if concerned.any():
            chosen = rows[concerned]
            before, cover = _state(table, chosen, columns), cover_of(table, chosen)
            result = judge_loss(self._rules.technical, moment.event_ms, before, since[concerned], cover)
            self._apply(table, chosen, columns, result, moment, verdict)

    def _judge_news2(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        score = score_news2(table, rows, moment.event_ms)
        inputs = len(PARAMETERS) - score.missing_count
        level = np.where(inputs >= self._rules.news2.inputs_min, BAND_LEVEL[score.band], -1)
        level[table.age_band[rows] != ADULT] = 0  # the score is not for children (RCP 2017)
        column = slice(self._news2, self._news2 + 1)
        before = _state(table, rows, column)
        flat = TickState(
            before.state[:, 0], before.priority[:, 0], before.onset_ms[:, 0], before.clear_ms[:, 0]
        )
        result = judge_band(self._rules.news2, moment.event_ms, flat, level, cover_of(table, rows))
        after = result.after
        wide = TickState(
            after.state[:, None], after.priority[:, None], after.onset_ms[:, None], after.clear_ms[:, None]
        )
        judged = TickJudgement(wide, result.phase[:, None], result.onset_ms[:, None])
        self._apply(table, rows, column, judged, moment, verdict, score)

    def _apply(
        self,
        table: PatientTable,
        rows: Rows,
        columns: slice,
        result: TickJudgement,
        moment: Moment,
        verdict: Verdict,
        score: Score | None = None,
    ) -> None:
        after, before = result.after, _state(table, rows, columns)
        changed = (
            (before.onset_ms != after.onset_ms)
            | (before.clear_ms != after.clear_ms)
            | (before.priority != after.priority)
            | (before.state != after.state)
        ).any(axis=1)
        if not changed.any():
            return
        table.dirty[rows[changed]] = True
        table.alarm_state[rows, columns] = after.state
        table.alarm_priority[rows, columns] = after.priority
        table.alarm_onset_ms[rows, columns] = after.onset_ms
        table.alarm_clear_ms[rows, columns] = after.clear_ms
        verdict.tally.count_limits(before.state, after.state, np.ones_like(changed)[:, None])
        for i, k in np.argwhere(result.phase != Phase.NONE).tolist():
            phase = int(result.phase[i, k])
            told = self._teller.tell(
                table,
                int(rows[i]),
                columns.start + k,
                phase,
                moment,
                priority=int((before if phase == Phase.END else after).priority[i, k]),
                onset_ms=int(result.onset_ms[i, k]),
                value=None if score is None else float(score.lower_bound[i]),
                missing=() if score is None else _missing(score, i),
            )
            verdict.happenings.append(told)

    def _remind(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Report open alarms again, but not those that a more severe one of the signal stands for."""
        due = remind(moment.event_ms, table.alarm_state[rows], table.alarm_told_ms[rows])
        due[:, self._limits] &= ~outranked(self._in_force.rules, table.alarm_state[rows, self._limits])
        for i, column in np.argwhere(due).tolist():
            row = int(rows[i])
            if column != self._news2:
                told = self._teller.move(table, row, column, Event.REMIND, moment)
            else:
                score = score_news2(table, rows[i : i + 1], moment.event_ms)
                value, missing = float(score.lower_bound[0]), _missing(score, 0)
                told = self._teller.move(
                    table, row, column, Event.REMIND, moment, value=value, missing=missing
                )
            verdict.happenings.append(told)

    def _drop_gone(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Forget patients without frames for the time to live; what was open ends with them."""
        last = np.maximum(table.seen_ms[rows], table.since_ms[rows])
        for row in rows[(last != NEVER) & (moment.event_ms - last >= self._ttl_ms)].tolist():
            patient = table.patients[row]
            if patient is None:
                continue
            verdict.happenings += self._teller.dismiss(table, row, moment, GONE)
            table.drop(patient)
            verdict.dropped.append(patient)


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
    Where oxygen is not charted the patient's profile counts; it also says whether SpO2 scale 2 was ordered.
    """
    age_max = np.maximum(AGE_MS_MAX, 2 * table.interval_ms[rows].astype(np.int64)[:, None])
    fresh = (table.value_ms[rows] != NEVER) & (now_ms - table.value_ms[rows] <= age_max)
    usable = np.where(fresh, table.value[rows], np.nan)

    def reading(*names: str) -> NDArray[np.float64]:
        values = usable[:, INDEX[names[0]]]
        for name in names[1:]:
            values = np.where(np.isnan(values), usable[:, INDEX[name]], values)
        return values

    charted = reading("on_oxygen")
    return news2(
        resp=reading("resp"),
        spo2=reading("spo2"),
        on_oxygen=np.where(np.isnan(charted), table.oxygen[rows], charted),
        sbp=reading("abp_sys", "nbp_sys"),
        pulse=reading("pulse", "hr"),
        consciousness=reading("consciousness"),
        temp=reading("temp"),
        scale2=table.scale2[rows],
    )


def _missing(score: Score, i: int) -> tuple[str, ...]:
    return tuple(name for name, points in zip(PARAMETERS, score.points[i], strict=True) if np.isnan(points))
