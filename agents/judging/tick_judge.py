"""The judge of ticks: silent devices, lost signals, score bands, and what time does to open alarms.

Pauses end, what they suppressed is announced, whoever was asked and has not answered is passed over, open alarms are
reported again, and patients who are gone are dropped.
"""

from functools import cache, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import LOSS_COLUMNS
from agents.judging.bounded import bounded_runs
from agents.judging.context import Context, RecordContext
from agents.judging.episode_events import suppressed_rank_of
from agents.judging.flicker import flickers, last_minute
from agents.judging.parts import Parts
from agents.judging.reasons import Reason
from agents.judging.screening import Screened, Screening, screen
from agents.judging.tick_alarms import Judged, state_of, take
from agents.judging.transitions import NOT_MEASURED, NOTHING, Details
from agents.judging.verdict import Verdict
from clinical.kernels import screen_bits as asked
from clinical.lifecycle import ACKNOWLEDGED, DELAYED, LATCHED, NORMAL, SUPPRESSED, Event
from clinical.limits import NEVER, suppressed_by_another, suppressed_by_severity, worse
from clinical.losses import (
    Measured,
    loss_ms_max,
    lost_since,
    silence_ms_max,
    silent_since,
    unmeasured,
    unreliable,
)
from clinical.masks import in_row, places, some
from clinical.ticking import judge_loss, remind
from clinical.vitals import AGE_MS_MAX, SIGNALS
from streams.contracts.partition_names import PARTITION
from streams.decoding.decoded import Tick
from tables.latest import latest, measured
from tables.patients import PatientTable

Rows = NDArray[np.int64]

GONE: Final = Details(
    note="monitoring ended, no frames for so long that the patient's state was dropped", reason=Reason.GONE
)


class TickJudge:
    """Judges ticks under one rule set. The alarms' columns begin with limits, silent device, losses, flickers."""

    def __init__(
        self, parts: Parts, recorded: bool, patient_ttl_ms: int, screening: Screening = screen
    ) -> None:
        self._parts, self._rules, self._episodes = parts, parts.rules, parts.episodes
        self._screening = screening
        self._effective, self._conditions = parts.limits, parts.conditions
        self._recorded, self._ttl_ms = recorded, patient_ttl_ms
        limits = parts.limits.count
        self._limits = slice(0, limits)
        self._silent = slice(limits, limits + 1)
        self._losses = slice(limits + 1, limits + 1 + len(LOSS_COLUMNS))
        self._flickers = slice(self._losses.stop, self._losses.stop + len(LOSS_COLUMNS))

    def judge(self, tick: Tick, table: PatientTable, out: Verdict) -> None:
        """Judge one tick for every patient of the partition who has not had it yet."""
        now = tick.tick_ts_ms if self._recorded else tick.append_ts_ms
        table.ticked_until_ms = max(table.ticked_until_ms, now)
        screened = self._screening(table, tick.offset, now)
        if not len(screened.rows):
            if not len(table):  # nobody is left of any ward
                out.counted_ms, out.counts = now, {}
            return
        context = Context(table, screened.rows, RecordContext(tick.offset, now, tick.append_ts_ms, now))
        found = Verdict(tally=out.tally)
        self._judge_all(screened, context, found)
        out.transitions += sorted(found.transitions, key=lambda one: (one.column, one.patient))
        out.dropped += sorted(found.dropped)
        if found.counted_ms != NEVER:
            out.counted_ms, out.counts = found.counted_ms, found.counts

    def _judge_all(self, screened: Screened, context: Context, out: Verdict) -> None:
        """Judge n patients, step after step, each for those whom it has to look at."""
        table, now, parts = context.table, context.record.event_ms, self._parts
        if len(rows := screened.of(asked.PAUSE)):
            for row in parts.pauses.over(table, rows, now):
                parts.pauses.end("the pause is over", context.of([row]), out)
        parts.partition.judge(screened.of(asked.NOTED), context, out)
        if self._rules.technical.enabled:
            self._judge_silence(screened, context, out)
            if len(rows := screened.of(asked.SENSORS)):
                parts.conditions.judge_sensors(context.of(rows), out)
            if len(rows := screened.of(asked.LOSSES)):
                self._judge_losses(context.of(rows), out)
            if len(table.misplaced):
                parts.partition.judge_places(context.of(screened.of(asked.KNOWN)), out)
        parts.conditions.judge(screened, context, out)
        if len(rows := screened.of(asked.WIDENING)):
            parts.widenings.judge(context.of(rows), out)
        if len(rows := screened.of(asked.OPEN)) and len(rows := table.with_alarms_above(rows, DELAYED)):
            self._judge_open(context.of(rows), out)
        if len(rows := screened.of(asked.GONE)):
            self._drop_gone(context.of(rows), out)

    def _judge_open(self, context: Context, out: Verdict) -> None:
        """Judge what time does to the alarms of patients who have any that is open or suppressed."""
        parts = self._parts
        parts.broken_glass.judge(context, out)
        self._lapse(context, out)
        self._worsen(context, out)
        self._release(context, out)
        for row, column in parts.responsibilities.overdue(
            context.table, context.rows, context.record.event_ms
        ):
            out.emit(parts.responsibilities.pass_over(context, row, column))
        self._remind(context, out)

    def _lapse(self, context: Context, out: Verdict) -> None:
        """End acknowledged and suppressed limit alarms whose signal is not measured any more.

        What was known of one condition, or suppressed for one, must not hide what is measured after.
        """
        table, rows = context.table, context.rows
        state = table.alarm_state.take(rows, axis=0)[:, self._limits]
        quiet = (state == ACKNOWLEDGED) | (state == SUPPRESSED)
        if not some(quiet):
            return
        place, columns = np.nonzero(quiet)
        concerned, signal = rows[place], self._effective.rules.signal[columns]
        last, at = latest(table, concerned), np.arange(len(concerned))
        value_ms, interval_ms = last.value_ms[at, signal], last.interval_ms[at, signal]
        old = unmeasured(context.record.event_ms, value_ms, AGE_MS_MAX[signal], interval_ms)
        for row, column in zip(concerned[old].tolist(), columns[old].tolist(), strict=True):
            if table.alarm_state[row, column] == SUPPRESSED:
                out.count(Reason.ENDED_SUPPRESSED)
                self._episodes.rest(table, row, column)
            else:
                out.emit(self._episodes.move(context, row, column, Event.CLEAR, NOT_MEASURED))

    def _worsen(self, context: Context, out: Verdict) -> None:
        """Emit limit alarms again that have grown worse by a step than somebody knows of.

        What a more severe alarm of the signal stands for is known by that one.
        """
        table, rows = context.table, context.rows
        known = table.alarm_known.take(rows, axis=0)[:, self._limits]
        if not some(known == known):  # NaN where nobody knows of anything
            return
        limits, state = self._effective.rules, table.alarm_state[rows, self._limits]
        found = worse(limits, known, table.alarm_extreme[rows, self._limits])
        suppressed = suppressed_by_severity(limits, state)
        for i, column in places(found):
            row = int(rows[i])
            if suppressed[i, column]:
                self._episodes.take_note(table, row, column)
                table.dirty[row] = True
                continue
            (now, shown), unit = self._episodes.worst(table, row, column), SIGNALS[limits.signal[column]].unit
            note = f"{shown} {unit}, worse than the {known[i, column]:g} that somebody knows of"
            out.emit(self._episodes.move(context, row, column, Event.WORSE, Details(now, note=note)))

    def _release(self, context: Context, out: Verdict) -> None:
        """Announce limit alarms that nothing suppresses any more, if the last reading still breaks the limit."""
        table, rows = context.table, context.rows
        state = table.alarm_state.take(rows, axis=0)[:, self._limits]
        waiting = (state == SUPPRESSED) | (state == LATCHED)
        if not some(waiting):
            return
        now = np.full(len(rows), context.record.event_ms)
        rules = self._effective.rules
        suppressed_rank = self._conditions.suppressed_rank_of_limits(table, rows, now)
        free = waiting & (rules.rank > suppressed_rank)
        if not some(free):
            return
        # Who is stood for now stays so: what this tick tells stands for more, never for less.
        rows, free = rows[free.any(axis=1)], free[free.any(axis=1)]
        same_rate = cache(partial(self._conditions.same_rate, table, rows, context.record.event_ms))
        free &= ~suppressed_by_another(rules, table.alarm_state[rows, self._limits], same_rate)
        if not some(free):
            return
        still, value = self._breaking(table, rows)
        free &= still
        for turn in rules.turns:  # who stands for others comes first
            ready = free & turn
            if not some(ready):
                continue
            state = table.alarm_state[rows, self._limits]
            for i, column in places(ready & ~suppressed_by_another(rules, state, same_rate)):
                row = int(rows[i])
                table.alarm_priority[row, column] = rules.rank[column]
                said = Details(float(value[i, column]))
                out.emit(self._episodes.move(context, row, column, Event.DUE, said))

    def _breaking(self, table: PatientTable, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return which limits a last reading still breaks, and that, (n, rules) each; it is NaN where it is a bound.

        Of several it is that of the device which has been known for longest.
        """
        slots, signal = table.of_devices(rows), self._effective.rules.signal
        found = np.full((len(rows), len(signal)), np.nan)
        still = np.zeros(found.shape, np.bool_)
        for k in reversed(range(slots.shape[1])):
            value = table.devices.value[slots[:, k]]
            broken = self._effective.violated(table, rows, value)
            broken |= bounded_runs(table.devices, slots[:, k], signal)
            found, still = np.where(broken, value[:, signal], found), still | broken
        return still, found

    def _judge_silence(self, screened: Screened, context: Context, out: Verdict) -> None:
        """Judge who is silent; where that is a ward's matter, or its patients are counted, among all who are heard."""
        silences, heard = self._parts.silences, screened.of(asked.HEARD)
        is_due = silences.are_due(context.table, context.record.event_ms)  # also when nobody is left
        context = context.of(heard if is_due else screened.of(asked.SILENCE))
        if not len(context.rows) and not is_due:
            return
        since = self._since_unheard(context)
        if is_due or silences.concern(since, context):
            if len(context.rows) < len(heard):
                context = context.of(heard)
                since = self._since_unheard(context)
            since = silences.judge(since, context, out)
        self._judge_since(self._silent, since[:, None], context, out)

    def _since_unheard(self, context: Context) -> NDArray[np.int64]:
        """Return since when each patient's devices are silent, (n,)."""
        table, slots = context.table, context.table.of_devices(context.rows)
        return self._silent_since(table.devices.heard_ms.take(slots), slots, context)

    def _silent_since(
        self, heard_ms: NDArray[np.int64], slots: NDArray[np.int32], context: Context
    ) -> NDArray[np.int64]:
        """Return since when each patient is silent, (n,), by when each device was heard, (n, k)."""
        table, rows, now = context.table, context.rows, context.record.event_ms
        patience = silence_ms_max(self._rules.technical, table.devices.interval_ms.take(slots))
        onset = table.alarm_onset_ms.reshape(-1).take(rows * len(table.alarms) + self._silent.start)
        return silent_since(now, heard_ms, patience, onset)

    def _judge_losses(self, context: Context, out: Verdict) -> None:
        """Judge lost signals by frames of now: a device that delivers what it held back says nothing of them."""
        table, rows = context.table, context.rows
        devices, slots, now = table.devices, table.of_devices(rows), context.record.event_ms
        said = measured(table, slots, LOSS_COLUMNS)
        patience = loss_ms_max(self._rules.technical, devices.interval_ms.take(slots))
        live_ms = devices.live_ms(slots)
        silent = self._silent_since(live_ms, slots, context) != NEVER
        onset = table.alarm_onset_ms.take(rows, axis=0)[:, self._losses]
        since = lost_since(now, said, live_ms, patience, silent, onset)
        self._judge_since(self._losses, since, context, out)
        self._judge_flicker(said, patience, context, out)

    def _judge_flicker(
        self, said: Measured, patience: NDArray[np.int64], context: Context, out: Verdict
    ) -> None:
        """Judge signals of which many readings are missing: devices that miss none for a minute are not looked at."""
        table, rows, now = context.table, context.rows, context.record.event_ms
        slots = table.of_devices(rows)
        onset = table.alarm_onset_ms.take(rows, axis=0)[:, self._flickers]
        known = onset != NEVER
        chosen = np.flatnonzero(in_row(flickers(table.devices, slots, now)) | in_row(known))
        if not len(chosen):
            return
        counted = last_minute(table.devices, slots[chosen], now)
        fresh = now - said.value_ms[chosen] < patience[chosen, :, None]
        bad = unreliable(counted, fresh & (said.value_ms[chosen] != NEVER), known[chosen])
        since = np.where(bad, np.where(known[chosen], onset[chosen], now), NEVER)
        self._judge_since(self._flickers, since, context.of(rows[chosen]), out)

    def _judge_since(self, columns: slice, since: NDArray[np.int64], context: Context, out: Verdict) -> None:
        """Judge conditions that hold since `since`, for the patients whom that can concern."""
        table, rows = context.table, context.rows
        concerned = in_row(since != NEVER) | in_row(
            table.alarm_state.take(rows, axis=0)[:, columns] != NORMAL
        )
        if some(concerned):
            chosen = rows[concerned]
            before, suppressed_rank = state_of(table, chosen, columns), suppressed_rank_of(table, chosen)
            over = table.alarm_clear_ms[chosen, columns]
            result = judge_loss(
                self._rules.technical,
                context.record.event_ms,
                before,
                since[concerned],
                over,
                suppressed_rank,
            )
            ended = (before.onset_ms != NEVER) & (result.after.onset_ms == NEVER)
            table.alarm_clear_ms[chosen, columns] = np.where(ended, before.onset_ms, over)
            take(Judged(columns, result), self._episodes, context.of(chosen), out)

    def _remind(self, context: Context, out: Verdict) -> None:
        """Report open alarms again, but not those that a more severe one of the signal stands for."""
        table, rows = context.table, context.rows
        due = remind(
            context.record.event_ms,
            table.alarm_state.take(rows, axis=0),
            table.alarm_priority.take(rows, axis=0),
            table.alarm_told_ms.take(rows, axis=0),
        )
        if not some(due):
            return
        due[:, self._parts.partition.misplaced] = False  # told once: it lasts as long as the patient is here
        due[:, self._limits] &= ~suppressed_by_severity(
            self._effective.rules, table.alarm_state[rows, self._limits]
        )
        for i, column in places(due):
            row = int(rows[i])
            said = self.details(table, row, column, context.record.event_ms)
            out.emit(self._episodes.move(context, row, column, Event.REMIND, said))

    def details(self, table: PatientTable, row: int, column: int, now_ms: int) -> Details:
        """Return what an open alarm says, as it is now."""
        pauses, widenings = self._parts.pauses, self._parts.widenings
        if column in self._conditions.scored:
            return self._conditions.score_again(table, row, column, now_ms)
        if column == pauses.column:
            return Details(note=pauses.lasting(table, row, now_ms))
        if column == widenings.column:
            return Details(note=widenings.note(table, row))
        return NOTHING

    def _drop_gone(self, context: Context, out: Verdict) -> None:
        """Forget patients without frames and commands for the time to live, with what is open; not the partition."""
        table, rows = context.table, context.rows
        first = table.of_devices(rows)[:, 0]
        rows = rows[context.record.event_ms - table.devices.heard_ms.take(first) >= self._ttl_ms]
        if not len(rows):  # as nearly always
            return
        last = np.maximum(table.seen_ms(rows), np.maximum(table.since_ms[rows], table.known_ms[rows]))
        for row in rows[(last != NEVER) & (context.record.event_ms - last >= self._ttl_ms)].tolist():
            patient = table.patients[row]
            if patient is None or patient.startswith(PARTITION):
                continue
            self._episodes.dismiss(context.of([row]), GONE, out)
            table.drop(patient)
            out.dropped.append(patient)
