"""The judge of ticks: silent devices, lost signals, score bands, and what time does to open alarms.

Pauses end, what they suppressed is announced, whoever was asked and has not answered is passed over, open alarms are
reported again, and patients who are gone are dropped.
"""

from functools import cache, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import LOSS_COLUMNS
from agents.judging.broken_glass import BrokenGlass
from agents.judging.conditions import Conditions
from agents.judging.effective_limits import EffectiveLimits
from agents.judging.episode_events import Episodes, Moment, suppressed_rank_of
from agents.judging.flicker import flickers, last_minute
from agents.judging.partition_alarms import PartitionAlarms
from agents.judging.pauses import Pauses
from agents.judging.responsibility import Responsibilities
from agents.judging.tick_alarms import NOT_MEASURED, NOTHING, SLOW_MS, Numbers, state_of, take
from agents.judging.verdict import Verdict
from agents.judging.ward_silences import Silences
from agents.judging.widenings import Widenings
from clinical.clock import TimeRules
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
from clinical.masks import every, in_row, places, some
from clinical.rules import RuleSet
from clinical.ticking import judge_loss, remind
from clinical.vitals import AGE_MS_MAX, SIGNALS
from streams.decoding.decoded import Tick
from tables.latest import latest, measured
from tables.patients import PatientTable, by_order
from tables.windows import BUCKET_MS

Rows = NDArray[np.int64]

GONE: Final = "monitoring ended, no frames for so long that the patient's state was dropped"


class TickJudge:
    """Judges ticks under one rule set. The alarms' columns begin with limits, silent device, losses, flickers."""

    def __init__(
        self,
        rules: RuleSet,
        effective: EffectiveLimits,
        conditions: Conditions,
        silences: Silences,
        partition_alarms: PartitionAlarms,
        episodes: Episodes,
        pauses: Pauses,
        responsibilities: Responsibilities,
        widenings: Widenings,
        broken_glass: BrokenGlass,
        time: TimeRules,
        patient_ttl_ms: int,
    ) -> None:
        self._rules = rules
        self._effective = effective
        self._episodes = episodes
        self._pauses = pauses
        self._responsibilities = responsibilities
        self._widenings = widenings
        self._broken_glass = broken_glass
        self._recorded = time.recorded
        self._ttl_ms = patient_ttl_ms
        limits = effective.count
        self._limits = slice(0, limits)
        self._silent = slice(limits, limits + 1)
        self._losses = slice(limits + 1, limits + 1 + len(LOSS_COLUMNS))
        self._flickers = slice(self._losses.stop, self._losses.stop + len(LOSS_COLUMNS))
        self._conditions = conditions
        self._silences = silences
        self._of_partition = partition_alarms

    def judge(self, table: PatientTable, tick: Tick, verdict: Verdict) -> None:
        """Judge one tick for every patient of the partition who has not had it yet."""
        now = tick.tick_ts_ms if self._recorded else tick.append_ts_ms
        table.ticked_until_ms = max(table.ticked_until_ms, now)
        rows = table.occupied()
        rows = _of(rows, (table.ticked_ms.take(rows) < now) & (table.position.take(rows) < tick.offset))
        if not len(rows):
            if not len(table):  # nobody is left of any ward
                verdict.counted_ms, verdict.counts = now, {}
            return
        before = table.ticked_ms.take(rows)
        table.ticked_ms[rows] = now
        moment = Moment(tick.offset, now, tick.append_ts_ms, now)
        found = Verdict(tally=verdict.tally)
        self._end_pauses(table, rows, moment, found)
        self._of_partition.judge(table, rows, moment, found)
        monitored = ~table.discharged.take(rows)
        heard = monitored & ((table.came.take(rows) != 1) | (table.since_ms.take(rows) > NEVER))
        if self._rules.technical.enabled:
            self._judge_silence(table, _of(rows, heard), moment, found)
            self._conditions.judge_sensors(table, _of(rows, monitored), moment, found)
        chosen = monitored & (before // SLOW_MS < now // SLOW_MS)
        if some(chosen):
            slow, bucket = _of(rows, chosen), before[chosen] // BUCKET_MS < now // BUCKET_MS
            if self._rules.technical.enabled:
                known = _of(rows, chosen & heard)
                self._judge_losses(table, known, moment, found)
                self._of_partition.judge_places(table, known, moment, found)
            self._conditions.judge(table, slow, bucket, moment, found)
            self._widenings.judge(table, slow, moment, found)
        open_rows = table.with_alarms_above(rows, DELAYED)
        if len(open_rows):
            self._broken_glass.judge(table, open_rows, moment, found)
            self._lapse(table, open_rows, moment, found)
            self._worsen(table, open_rows, moment, found)
            self._release(table, open_rows, moment, found)
            for row, column in self._responsibilities.overdue(table, open_rows, now):
                found.transitions.append(self._responsibilities.pass_over(table, row, column, moment))
            self._remind(table, open_rows, moment, found)
        self._drop_gone(table, rows, moment, found)
        verdict.transitions += sorted(found.transitions, key=lambda h: (h.column, h.patient))
        verdict.dropped += sorted(found.dropped)
        if found.counted_ms != NEVER:
            verdict.counted_ms, verdict.counts = found.counted_ms, found.counts

    def _end_pauses(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        for row in self._pauses.over(table, rows, moment.event_ms):
            verdict.transitions += self._pauses.end(table, row, moment, "the pause is over")

    def _lapse(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """End acknowledged and suppressed limit alarms whose signal is not measured any more.

        What was known of one condition, or suppressed for one, must not hide what is measured after.
        """
        state = table.alarm_state.take(rows, axis=0)[:, self._limits]
        quiet = (state == ACKNOWLEDGED) | (state == SUPPRESSED)
        if not some(quiet):
            return
        place, columns = np.nonzero(quiet)
        concerned, signal = rows[place], self._effective.rules.signal[columns]
        last, at = latest(table, concerned), np.arange(len(concerned))
        value_ms, interval_ms = last.value_ms[at, signal], last.interval_ms[at, signal]
        old = unmeasured(moment.event_ms, value_ms, AGE_MS_MAX[signal], interval_ms)
        for row, column in zip(concerned[old].tolist(), columns[old].tolist(), strict=True):
            if table.alarm_state[row, column] == SUPPRESSED:
                verdict.tally.ended_withheld += 1
                self._episodes.rest(table, row, column)
            else:
                emitted = self._episodes.move(table, row, column, Event.CLEAR, moment, NOT_MEASURED)
                verdict.transitions.append(emitted)

    def _worsen(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Tell again of limit alarms that have grown worse by a step than somebody knows of.

        What a more severe alarm of the signal stands for is known by that one.
        """
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
            now, unit = float(table.alarm_extreme[row, column]), SIGNALS[limits.signal[column]].unit
            note = f"{now:g} {unit}, worse than the {known[i, column]:g} that somebody knows of"
            verdict.transitions.append(
                self._episodes.move(table, row, column, Event.WORSE, moment, note, value=now)
            )

    def _release(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Announce limit alarms that nothing suppresses any more, if the last reading still breaks the limit."""
        state = table.alarm_state.take(rows, axis=0)[:, self._limits]
        waiting = (state == SUPPRESSED) | (state == LATCHED)
        if not some(waiting):
            return
        now = np.full(len(rows), moment.event_ms)
        rules, suppressed_rank = (
            self._effective.rules,
            self._conditions.suppressed_rank_of_limits(table, rows, now),
        )
        free = waiting & (rules.rank > suppressed_rank)
        if not some(free):
            return
        # Who is stood for now stays so: what this tick tells stands for more, never for less.
        rows, free = rows[free.any(axis=1)], free[free.any(axis=1)]
        same_rate = cache(partial(self._conditions.same_rate, table, rows, moment.event_ms))
        free &= ~suppressed_by_another(rules, table.alarm_state[rows, self._limits], same_rate)
        if not some(free):
            return
        value = self._breaking(table, rows)
        free &= ~np.isnan(value)
        for turn in rules.turns:  # who stands for others comes first
            ready = free & turn
            if not some(ready):
                continue
            state = table.alarm_state[rows, self._limits]
            for i, column in places(ready & ~suppressed_by_another(rules, state, same_rate)):
                row = int(rows[i])
                table.alarm_priority[row, column] = rules.rank[column]
                verdict.transitions.append(
                    self._episodes.move(table, row, column, Event.DUE, moment, value=float(value[i, column]))
                )

    def _breaking(self, table: PatientTable, rows: Rows) -> NDArray[np.float64]:
        """Return a last reading that still breaks each limit, (n, rules), NaN where no device has one.

        Of several it is that of the device which has been known for longest.
        """
        slots, signal = table.of_devices(rows), self._effective.rules.signal
        found = np.full((len(rows), len(signal)), np.nan)
        for k in reversed(range(slots.shape[1])):
            value = table.devices.value[slots[:, k]]
            broken = self._effective.violated(table, rows, value)
            found = np.where(broken, value[:, signal], found)
        return found

    def _judge_silence(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        slots = table.of_devices(rows)
        since = self._silent_since(table, rows, table.devices.heard_ms.take(slots), slots, moment.event_ms)
        since = self._silences.judge(table, rows, since, moment, verdict)
        self._judge_since(table, rows, self._silent, since[:, None], moment, verdict)

    def _silent_since(
        self, table: PatientTable, rows: Rows, heard_ms: NDArray[np.int64], slots: NDArray[np.int32], now: int
    ) -> NDArray[np.int64]:
        patience = silence_ms_max(self._rules.technical, table.devices.interval_ms.take(slots))
        onset = table.alarm_onset_ms.reshape(-1).take(rows * len(table.alarms) + self._silent.start)
        return silent_since(now, heard_ms, patience, onset)

    def _judge_losses(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Judge lost signals by frames of now: a device that delivers what it held back says nothing of them."""
        devices, slots, now = table.devices, table.of_devices(rows), moment.event_ms
        said = measured(table, slots, LOSS_COLUMNS)
        patience = loss_ms_max(self._rules.technical, devices.interval_ms.take(slots))
        live_ms = devices.live_ms(slots)
        silent = self._silent_since(table, rows, live_ms, slots, now) != NEVER
        onset = table.alarm_onset_ms.take(rows, axis=0)[:, self._losses]
        since = lost_since(now, said, live_ms, patience, silent, onset)
        self._judge_since(table, rows, self._losses, since, moment, verdict)
        self._judge_flicker(table, rows, slots, said, patience, moment, verdict)

    def _judge_flicker(
        self,
        table: PatientTable,
        rows: Rows,
        slots: NDArray[np.int32],
        said: Measured,
        patience: NDArray[np.int64],
        moment: Moment,
        verdict: Verdict,
    ) -> None:
        """Judge signals of which many readings are missing: devices that miss none for a minute are not looked at."""
        now = moment.event_ms
        onset = table.alarm_onset_ms.take(rows, axis=0)[:, self._flickers]
        known = onset != NEVER
        chosen = np.flatnonzero(in_row(flickers(table.devices, slots, now)) | in_row(known))
        if not len(chosen):
            return
        counted = last_minute(table.devices, slots[chosen], now)
        fresh = now - said.value_ms[chosen] < patience[chosen, :, None]
        bad = unreliable(counted, fresh & (said.value_ms[chosen] != NEVER), known[chosen])
        since = np.where(bad, np.where(known[chosen], onset[chosen], now), NEVER)
        self._judge_since(table, rows[chosen], self._flickers, since, moment, verdict)

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
        concerned = in_row(since != NEVER) | in_row(
            table.alarm_state.take(rows, axis=0)[:, columns] != NORMAL
        )
        if some(concerned):
            chosen = rows[concerned]
            before, suppressed_rank = state_of(table, chosen, columns), suppressed_rank_of(table, chosen)
            over = table.alarm_clear_ms[chosen, columns]
            result = judge_loss(
                self._rules.technical, moment.event_ms, before, since[concerned], over, suppressed_rank
            )
            ended = (before.onset_ms != NEVER) & (result.after.onset_ms == NEVER)
            table.alarm_clear_ms[chosen, columns] = np.where(ended, before.onset_ms, over)
            take(self._episodes, table, chosen, columns, result, moment, verdict)

    def _remind(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Report open alarms again, but not those that a more severe one of the signal stands for."""
        due = remind(
            moment.event_ms,
            table.alarm_state.take(rows, axis=0),
            table.alarm_priority.take(rows, axis=0),
            table.alarm_told_ms.take(rows, axis=0),
        )
        if not some(due):
            return
        due[:, self._of_partition.misplaced] = False  # told once: it lasts as long as the patient is here
        due[:, self._limits] &= ~suppressed_by_severity(
            self._effective.rules, table.alarm_state[rows, self._limits]
        )
        for i, column in places(due):
            row = int(rows[i])
            now = self.numbers(table, row, column, moment.event_ms)
            emitted = self._episodes.move(
                table,
                row,
                column,
                Event.REMIND,
                moment,
                now.note,
                value=now.value,
                missing=now.missing,
                old=now.old,
            )
            verdict.transitions.append(emitted)

    def numbers(self, table: PatientTable, row: int, column: int, now_ms: int) -> Numbers:
        """Return the numbers behind an alarm, and what it says, as they are now."""
        if column in self._conditions.scored:
            return self._conditions.score_again(table, row, column, now_ms)
        if column == self._pauses.column:
            return Numbers(note=self._pauses.lasting(table, row, now_ms))
        if column == self._widenings.column:
            return Numbers(note=self._widenings.note(table, row))
        return NOTHING

    def _drop_gone(self, table: PatientTable, rows: Rows, moment: Moment, verdict: Verdict) -> None:
        """Forget patients without frames for the time to live; what was open ends with them."""
        first = table.of_devices(rows)[:, 0]
        rows = rows[moment.event_ms - table.devices.heard_ms.take(first) >= self._ttl_ms]
        if not len(rows):  # as nearly always
            return
        since = table.since_ms[rows]
        last = np.maximum(table.seen_ms(rows), np.maximum(since, by_order(since)))
        for row in rows[(last != NEVER) & (moment.event_ms - last >= self._ttl_ms)].tolist():
            patient = table.patients[row]
            if patient is None:
                continue
            verdict.transitions += self._episodes.dismiss(table, row, moment, GONE)
            table.drop(patient)
            verdict.dropped.append(patient)


def _of(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    """Return the chosen ones of the rows, (n,); all, as nearly always, are not copied."""
    return rows if every(chosen) else rows[chosen]
