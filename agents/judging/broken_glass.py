"""Alarms that somebody acts beyond the own wards: an advisory alarm of the patient, begun by the command itself.

Breaking the glass is allowed to who acknowledges alarms, with a reason; that it happened is to be seen where the
patient is. Each use is told: the first begins the alarm, each further one changes it. It ends at a tick.
"""

from typing import Final

from agents.judging.context import Context
from agents.judging.episode_events import Episodes
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import Event, State
from clinical.limits import LOW
from streams.contracts.people import ACT_OF, Person

GLASS_MS: Final = 60_000
"""The alarm ends so long after the last use: once a reminder would be due. Our choice [M]."""


def is_broken_by(person: Person, kind: str, ward: str) -> bool:
    """Return whether a command of a kind in a ward is allowed by broken glass alone."""
    act = ACT_OF[kind]
    return person.may(act, ward) and not person.may_by_role(act, ward)


def note_of(person: Person, kind: str) -> str:
    """Return in words who broke the glass for what, and why."""
    what = "opened" if kind == "break-glass" else kind
    return f"{what} by {person.id} ({person.role}) of another ward: {person.break_glass}"


class BrokenGlass:
    """Emits each use; `column` is that of the alarm."""

    def __init__(self, episodes: Episodes, column: int) -> None:
        self._episodes = episodes
        self._column = column

    def use(self, note: str, context: Context, out: Verdict) -> None:
        """Emit a use, at a command."""
        table, row, now_ms = context.table, context.row, context.record.now_ms
        column, event = self._column, Event.CHANGE
        state = int(table.alarm_state[row, column])
        if state == State.NORMAL:
            self._episodes.begin(table, row, column, now_ms, LOW)
            event = Event.DUE
        elif state == State.ACKNOWLEDGED:
            event = Event.WORSE
        table.alarm_clear_ms[row, column] = now_ms
        out.emit(self._episodes.move(context, row, column, event, Details(note=note)))

    def judge(self, context: Context, out: Verdict) -> None:
        """End at a tick, for n patients with open alarms, what was emitted long enough ago."""
        table, rows, column = context.table, context.rows, self._column
        opened = rows[table.alarm_state[rows, column] != State.NORMAL]
        since_ms = context.record.event_ms - table.alarm_clear_ms[opened, column]
        said = Details(note="told; the audit has it")
        for row in opened[since_ms >= GLASS_MS].tolist():
            out.emit(self._episodes.move(context, row, column, Event.CLEAR, said))
