"""The judge of conditions that need no frame of their own: contradicting sensors, faulty devices, trends, scores.

Decided at ticks from the last readings and the windows; but for the alarms themselves nothing has to be remembered.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import (
    AGE_UNKNOWN,
    BABBLING,
    BACKLOG,
    CHECK_SENSOR,
    CLOCK_SUSPECT,
    IDENTITY_CONFLICT,
    TOO_MANY_DEVICES,
    VITAL_LOSS,
    Alarm,
)
from agents.judging.context import Context
from agents.judging.episode_events import Episodes, suppressed_rank_of
from agents.judging.scoring import (
    is_made_for,
    lapsed,
    level_of,
    numbers_of,
    read_of,
    scored,
    too_few,
    wanted_of,
)
from agents.judging.screening import Screened
from agents.judging.tick_alarms import SLOW_MS, Explained, Held, Levels, is_at_rest, judge_levels
from agents.judging.transitions import NOT_MEASURED, Details
from agents.judging.verdict import Verdict
from clinical.compiled_limits import CompiledLimits, signals_by_age
from clinical.kernels import screen_bits as asked
from clinical.lifecycle import ACTIVE, NORMAL
from clinical.limits import HIGH, INTERVALS_MISSED, LOW, MEDIUM, NEVER, NONE_SUPPRESSED
from clinical.losses import silence_ms_max
from clinical.masks import some
from clinical.rates import agree
from clinical.rules import PRIORITIES, SIGN_OFF_MS, RuleSet, ScoreRule, TechnicalRules
from clinical.scores import NEWS2, SHEETS, Sheet
from clinical.sensors import (
    CROWDED_MS,
    Clock,
    are_apart,
    babbling,
    conflicting,
    disagree,
    doubts,
    has_clock,
)
from clinical.ticking import ADVICE_TURNS, LAPSED, Delayed
from clinical.trends import Line, drift, fit, has_drift, has_trend, is_filled
from clinical.vital_loss import DRIVE, PERFUSION, lost_since, vital_loss_since
from clinical.vitals import COUNT, INDEX, SIGNALS
from tables.device_rows import NOBODY
from tables.latest import Latest, latest
from tables.patients import PatientTable
from tables.windows import BUCKET_MS, MINUTES_MAX

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]

HR: Final = INDEX["hr"]
PULSE: Final = INDEX["pulse"]
_VITAL: Final = np.array([INDEX[name] for name in (*PERFUSION, *DRIVE)])
DRIFT_BUCKETS: Final = MINUTES_MAX * 60_000 // BUCKET_MS

SLOPE_DIGITS: Final = 2
"""Decimals of a trend in an alert."""

INTERVAL_MS_MAX: Final = SIGN_OFF_MS
"""Longest interval that a device can announce."""

UNMEASURED: Final = Details(over=NOT_MEASURED.note, reason=NOT_MEASURED.reason)


AT_ONCE: Final = Held(0.0)


class Conditions:
    """Judges conditions under one rule set."""

    def __init__(
        self,
        rules: RuleSet,
        alarms: tuple[Alarm, ...],
        limits: CompiledLimits,
        episodes: Episodes,
        recorded: bool,
    ) -> None:
        self._rules = rules
        self._episodes = episodes
        self._column: Final = {alarm.id: column for column, alarm in enumerate(alarms)}
        self.sheets: Final = tuple(_sheets(rules))
        self.scored: Final = {self._column[alarming.sheet.id]: alarming.sheet for alarming in self.sheets}
        technical = rules.technical
        self._sensor = Held(technical.check_sensor_s)
        self._checks_sensor = technical.enabled and technical.check_sensor_s > 0
        self.vital_loss_s = technical.vital_loss_s if technical.enabled else 0.0
        # Recordings say no ages; who replays them knows whose they are.
        self.age_unknown_s = 0.0 if recorded or not technical.enabled else technical.age_unknown_s
        self._by_age: Final = signals_by_age(limits)
        # Up to medium, never what is of high priority: a contradiction must not hide an extreme. Nor a low pulse: beats
        # that do not reach the finger, as in bigeminy, are no fault of a sensor.
        doubtful = (limits.signal == HR) | ((limits.signal == PULSE) & np.isneginf(limits.low))
        self._doubt_rank: Final = np.where(doubtful & ~limits.never_withheld, MEDIUM, NONE_SUPPRESSED)
        self._never_suppressed: Final = limits.never_withheld & (limits.rank <= MEDIUM)

    @property
    def technical(self) -> TechnicalRules:
        """The technical rules."""
        return self._rules.technical

    def suppressed_rank_of_limits(self, table: PatientTable, rows: Rows, now_ms: Rows) -> Rows:
        """Return up to which rank each limit rule is suppressed, (n, rules) or (n, 1), by a pause or a sensor in doubt.

        A sensor in doubt suppresses only while its own alarm is active, so that something is always told; `now_ms`
        (n,) is the present.
        """
        suppressed_rank = suppressed_rank_of(table, rows)[:, None]
        if some(self._never_suppressed):  # high ones are above what a pause suppresses
            suppressed_rank = np.where(self._never_suppressed, NONE_SUPPRESSED, suppressed_rank)
        if not self._checks_sensor:
            return suppressed_rank
        column = self._column[CHECK_SENSOR]
        doubt = table.alarm_state[rows, column] == ACTIVE
        if not some(doubt):
            return suppressed_rank
        last = latest(table, rows, [HR, PULSE])
        doubt &= doubts(
            table.alarm_onset_ms[rows, column],
            now_ms,
            last.value_ms.min(axis=1),
            last.interval_ms.max(axis=1).astype(np.int64),
            np.any(last.is_lost, axis=1),
        )
        return np.maximum(suppressed_rank, np.where(doubt[:, None], self._doubt_rank, NONE_SUPPRESSED))

    def same_rate(self, table: PatientTable, rows: Rows, now_ms: int | Rows) -> Bools:
        """Return where heart rate and pulse rate of n patients agree at `now_ms`, one time or (n,), as (n,)."""
        last = latest(table, rows, [HR, PULSE])
        interval = last.interval_ms.max(axis=1).astype(np.int64)
        lost = np.any(last.is_lost, axis=1)
        return agree(last.value[:, 0], last.value[:, 1], last.value_ms.min(axis=1), lost, now_ms, interval)

    def judge_sensors(self, context: Context, out: Verdict) -> None:
        """Judge whether heart rate and pulse contradict each other."""
        table, rows = context.table, context.rows
        if not self._checks_sensor:
            return
        rows = rows[may_disagree(table, rows) | ~is_at_rest(table, rows, self._column[CHECK_SENSOR])]
        if not len(rows):
            return
        last = latest(table, rows, [HR, PULSE])
        (hr, pulse), (hr_ms, pulse_ms) = last.value.T, last.value_ms.T
        interval = last.interval_ms.max(axis=1).astype(np.int64)
        apart = disagree(
            hr, pulse, hr_ms, pulse_ms, context.record.event_ms, interval, np.any(last.is_lost, axis=1)
        )

        def explain(i: int) -> Details:
            note = f"heart rate {hr[i]:g} and pulse rate {pulse[i]:g} bpm differ"
            return Details(float(abs(hr[i] - pulse[i])), note=note)

        self._judge(Condition(CHECK_SENSOR, self._sensor, MEDIUM, apart, explain), context.of(rows), out)

    def judge(self, screened: Screened, context: Context, out: Verdict) -> None:
        """Judge everything else for the patients who have to be looked at."""
        if self._rules.technical.enabled:
            if len(rows := screened.of(asked.DEVICES)):
                self._judge_devices(context.of(rows), out)
            if len(rows := screened.of(asked.BABBLING)):
                self._judge_babbling(context.of(rows), out)
        if self.vital_loss_s > 0 and len(rows := screened.of(asked.VITAL_LOSS)):
            self._judge_vital_loss(context.of(rows), out)
        if self.age_unknown_s > 0 and len(rows := screened.of(asked.AGE)):
            self._judge_age(context.of(rows), out)
        for number, alarming in enumerate(self.sheets):
            if len(rows := screened.of(asked.SCORE << number)):
                self._judge_score(alarming, context.of(rows), out)
        if len(rows := screened.of(asked.BUCKET)):
            self._judge_trends(context.of(rows), out)
            self._judge_drifts(context.of(rows), out)

    def _judge_score(self, alarming: "Alarming", context: Context, out: Verdict) -> None:
        """Judge a score: computed for those of whom enough is measured, or whose alarm is not at rest."""
        table, rows = context.table, context.rows
        last = latest(table, rows)
        sheet, column, now = alarming.sheet, self._column[alarming.sheet.id], context.record.event_ms
        wanted = wanted_of(sheet, alarming.inputs_min)
        few = too_few(sheet, table, rows, last, now, wanted)
        idle = few & is_at_rest(table, rows, column)
        if some(idle):
            unknown = np.flatnonzero(idle & is_made_for(sheet, table, rows))
            lapsed(sheet, table, rows[unknown], last.take(unknown), now, wanted)
            asked = np.flatnonzero(~idle)
            rows, last = rows[asked], last.take(asked)
        if not len(rows):
            return
        found = scored(sheet, table, rows, last, now)
        context = context.of(rows)
        level = level_of(alarming.inputs_min, sheet, found, last, context)
        level = self._held(alarming, last, level, context)

        def explain(i: int) -> Details:
            return UNMEASURED if level[i] == LAPSED else numbers_of(sheet, found, i)

        judge_levels(Levels(column, alarming.rule, level, explain), self._episodes, context, out)

    def _held(self, alarming: "Alarming", last: Latest, level: Rows, context: Context) -> Rows:
        """Return levels (n,) that do not fall while an input is a bound: nobody knows its points.

        Of a score that is made for other ages nobody asks for them.
        """
        column, columns = self._column[alarming.sheet.id], read_of(alarming.sheet).columns
        bounded = (np.isnan(last.value[:, columns]) & (last.value_ms[:, columns] != NEVER)).any(axis=1)
        if not some(bounded):  # as nearly always
            return level
        table, rows = context.table, context.rows
        told = np.where(table.alarm_state[rows, column] != NORMAL, table.alarm_priority[rows, column] + 1, 0)
        stays = bounded & (level >= 0) & is_made_for(alarming.sheet, table, rows)
        return np.where(stays, np.maximum(level, told), level)

    def score_again(self, table: PatientTable, row: int, column: int, now_ms: int) -> Details:
        """Return the numbers of a score as they are now."""
        sheet, rows = self.scored[column], np.array([row])
        return numbers_of(sheet, scored(sheet, table, rows, latest(table, rows), now_ms), 0)

    def _judge(self, condition: "Condition", context: Context, out: Verdict) -> None:
        level = np.where(condition.holds, condition.rank + 1, 0)
        column = self._column[condition.alarm]
        judge_levels(Levels(column, condition.rule, level, condition.explain), self._episodes, context, out)

    def _judge_devices(self, context: Context, out: Verdict) -> None:
        table, rows = context.table, context.rows
        technical, now = self._rules.technical, context.record.event_ms
        devices, slots = table.devices, table.of_devices(rows)
        kinds, heard = devices.clock[slots], devices.heard_ms[slots]
        age, held = silence_ms_max(technical, devices.interval_ms[slots]), Held(technical.device_fault_s)
        for alarm, kind, rank in (
            (CLOCK_SUSPECT, Clock.SUSPECT, LOW),
            (BACKLOG, Clock.HISTORIC, MEDIUM),
        ):
            holds = has_clock(kind, kinds, heard, now, age)
            self._judge(Condition(alarm, held, rank, holds), context, out)
        again = np.any(
            conflicting(devices.conflict_ms[slots], devices.conflict_before_ms[slots], now), axis=1
        )
        self._judge(Condition(IDENTITY_CONFLICT, AT_ONCE, LOW, again), context, out)
        pushed = table.pushed_out_ms[rows]
        crowded = (pushed != NEVER) & (now - pushed <= CROWDED_MS)
        self._judge(Condition(TOO_MANY_DEVICES, AT_ONCE, LOW, crowded), context, out)

    def _judge_babbling(self, context: Context, out: Verdict) -> None:
        table, rows = context.table, context.rows
        devices, slots, now = table.devices, table.of_devices(rows), context.record.event_ms
        intervals = devices.interval_ms[slots].astype(np.int64)
        heard = now - devices.heard_ms[slots] <= silence_ms_max(
            self._rules.technical, devices.interval_ms[slots]
        )
        shortest = np.where((slots != NOBODY) & heard, intervals, INTERVAL_MS_MAX).min(axis=1)
        shortest[~((slots != NOBODY) & heard).any(axis=1)] = 0
        readings = table.windows.busiest(rows, now // BUCKET_MS - 1)
        holds = babbling(readings, shortest, BUCKET_MS)

        def explain(i: int) -> Details:
            due = BUCKET_MS // max(1, int(shortest[i]))
            note = f"{readings[i]} readings in {BUCKET_MS // 1000} s where it announces {due}"
            return Details(float(readings[i]), note=note)

        held = Held(self._rules.technical.device_fault_s)
        self._judge(Condition(BABBLING, held, LOW, holds, explain), context.of(rows), out)

    def _judge_vital_loss(self, context: Context, out: Verdict) -> None:
        """Judge whether signs of life are lost together: asked in full of those only who have no pulse."""
        table, rows = context.table, context.rows
        no_pulse = self._lost_since(table, rows, _VITAL[:1])[:, 0] != NEVER
        rows = rows[no_pulse | ~is_at_rest(table, rows, self._column[VITAL_LOSS])]
        if not len(rows):  # as nearly always
            return
        since = self._lost_since(table, rows, _VITAL)
        lost = vital_loss_since(since[:, : len(PERFUSION)], since[:, len(PERFUSION) :])

        def explain(i: int) -> Details:
            gone = [SIGNALS[s].title for s, ms in zip(_VITAL, since[i].tolist(), strict=True) if ms != NEVER]
            for_s = (context.record.event_ms - int(lost[i])) / 1000
            return Details(note=f"{', '.join(gone)} lost together for {for_s:g} s, check the patient")

        held = Held(0.0)  # how long it must last is in the patience
        self._judge(Condition(VITAL_LOSS, held, HIGH, lost != NEVER, explain), context.of(rows), out)

    def _lost_since(self, table: PatientTable, rows: Rows, signals: Rows) -> Rows:
        """Return since when each of some signs of life is lost, (n, signals), `NEVER` where it is not."""
        last = latest(table, rows, signals)
        patience = np.maximum(
            round(self.vital_loss_s * 1000), INTERVALS_MISSED * last.interval_ms.astype(np.int64)
        )
        return lost_since(last.live_ms, last.lost_ms, last.value_ms, patience)

    def _judge_age(self, context: Context, out: Verdict) -> None:
        """Judge whether limits hang on an age that nobody said: an advisory alarm, which no pause covers.

        It may be everybody's: it begins when it is a patient's turn.
        """
        table, rows = context.table, context.rows
        column = self._column[AGE_UNKNOWN]
        begins = table.turn[rows] == context.record.event_ms // SLOW_MS % ADVICE_TURNS
        asked = rows[(begins & ~table.age_known[rows]) | ~is_at_rest(table, rows, column)]
        measured = np.any(latest(table, asked, self._by_age.tolist()).value_ms != NEVER, axis=1)
        level = np.where(measured & ~table.age_known[asked], LOW + 1, 0)
        held, free = Held(self.age_unknown_s), np.full(len(asked), NONE_SUPPRESSED)
        levels = Levels(column, held, level, suppressed_rank=free)
        judge_levels(levels, self._episodes, context.of(asked), out)

    def _judge_trends(self, context: Context, out: Verdict) -> None:
        table, rows = context.table, context.rows
        last = context.record.event_ms // BUCKET_MS - 1
        lines: dict[tuple[str, int], Line] = {}
        for rule in self._rules.trends:
            buckets = rule.minutes * 60_000 // BUCKET_MS
            line = lines.get((rule.signal, buckets))
            if line is None:
                means = table.windows.means(rows, INDEX[rule.signal], last, buckets)
                line = lines[rule.signal, buckets] = fit(means, BUCKET_MS)
            holds = has_trend(rule, line, buckets)
            explain = _course(line.slope, is_filled(line.count, buckets))
            rank = PRIORITIES.index(rule.priority)
            self._judge(Condition(rule.id, rule, rank, holds, explain), context.of(rows), out)

    def _judge_drifts(self, context: Context, out: Verdict) -> None:
        table, rows = context.table, context.rows
        last = context.record.event_ms // BUCKET_MS - 1
        for rule in self._rules.drifts:
            found = drift(rule, table.windows.means(rows, INDEX[rule.signal], last, DRIFT_BUCKETS))
            holds = has_drift(rule, found, DRIFT_BUCKETS)
            most = np.where(found.up >= found.down, found.up, -found.down)
            explain = _course(most, is_filled(found.count, DRIFT_BUCKETS))
            rank = PRIORITIES.index(rule.priority)
            self._judge(Condition(rule.id, rule, rank, holds, explain), context.of(rows), out)


def _course(value: NDArray[np.float64], filled: Bools) -> Explained:
    """Return what explains a trend or a drift: its value (n,), where enough was measured (n,) to say one."""
    return lambda i: Details(round(float(value[i]), SLOPE_DIGITS)) if filled[i] else UNMEASURED


def may_disagree(table: PatientTable, rows: Rows) -> Bools:
    """Return whose rates may contradict each other, (n,): a cheap look each second, before the one that counts."""
    devices, slots = table.devices, table.of_devices(rows)
    if slots.shape[1] > 1:
        return np.ones(len(rows), np.bool_)
    cells, value = slots[:, 0].astype(np.int64) * COUNT, devices.value.reshape(-1)
    return are_apart(value.take(cells + HR), value.take(cells + PULSE))


class Condition(NamedTuple):
    """For whom an alarm's condition holds, (n,), with which rule and rank, and what the alarm says of each."""

    alarm: str
    rule: Delayed
    rank: int
    holds: Bools
    explain: Explained | None = None


class Alarming(NamedTuple):
    """A score that alarms, its rule and how many inputs it needs."""

    sheet: Sheet
    rule: Delayed
    inputs_min: int


def _sheets(rules: RuleSet) -> list[Alarming]:
    by_id = {sheet.id: sheet for sheet in SHEETS}
    chosen = [ScoreRule(NEWS2.id, rules.news2.inputs_min, rules.news2.delay_s)] if rules.news2.enabled else []
    return [Alarming(by_id[rule.id], rule, rule.inputs_min) for rule in (*chosen, *rules.scores)]
