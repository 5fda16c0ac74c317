"""Pauses of a patient's alarms: beginning, ending, and telling of both.

A pause is itself an alarm of the advisory kind, so that it is never silent: it starts, is reported again while it
lasts, and ends. Alarms that are open and covered by it are told of once when that changes. What begins while a pause
withholds it is not announced; if it still holds when the pause is over, the next tick announces it.
"""

import numpy as np

from agents.alarms import Happening
from agents.episodes import Moment, Teller
from clinical.lifecycle import ENDLESS, PAUSE_NAMES, Event, Pause, is_open
from clinical.limits import MEDIUM, NEVER
from tables.patients import PatientTable


class Pauses:
    """Begins and ends pauses; `column` is that of the alarm which tells of them."""

    def __init__(self, teller: Teller, column: int) -> None:
        self._teller = teller
        self._column = column

    def begin(
        self, table: PatientTable, row: int, mode: Pause, seconds: int, moment: Moment
    ) -> list[Happening]:
        """Pause what is open and what is at most as severe, at least up to medium; a pause in force is replaced."""
        now = moment.told_ms
        before = self._covered(table, row)
        table.pause_rank[row] = max([MEDIUM, *table.alarm_priority[row, list(before)].tolist()])
        again = table.pause[row] != Pause.NONE
        table.pause[row] = mode
        table.pause_until_ms[row] = NEVER if mode in ENDLESS else now + seconds * 1000
        if not again:  # two pauses of one moment are two episodes
            table.pause_ms[row] = max(now, table.pause_ms[row] + 1)
        lasting = "until somebody resumes" if mode in ENDLESS else f"for {seconds} s"
        note = f"{PAUSE_NAMES[mode]} by {moment.actor} {lasting}"
        table.alarm_onset_ms[row, self._column] = table.pause_ms[row]
        event = Event.CHANGE if again else Event.DUE
        told = self._teller.move(table, row, self._column, event, moment, note)
        return [told, *self._tell_covered(table, row, before, moment, note)]

    def end(self, table: PatientTable, row: int, moment: Moment, note: str) -> list[Happening]:
        """End the pause in force."""
        before = self._covered(table, row)
        told = self._teller.move(table, row, self._column, Event.CLEAR, moment, note)
        table.pause[row], table.pause_rank[row], table.pause_until_ms[row] = Pause.NONE, 0, NEVER
        return [told, *self._tell_covered(table, row, before, moment, note)]

    def _covered(self, table: PatientTable, row: int) -> dict[int, int]:
        """Return the pause that covers each open alarm."""
        return {
            column: self._teller.paused(table, row, column, int(table.alarm_priority[row, column]))
            for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist()
            if column != self._column
        }

    def _tell_covered(
        self, table: PatientTable, row: int, before: dict[int, int], moment: Moment, note: str
    ) -> list[Happening]:
        after = self._covered(table, row)
        return [
            self._teller.move(table, row, column, Event.CHANGE, moment, note)
            for column, pause in after.items()
            if pause != before[column]
        ]
