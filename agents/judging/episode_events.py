"""The events of an episode: each is numbered from its start, so that it has an id of its own, and says all facets.

Beside the number this keeps what an event changes besides the alarm's state: when the alarm was last told of, who is
asked to answer for it, whether a pause covers it, and the worst value that somebody knows of.

A pause covers priorities up to medium and, above that, the very episodes that were open when it began: `IN_PAUSE`. One
that grows worse, or whose condition comes back after it had latched, is covered no longer.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import Alarm
from agents.judging.context import Context
from agents.judging.effective_limits import EffectiveLimits
from agents.judging.transitions import NOTHING, Asked, Details, Episode, Transition
from agents.judging.verdict import Verdict
from clinical.comparators import written
from clinical.lifecycle import CLOSING, Answered, Event, Pause, Phase, State, advance, is_open, suppresses
from clinical.limits import HIGH, MEDIUM, NEVER, NONE_SUPPRESSED
from clinical.masks import some
from clinical.rules import Step
from streams.contracts.alert import ResponsibilityStatus
from tables.patients import PatientTable

Rows = NDArray[np.int64]

STATUS: Final[dict[Answered, ResponsibilityStatus]] = {
    Answered.REQUESTED: "requested",
    Answered.ACCEPTED: "accepted",
    Answered.REJECTED: "rejected",
    Answered.UNDEFINED: "undefined",
}


IN_PAUSE: Final = 1
IN_PAUSE_LATCHED: Final = 2
"""Of `alarm_paused`: the pause in force covers the episode, in the second case as long as it stays latched."""


class Refused(Exception):
    """A command cannot be applied; the message is the answer's reason."""


class Episodes:
    """Numbers and emits the transitions of alarms under one rule set."""

    def __init__(
        self, alarms: tuple[Alarm, ...], effective: EffectiveLimits, steps: tuple[Step, ...]
    ) -> None:
        self._alarms = alarms
        self._effective = effective
        self._steps = steps

    def emit(
        self, context: Context, row: int, column: int, phase: int, episode: Episode, details: Details
    ) -> Transition:
        """Return the transition of a phase whose state the table already has, and take note of it there."""
        table, record, priority = context.table, context.record, episode.priority
        state = int(table.alarm_state[row, column])
        number = number_event(table, row, column, phase)
        self._keep_paused(table, row, column, phase, state)
        self._ask(table, row, column, priority, record.now_ms)
        low, high = self._limits(table, row, column)
        transition = Transition(
            offset=record.offset,
            column=column,
            patient=_patient(table, row),
            phase=phase,
            number=number,
            priority=priority,
            onset_ms=episode.onset_ms,
            event_ms=record.event_ms,
            append_ms=record.append_ms,
            value=details.value,
            extreme=None if episode.comparator else episode.extreme,
            bound=_bound(episode),
            device=record.device,
            missing=details.missing,
            old=details.old,
            note=details.note,
            state=state,
            paused=self.paused(table, row, column, priority),
            low=low,
            high=high,
            asked=self._asked(table, row, column, details.previous),
            actor=record.actor,
            command=record.command,
            acknowledges=details.acknowledges,
            reason=details.reason,
        )
        self._put_down(table, row, transition, record.now_ms)
        return transition

    @staticmethod
    def _put_down(table: PatientTable, row: int, emitted: Transition, now_ms: int) -> None:
        """Keep what was emitted; an alarm at rest leaves nothing behind that a restart would not bring back."""
        column, closed = emitted.column, emitted.phase in CLOSING
        table.alarm_priority[row, column] = 0 if closed else emitted.priority
        table.alarm_told_ms[row, column] = NEVER if closed else now_ms
        if closed:
            table.alarm_paused[row, column] = 0
        if closed or emitted.state == State.LATCHED or emitted.phase == Phase.ESCALATE:
            table.alarm_known[row, column] = np.nan
        table.dirty[row] = True

    def move(
        self, context: Context, row: int, column: int, event: Event, details: Details = NOTHING
    ) -> Transition:
        """Apply an event that is reported to one alarm, and return its transition."""
        table = context.table
        state, phase = advance(table.alarm_state[row, [column]], np.array([event], np.uint8))
        table.alarm_state[row, column] = state[0]
        if event == Event.ACKNOWLEDGE:
            details = replace(details, acknowledges=True)
        emitted = self.emit(context, row, column, int(phase[0]), self._episode(table, row, column), details)
        if state[0] == State.NORMAL:
            self.rest(table, row, column)
        elif event == Event.ACKNOWLEDGE:
            self.take_note(table, row, column)
        return emitted

    def standing(
        self, table: PatientTable, row: int, column: int, now_ms: int, details: Details
    ) -> Transition:
        """Return what would be emitted of an open alarm at `now_ms`; it is not, and nothing is taken note of."""
        episode = self._episode(table, row, column)
        low, high = self._limits(table, row, column)
        return Transition(
            offset=NEVER,
            column=column,
            patient=_patient(table, row),
            phase=Phase.CONTINUE,
            number=0,
            priority=episode.priority,
            onset_ms=episode.onset_ms,
            event_ms=now_ms,
            append_ms=now_ms,
            value=details.value,
            extreme=None if episode.comparator else episode.extreme,
            bound=_bound(episode),
            missing=details.missing,
            old=details.old,
            note=details.note,
            state=int(table.alarm_state[row, column]),
            paused=self.paused(table, row, column, episode.priority),
            low=low,
            high=high,
            asked=self._asked(table, row, column, None),
        )

    def _episode(self, table: PatientTable, row: int, column: int) -> Episode:
        """Return the episode as the table has it; the worst value is a limit alarm's only."""
        priority, onset_ms = int(table.alarm_priority[row, column]), int(table.alarm_onset_ms[row, column])
        if column >= self._effective.count:
            return Episode(priority, onset_ms)
        extreme, comparator = float(table.alarm_extreme[row, column]), int(table.alarm_area[row, column])
        return Episode(priority, onset_ms, extreme, comparator)

    def worst(self, table: PatientTable, row: int, column: int) -> tuple[float | None, str]:
        """Return the worst value of a limit alarm, None where it is a bound, and as text."""
        episode = self._episode(table, row, column)
        if episode.comparator:
            return None, _bound(episode)
        return episode.extreme, f"{episode.extreme:g}"

    def take_note(self, table: PatientTable, row: int, column: int) -> None:
        """Remember the worst value of a limit alarm as what somebody knows of."""
        if column < self._effective.count:
            table.alarm_known[row, column] = table.alarm_extreme[row, column]

    @staticmethod
    def begin(table: PatientTable, row: int, column: int, onset_ms: int, priority: int) -> None:
        """Give an alarm that no rule times the onset and the rank of the episode that is about to start."""
        table.alarm_onset_ms[row, column], table.alarm_priority[row, column] = onset_ms, priority

    def pause(self, table: PatientTable, row: int, column: int) -> None:
        """Let the pause that begins apply to an open episode that none would apply to if it began now."""
        if self.yields(column, int(table.alarm_priority[row, column])):
            return
        state = table.alarm_state[row, column]
        table.alarm_paused[row, column] = IN_PAUSE_LATCHED if state == State.LATCHED else IN_PAUSE
        if state == State.ACTIVE:
            self.take_note(table, row, column)

    @staticmethod
    def resume(table: PatientTable, row: int) -> None:
        """Take all episodes of a patient out of the pause that ends."""
        freed = (table.alarm_paused[row] != 0) & (table.alarm_state[row] == State.ACTIVE)
        table.alarm_known[row, freed] = np.nan
        table.alarm_paused[row] = 0

    @staticmethod
    def answer(table: PatientTable, row: int, column: int, answered: Answered) -> None:
        """Keep what the step of responsibility that is asked has answered."""
        table.alarm_answer[row, column] = answered

    @staticmethod
    def rest(table: PatientTable, row: int, column: int) -> None:
        """Bring an alarm to rest: nothing is left of its runs but, of a limit, the onset of the episode."""
        table.alarm_state[row, column], table.alarm_priority[row, column] = State.NORMAL, 0
        if column < table.limits:
            table.end_runs(row, column)
        if column < table.lasting:
            onset = max(int(table.alarm_clear_ms[row, column]), int(table.alarm_onset_ms[row, column]))
            table.alarm_clear_ms[row, column] = onset
        else:
            table.alarm_clear_ms[row, column] = NEVER
        table.alarm_onset_ms[row, column] = NEVER
        table.alarm_extreme[row, column], table.alarm_area[row, column] = np.nan, 0.0
        table.dirty[row] = True

    def dismiss(self, context: Context, details: Details, out: Verdict) -> None:
        """End every open alarm of a patient who is no longer monitored."""
        row = context.row
        for column in np.flatnonzero(is_open(context.table.alarm_state[row])).tolist():
            out.emit(self.move(context, row, column, Event.DISMISS, details))

    def paused(self, table: PatientTable, row: int, column: int, priority: int) -> int:
        """Return the pause that covers an alarm of this priority."""
        is_paused = table.alarm_paused[row, column] or self.yields(column, priority)
        return int(table.pause[row]) if is_paused else Pause.NONE

    def yields(self, column: int, priority: int) -> bool:
        """Return whether any pause covers an alarm of this priority, whenever its episode began."""
        return priority <= MEDIUM and self.is_pausable(column) and not self._alarms[column].never_withheld

    def is_pausable(self, column: int) -> bool:
        """Return whether a pause can cover an alarm at all; one that tells of the alarm system cannot be."""
        return self._alarms[column].type != "advisory"

    @staticmethod
    def _keep_paused(table: PatientTable, row: int, column: int, phase: int, state: int) -> None:
        """Take an open episode out of the pause when it grows worse, or is active again after it had latched."""
        paused = table.alarm_paused[row, column]
        if not paused:
            return
        if state == State.LATCHED:
            table.alarm_paused[row, column] = IN_PAUSE_LATCHED
        elif phase == Phase.ESCALATE or (paused == IN_PAUSE_LATCHED and state == State.ACTIVE):
            table.alarm_paused[row, column] = 0

    def _limits(self, table: PatientTable, row: int, column: int) -> tuple[float | None, float | None]:
        """Return the limits in force."""
        alarm = self._alarms[column]
        if column >= self._effective.count or not table.own_limits[row]:
            return alarm.low, alarm.high
        low, high = (float(side[0, column]) for side in self._effective.sides(table, np.array([row])))
        return low if np.isfinite(low) else None, high if np.isfinite(high) else None

    def _ask(self, table: PatientTable, row: int, column: int, priority: int, now_ms: int) -> None:
        """Ask the first step when an alarm of high priority begins, nobody when it is over, lower or known."""
        waits = priority == HIGH and table.alarm_state[row, column] == State.ACTIVE and bool(self._steps)
        if not waits:
            table.alarm_step[row, column] = 0
            table.alarm_answer[row, column] = Answered.REQUESTED
            table.alarm_asked_ms[row, column] = NEVER
        elif table.alarm_step[row, column] == 0:
            self.ask(table, row, column, 1, now_ms)

    @staticmethod
    def ask(table: PatientTable, row: int, column: int, step: int, now_ms: int) -> None:
        """Ask a step, counted from 1."""
        table.alarm_step[row, column] = step
        table.alarm_answer[row, column] = Answered.REQUESTED
        table.alarm_asked_ms[row, column] = now_ms

    def _asked(
        self, table: PatientTable, row: int, column: int, previous: ResponsibilityStatus | None
    ) -> Asked | None:
        step = int(table.alarm_step[row, column])
        if not 0 < step <= len(self._steps):
            return None
        status = STATUS[Answered(int(table.alarm_answer[row, column]))]
        return Asked(step, self._steps[step - 1].to, status, previous)


def _bound(episode: Episode) -> str:
    if episode.extreme is None or not episode.comparator:
        return ""
    return written(episode.comparator, episode.extreme)


def _patient(table: PatientTable, row: int) -> str:
    patient = table.patients[row]
    assert patient is not None, "an occupied row has a patient"
    return patient


def number_event(table: PatientTable, row: int, column: int, phase: int) -> int:
    """Return the number of this event in its episode: 0 for the start; the end makes room for the next episode."""
    number = 0 if phase == Phase.START else int(table.alarm_events[row, column])
    table.alarm_events[row, column] = 0 if phase in CLOSING else number + 1
    return number


def suppressed_rank_of(table: PatientTable, rows: Rows) -> Rows:
    """Return the rank up to which a pause suppresses new alarms of each row, (n,): medium, else `NONE_SUPPRESSED`."""
    pause = table.pause[rows]
    if not some(pause):  # as nearly always
        return np.full(len(rows), NONE_SUPPRESSED)
    return np.where(suppresses(pause), MEDIUM, NONE_SUPPRESSED)
