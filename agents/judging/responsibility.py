"""Who answers for an alarm of high priority: each step is asked for its time, then the next one is.

A step that says no is passed over at once; one that says yes ends the asking. What is paused or acknowledged waits
for nobody.
"""

import numpy as np
from numpy.typing import NDArray

from agents.judging.context import Context
from agents.judging.episode_events import Episodes, Refused
from agents.judging.transitions import Details, Transition
from clinical.lifecycle import Answered, Event
from clinical.rules import Step
from streams.contracts.alert import ResponsibilityStatus
from tables.patients import PatientTable


class Responsibilities:
    """Asks the steps of a rule set."""

    def __init__(self, episodes: Episodes, steps: tuple[Step, ...]) -> None:
        self._episodes = episodes
        self._steps = steps
        self._after_ms = np.array([0, *(round(step.after_s * 1000) for step in steps)], dtype=np.int64)

    def accept(self, context: Context, row: int, column: int) -> Transition:
        """Take the answer of somebody who takes responsibility."""
        self._asked(context.table, row, column)
        if context.table.alarm_answer[row, column] == Answered.ACCEPTED:
            raise Refused("responsibility is accepted already")
        self._episodes.answer(context.table, row, column, Answered.ACCEPTED)
        return self._emit(context, row, column, Details(note=f"accepted by {context.record.actor}"))

    def reject(self, context: Context, row: int, column: int) -> Transition:
        """Take the answer of somebody who cannot, also of one who could before."""
        self._asked(context.table, row, column)
        return self._next(context, row, column, Answered.REJECTED, f"rejected by {context.record.actor}")

    def overdue(self, table: PatientTable, rows: NDArray[np.int64], now_ms: int) -> list[tuple[int, int]]:
        """Return (row, column) of the alarms whose step has had its time."""
        place, columns = table.alarm_step.take(rows, axis=0).nonzero()
        if not len(place):
            return []
        rows = rows[place]
        step = np.minimum(table.alarm_step[rows, columns], len(self._steps))
        waiting = (step > 0) & (table.alarm_answer[rows, columns] == Answered.REQUESTED)
        late = now_ms - table.alarm_asked_ms[rows, columns] >= self._after_ms[step]
        paused = (
            table.alarm_paused[rows, columns] != 0
        )  # of those that wait, all high, a pause covers no others
        due = waiting & late & ~paused
        return list(zip(rows[due].tolist(), columns[due].tolist(), strict=True))

    def pass_over(self, context: Context, row: int, column: int) -> Transition:
        """Ask the next step, because this one has not answered in time."""
        to = self._steps[min(int(context.table.alarm_step[row, column]), len(self._steps)) - 1].to
        return self._next(context, row, column, Answered.UNDEFINED, f"no answer of {to} in time")

    def _next(self, context: Context, row: int, column: int, ended: Answered, note: str) -> Transition:
        table = context.table
        step = int(table.alarm_step[row, column])
        if step >= len(self._steps):
            self._episodes.answer(table, row, column, ended)
            return self._emit(context, row, column, Details(note=f"{note}, nobody is left to ask"))
        self._episodes.ask(table, row, column, step + 1, context.record.now_ms)
        previous: ResponsibilityStatus = "rejected" if ended == Answered.REJECTED else "undefined"
        said = Details(note=f"{note}, {self._steps[step].to} is asked", previous=previous)
        return self._emit(context, row, column, said)

    @staticmethod
    def _asked(table: PatientTable, row: int, column: int) -> None:
        if table.alarm_step[row, column] == 0:
            raise Refused("nobody is asked to answer for this alarm: it is not high, known, or over")

    def _emit(self, context: Context, row: int, column: int, details: Details) -> Transition:
        return self._episodes.move(context, row, column, Event.CHANGE, details)
