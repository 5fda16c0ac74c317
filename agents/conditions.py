"""The judge of conditions that need no frame of their own: contradicting sensors, faulty devices, trends, scores.

Decided at ticks from the last readings and the windows; but for the alarms themselves nothing has to be remembered.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.alarms import (
    AGE_UNKNOWN,
    BABBLING,
    BACKLOG,
    CHECK_SENSOR,
    CLOCK_SUSPECT,
    VITAL_LOSS,
    Alarm,
)
from agents.episodes import Moment, Teller, cover_of
from agents.scoring import level_of, numbers_of, score_of
from agents.tick_alarms import NOT_MEASURED, Behind, Numbers, judge_levels
from agents.verdict import Verdict
from clinical.lifecycle import ACTIVE, NORMAL
from clinical.limits import HIGH, LOW, MEDIUM, NEVER, NO_COVER
from clinical.masks import some
from clinical.points import Score
from clinical.rates import agree
from clinical.rules import PRIORITIES, CompiledLimits, RuleSet, ScoreRule, signals_by_age
from clinical.scores import NEWS2, SHEETS, Sheet
from clinical.sensors import Clock, babbling, disagree, has_clock
from clinical.ticking import (
    INTERVALS_MISSED,
    LAPSED,
    UNKNOWN,
    Delayed,
    silence_ms_max,
    unscored_ms_max,
)
from clinical.trends import Line, drift, fit, has_drift, has_trend, is_filled
from clinical.vital_loss import DRIVE, PERFUSION, lost_since, vital_loss_since
from clinical.vitals import INDEX, SIGNALS
from tables.patients import PatientTable
from tables.windows import BUCKET_MS, MINUTES_MAX

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]

HR: Final = INDEX["hr"]
PULSE: Final = INDEX["pulse"]
_VITAL: Final = np.array([INDEX[name] for name in (*PERFUSION, *DRIVE)])
DRIFT_BUCKETS: Final = MINUTES_MAX * 60_000 // BUCKET_MS

SLOPE_DIGITS: Final = 2
"""Decimals in which a trend is told."""

UNMEASURED: Final = Numbers(over=NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class _Held:
    """How long a condition has to hold."""

    delay_s: float


class Conditions:
    """Judges conditions under one rule set."""

    def __init__(
        self,
        rules: RuleSet,
        alarms: tuple[Alarm, ...],
        limits: CompiledLimits,
        teller: Teller,
        recorded: bool,
    ) -> None:
        self._rules = rules
        self._teller = teller
        self._column: Final = {alarm.id: column for column, alarm in enumerate(alarms)}
        self._sheets: Final[list[tuple[Sheet, Delayed, int]]] = _sheets(rules)
        self.scored: Final = {self._column[sheet.id]: sheet for sheet, _, _ in self._sheets}
        technical = rules.technical
        self._sensor = _Held(technical.check_sensor_s)
        self._checks_sensor = technical.enabled and technical.check_sensor_s > 0
        self._vital_loss_s = technical.vital_loss_s if technical.enabled else 0.0
        # Recordings say no ages; who replays them knows whose they are.
        self._age_unknown_s = 0.0 if recorded or not technical.enabled else technical.age_unknown_s
        self._by_age: Final = signals_by_age(limits)
        # Up to medium, never what is of high priority: a contradiction must not hide an extreme.
        doubtful = np.isin(limits.signal, (HR, PULSE))
        self._doubt_cover: Final = np.where(doubtful, MEDIUM, NO_COVER)

    def cover_of_limits(self, table: PatientTable, rows: Rows) -> Rows:
        """Return up to which rank each limit rule is withheld, (n, rules) or (n, 1): by a pause, or a sensor in doubt.

        A sensor in doubt withholds only while its own alarm is active, so that something always is told again.
        """
        cover = cover_of(table, rows)[:, None]
        if not self._checks_sensor:
            return cover
        doubt = table.alarm_state[rows, self._column[CHECK_SENSOR]] == ACTIVE
        if not some(doubt):
            return cover
        return np.maximum(cover, np.where(doubt[:, None], self._doubt_cover, NO_COVER))

    def same_rate(self, table: PatientTable, rows: Rows, now_ms: int | Rows) -> Bools:
        """Return where heart rate and pulse rate of n patients agree at `now_ms`, one time or (n,), as (n,)."""
        older_ms = np.minimum(table.value_ms[rows, HR], table.value_ms[rows, PULSE])
        lost = (table.lost_ms[rows, HR] != NEVER) | (table.lost_ms[rows, PULSE] != NEVER)
        hr, pulse = table.value[rows, HR], table.value[rows, PULSE]
        return agree(hr, pulse, older_ms, lost, now_ms, table.interval_ms[rows].astype(np.int64))

    def judge_sensors(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Judge whether heart rate and pulse contradict each other."""
        if not self._checks_sensor:
            return
        hr, pulse = table.value[rows, HR], table.value[rows, PULSE]
        hr_ms, pulse_ms = table.value_ms[rows, HR], table.value_ms[rows, PULSE]
        apart = disagree(
            hr, pulse, hr_ms, pulse_ms, moment.event_ms, table.interval_ms[rows].astype(np.int64)
        )

        def behind(i: int) -> Numbers:
            note = f"heart rate {hr[i]:g} and pulse rate {pulse[i]:g} bpm contradict each other"
            return Numbers(float(abs(hr[i] - pulse[i])), note=note)

        self._judge(table, rows, CHECK_SENSOR, self._sensor, MEDIUM, apart, moment, verdict, behind)

    def judge(self, table: PatientTable, rows: Rows, bucket: Bools, moment: Moment, verdict: Verdict) -> None:
        """Judge everything else for n patients; `bucket` (n,) whether a window bucket is over since last time."""
        if self._rules.technical.enabled:
            self._judge_devices(table, rows, moment, verdict)
            self._judge_babbling(table, rows[bucket], moment, verdict)
        if self._vital_loss_s > 0:
            self._judge_vital_loss(table, rows, moment, verdict)
        if self._age_unknown_s > 0:
            self._judge_age(table, rows, moment, verdict)
        for sheet, rule, inputs_min in self._sheets:
            score = score_of(sheet, table, rows, moment.event_ms)
            level = level_of(sheet, score, table.age_band[rows], inputs_min)
            column = self._column[sheet.id]
            unknown = np.flatnonzero((level == UNKNOWN) & (table.alarm_state[rows, column] != NORMAL))
            if len(unknown):
                level[unknown] = self._lapsed(table, rows[unknown], sheet, inputs_min, moment.event_ms)

            def behind(i: int, sheet: Sheet = sheet, score: Score = score, level: Rows = level) -> Numbers:
                return UNMEASURED if level[i] == LAPSED else numbers_of(sheet, score, i)

            judge_levels(self._teller, table, rows, column, rule, level, moment, verdict, behind)
        if some(bucket):
            self._judge_trends(table, rows[bucket], moment, verdict)
            self._judge_drifts(table, rows[bucket], moment, verdict)

    @staticmethod
    def _lapsed(table: PatientTable, rows: Rows, sheet: Sheet, inputs_min: int, now_ms: int) -> Rows:
        """Return the level (n,) of patients without a score: `LAPSED` where there was none for too long."""
        score = score_of(sheet, table, rows, now_ms - unscored_ms_max(table.interval_ms[rows]))
        known = level_of(sheet, score, table.age_band[rows], inputs_min) != UNKNOWN
        return np.where(known, UNKNOWN, LAPSED)

    def score_again(self, table: PatientTable, row: int, column: int, now_ms: int) -> Numbers:
        """Return the numbers of a score as they are now."""
        sheet = self.scored[column]
        return numbers_of(sheet, score_of(sheet, table, np.array([row]), now_ms), 0)

    def _judge(
        self,
        table: PatientTable,
        rows: Rows,
        alarm: str,
        rule: Delayed,
        rank: int,
        holds: Bools,
        moment: Moment,
        verdict: Verdict,
        behind: Behind | None = None,
    ) -> None:
        level = np.where(holds, rank + 1, 0)
        judge_levels(self._teller, table, rows, self._column[alarm], rule, level, moment, verdict, behind)

    def _judge_devices(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        technical, now = self._rules.technical, moment.event_ms
        kinds, heard = table.device_clock[rows], table.device_append_ms[rows]
        age, held = silence_ms_max(technical, table.interval_ms[rows]), _Held(technical.device_fault_s)
        for alarm, kind, rank in (
            (CLOCK_SUSPECT, Clock.SUSPECT, LOW),
            (BACKLOG, Clock.HISTORIC, MEDIUM),
        ):
            holds = has_clock(kind, kinds, heard, now, age)
            self._judge(table, rows, alarm, held, rank, holds, moment, verdict)

    def _judge_babbling(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        if not len(rows):
            return
        readings = table.windows.busiest(rows, moment.event_ms // BUCKET_MS - 1)
        holds = babbling(readings, table.interval_ms[rows].astype(np.int64), BUCKET_MS)

        def behind(i: int) -> Numbers:
            due = BUCKET_MS // max(1, int(table.interval_ms[rows[i]]))
            note = f"{readings[i]} readings in {BUCKET_MS // 1000} s where it announces {due}"
            return Numbers(float(readings[i]), note=note)

        held = _Held(self._rules.technical.device_fault_s)
        self._judge(table, rows, BABBLING, held, LOW, holds, moment, verdict, behind)

    def _judge_vital_loss(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Judge whether signs of life are lost together."""
        cells, interval_ms = (rows[:, None], _VITAL), table.interval_ms[rows].astype(np.int64)
        patience = np.maximum(round(self._vital_loss_s * 1000), INTERVALS_MISSED * interval_ms)
        since = lost_since(table.seen_ms[rows, None], table.lost_ms[cells], table.value_ms[cells], patience)
        lost = vital_loss_since(since[:, : len(PERFUSION)], since[:, len(PERFUSION) :])

        def behind(i: int) -> Numbers:
            gone = [SIGNALS[s].title for s, ms in zip(_VITAL, since[i].tolist(), strict=True) if ms != NEVER]
            for_s = (moment.event_ms - int(lost[i])) / 1000
            return Numbers(note=f"{', '.join(gone)} lost together for {for_s:g} s, check the patient")

        held = _Held(0.0)  # how long it must last is in the patience
        self._judge(table, rows, VITAL_LOSS, held, HIGH, lost != NEVER, moment, verdict, behind)

    def _judge_age(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Judge whether limits hang on an age that nobody said: an advisory alarm, which no pause covers."""
        unknown, column = ~table.age_known[rows], self._column[AGE_UNKNOWN]
        asked = rows[unknown | (table.alarm_state[rows, column] != NORMAL)]
        measured = (table.value_ms[asked[:, None], self._by_age] != NEVER).any(axis=1)
        level = np.where(measured & ~table.age_known[asked], LOW + 1, 0)
        held, free = _Held(self._age_unknown_s), np.full(len(asked), NO_COVER)
        judge_levels(self._teller, table, asked, column, held, level, moment, verdict, cover=free)

    def _judge_trends(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        last = moment.event_ms // BUCKET_MS - 1
        lines: dict[tuple[str, int], Line] = {}
        for rule in self._rules.trends:
            buckets = rule.minutes * 60_000 // BUCKET_MS
            line = lines.get((rule.signal, buckets))
            if line is None:
                means = table.windows.means(rows, INDEX[rule.signal], last, buckets)
                line = lines[rule.signal, buckets] = fit(means, BUCKET_MS)
            holds = has_trend(rule, line, buckets)
            behind = _course(line.slope, is_filled(line.count, buckets))
            rank = PRIORITIES.index(rule.priority)
            self._judge(table, rows, rule.id, rule, rank, holds, moment, verdict, behind)

    def _judge_drifts(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        last = moment.event_ms // BUCKET_MS - 1
        for rule in self._rules.drifts:
            found = drift(rule, table.windows.means(rows, INDEX[rule.signal], last, DRIFT_BUCKETS))
            holds = has_drift(rule, found, DRIFT_BUCKETS)
            most = np.where(found.up >= found.down, found.up, -found.down)
            behind = _course(most, is_filled(found.count, DRIFT_BUCKETS))
            rank = PRIORITIES.index(rule.priority)
            self._judge(table, rows, rule.id, rule, rank, holds, moment, verdict, behind)


def _course(value: NDArray[np.float64], filled: Bools) -> Behind:
    """Return the numbers behind a trend or a drift: its value (n,), where enough was measured (n,) to say one."""
    return lambda i: Numbers(round(float(value[i]), SLOPE_DIGITS)) if filled[i] else UNMEASURED


def _sheets(rules: RuleSet) -> list[tuple[Sheet, Delayed, int]]:
    """Return the scores that alarm, each with its rule and how many inputs it needs."""
    by_id = {sheet.id: sheet for sheet in SHEETS}
    chosen = [ScoreRule(NEWS2.id, rules.news2.inputs_min, rules.news2.delay_s)] if rules.news2.enabled else []
    return [(by_id[rule.id], rule, rule.inputs_min) for rule in (*chosen, *rules.scores)]
