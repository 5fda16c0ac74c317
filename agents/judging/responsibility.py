"""Who answers for an alarm of high priority: each step is asked for its time, then the next one is.

A step that says no is passed over at once; one that says yes ends the asking. What is paused or acknowledged waits
for nobody.
"""

import numpy as np
from numpy.typing import NDArray

from agents.judging.episode_events import Episodes, Moment, Refused
from agents.judging.transitions import Transition
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

    def accept(self, table: PatientTable, row: int, column: int, moment: Moment) -> Transition:
        """Take the answer of somebody who takes responsibility."""
        self._asked(table, row, column)
        if table.alarm_answer[row, column] == Answered.ACCEPTED:
            raise Refused("responsibility is accepted already")
        table.alarm_answer[row, column] = Answered.ACCEPTED
        return self._emit(table, row, column, moment, f"accepted by {moment.actor}")

    def reject(self, table: PatientTable, row: int, column: int, moment: Moment) -> Transition:
        """Take the answer of somebody who cannot, also of one who could before."""
        self._asked(table, row, column)
        return self._next(table, row, column, moment, Answered.REJECTED, f"rejected by {moment.actor}")

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

    def pass_over(self, table: PatientTable, row: int, column: int, moment: Moment) -> Transition:
        """Ask the next step, because this one has not answered in time."""
        to = self._steps[min(int(table.alarm_step[row, column]), len(self._steps)) - 1].to
        return self._next(table, row, column, moment, Answered.UNDEFINED, f"no answer of {to} in time")

    def _next(
        self, table: PatientTable, row: int, column: int, moment: Moment, ended: Answered, note: str
    ) -> Transition:
        step = int(table.alarm_step[row, column])
        if step >= len(self._steps):
            table.alarm_answer[row, column] = ended
            return self._emit(table, row, column, moment, f"{note}, nobody is left to ask")
        self._episodes.ask(table, row, column, step + 1, moment.now_ms)
        return self._emit(
            table,
            row,
            column,
            moment,
            f"{note}, {self._steps[step].to} is asked",
            "rejected" if ended == Answered.REJECTED else "undefined",
        )

    @staticmethod
    def _asked(table: PatientTable, row: int, column: int) -> None:
        if table.alarm_step[row, column] == 0:
            raise Refused("nobody is asked to answer for this alarm: it is not high, known, or over")

    def _emit(
        self,
        table: PatientTable,
        row: int,
        column: int,
        moment: Moment,
        note: str,
        previous: ResponsibilityStatus | None = None,
    ) -> Transition:
        return self._episodes.move(table, row, column, Event.CHANGE, moment, note, previous=previous)
