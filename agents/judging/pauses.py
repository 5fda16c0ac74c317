"""Pauses of a patient's alarms: beginning, ending, and telling of both.

A pause is itself an alarm of the advisory kind, so that it is never silent: it starts, is reported again while it
lasts, and ends; at medium priority where it has no time of its own. Alarms that are open and covered by it are told of
once when that changes. What begins while a pause suppresses it is not announced; if it still holds when the pause is
over, the next tick announces it.
"""

import numpy as np
from numpy.typing import NDArray

from agents.judging.context import Context
from agents.judging.episode_events import Episodes
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.compiled_limits import CompiledLimits
from clinical.lifecycle import OFF, PAUSE_NAMES, SUPPRESSED, Event, Pause, is_open, suppresses
from clinical.limits import LOW, MEDIUM, NEVER, suppressed_by_severity
from clinical.rules import PauseRules
from tables.patients import PatientTable

Rows = NDArray[np.int64]


class Pauses:
    """Begins and ends pauses under one rule set; `column` is that of the alarm which tells of them."""

    def __init__(self, episodes: Episodes, column: int, rules: PauseRules, limits: CompiledLimits) -> None:
        self._episodes = episodes
        self._limits = limits
        self._off_ms = round(rules.off_s_max * 1000)
        self.column = column

    def begin(self, mode: Pause, seconds: int, context: Context, out: Verdict) -> None:
        """Pause what is of medium priority or below, and what is open; a pause in force is replaced.

        `seconds` is for how long, unless `mode` is one of `OFF`: these last as long as the rules let them.
        """
        table, row, record = context.table, context.row, context.record
        now, again, before = record.now_ms, table.pause[row] != Pause.NONE, self._paused_by(table, row)
        lasts_ms = self._off_ms if mode in OFF else seconds * 1000
        for column in before:
            self._episodes.pause(table, row, column)
        table.pause[row], table.pause_actor[row] = mode, (record.actor or "").encode()
        table.pause_until_ms[row] = now + lasts_ms
        if not again:  # two pauses of one moment are two episodes
            table.pause_ms[row] = max(now, table.pause_ms[row] + 1)
        note = f"{PAUSE_NAMES[mode]} by {record.actor} for {lasts_ms / 1000:g} s"
        rank_before, rank = int(table.alarm_priority[row, self.column]), MEDIUM if mode in OFF else LOW
        self._episodes.begin(table, row, self.column, int(table.pause_ms[row]), rank)
        event = Event.DUE
        if again:
            event = (
                Event.CHANGE if rank == rank_before else Event.WORSE if rank > rank_before else Event.BETTER
            )
        out.emit(self._episodes.move(context, row, self.column, event, Details(note=note)))
        self._emit_paused(before, note, context, out)

    def end(self, note: str, context: Context, out: Verdict) -> None:
        """End the pause in force."""
        table, row = context.table, context.row
        before = self._paused_by(table, row)
        out.emit(self._episodes.move(context, row, self.column, Event.CLEAR, Details(note=note)))
        table.pause[row], table.pause_actor[row], table.pause_until_ms[row] = Pause.NONE, b"", NEVER
        self._episodes.resume(table, row)
        self._emit_paused(before, note, context, out)

    def over(self, table: PatientTable, rows: Rows, now_ms: int) -> list[int]:
        """Return the rows whose pause has lasted its time. One of a record of version 2 may have been given none."""
        paused = rows[table.pause[rows] != Pause.NONE]
        if not len(paused):
            return []
        until = table.pause_until_ms[paused]
        until = np.where(until == NEVER, table.pause_ms[paused] + self._off_ms, until)
        found: list[int] = paused[until <= now_ms].tolist()
        return found

    def lasting(self, table: PatientTable, row: int, now_ms: int) -> str:
        """Return in words which pause is in force, by whom and for how long, and what it holds back."""
        lasting_s = (now_ms - int(table.pause_ms[row])) / 1000
        actor = table.pause_actor[row].decode() or "somebody"
        silent = sum(pause != Pause.NONE for pause in self._paused_by(table, row).values())
        name, suppressed = PAUSE_NAMES[Pause(int(table.pause[row]))], self._count_suppressed(table, row)
        return f"{name} by {actor} for {lasting_s:g} s; alarms withheld: {suppressed}, silent: {silent}"

    def _count_suppressed(self, table: PatientTable, row: int) -> int:
        """Return how many alarms the pause suppresses; what a more severe one stands for is not among them."""
        held = table.alarm_state[row] == SUPPRESSED
        limits = slice(0, len(self._limits.rules))
        held[limits] &= ~suppressed_by_severity(self._limits, table.alarm_state[[row], limits])[0]
        return int(np.count_nonzero(held)) if suppresses(table.pause[[row]])[0] else 0

    def _paused_by(self, table: PatientTable, row: int) -> dict[int, int]:
        """Return the pause that covers each open alarm that pauses can cover."""
        return {
            column: self._episodes.paused(table, row, column, int(table.alarm_priority[row, column]))
            for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist()
            if self._episodes.is_pausable(column)
        }

    def _emit_paused(self, before: dict[int, int], note: str, context: Context, out: Verdict) -> None:
        """Emit each open alarm that another pause applies to than before."""
        after = self._paused_by(context.table, context.row)
        for column, pause in after.items():
            if pause != before[column]:
                out.emit(self._episodes.move(context, context.row, column, Event.CHANGE, Details(note=note)))
