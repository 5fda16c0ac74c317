"""Tells that somebody acts beyond the own wards: an advisory alarm of the patient, begun by the command itself.

Breaking the glass is allowed to who acknowledges alarms, with a reason; that it happened is to be seen where the
patient is. Each use is told: the first begins the alarm, each further one changes it. It ends at a tick.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.episode_events import Episodes, Moment
from agents.judging.transitions import Transition
from agents.judging.verdict import Verdict
from clinical.lifecycle import Event, State
from clinical.limits import LOW
from streams.contracts.people import ACT_OF, Person
from tables.patients import PatientTable

GLASS_MS: Final = 60_000
"""The alarm ends so long after the last use: once a reminder would be due. Our choice [M]."""


def is_broken_by(person: Person, kind: str, ward: str) -> bool:
    """Tell whether a command of a kind in a ward is allowed by broken glass alone."""
    act = ACT_OF[kind]
    return person.may(act, ward) and not person.may_by_role(act, ward)


def note_of(person: Person, kind: str) -> str:
    """Return in words who broke the glass for what, and why."""
    what = "opened" if kind == "break-glass" else kind
    return f"{what} by {person.id} ({person.role}) of another ward: {person.break_glass}"


class BrokenGlass:
    """Tells of each use; `column` is that of the alarm."""

    def __init__(self, episodes: Episodes, column: int) -> None:
        self._episodes = episodes
        self._column = column

    def emit(self, table: PatientTable, row: int, note: str, moment: Moment) -> Transition:
        """Tell of a use, at a command."""
        column, event = self._column, Event.CHANGE
        state = int(table.alarm_state[row, column])
        if state == State.NORMAL:
            table.alarm_onset_ms[row, column], table.alarm_priority[row, column] = moment.now_ms, LOW
            event = Event.DUE
        elif state == State.ACKNOWLEDGED:
            event = Event.WORSE
        table.alarm_clear_ms[row, column] = moment.now_ms
        return self._episodes.move(table, row, column, event, moment, note)

    def judge(self, table: PatientTable, rows: NDArray[np.int64], moment: Moment, verdict: Verdict) -> None:
        """End at a tick, for n patients with open alarms, what was told long enough ago."""
        column = self._column
        opened = rows[table.alarm_state[rows, column] != State.NORMAL]
        for row in opened[moment.event_ms - table.alarm_clear_ms[opened, column] >= GLASS_MS].tolist():
            emitted = self._episodes.move(table, row, column, Event.CLEAR, moment, "told; the audit has it")
            verdict.transitions.append(emitted)
