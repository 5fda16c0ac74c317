"""The life of an alarm in plain Python: what begins, changes and ends it, and what is told of that (docs/alarms.md)."""

from dataclasses import dataclass
from typing import NamedTuple

REMIND_MS = 60_000
REMIND_WHO_KNOWS_MS = 180_000
"""Of an alarm of high priority."""


class Told(NamedTuple):
    """What an alert says, but for its words; `shown` is the worst value of a limit, or a score and what it lacks."""

    offset: int
    patient: str
    rule: str
    id: str
    phase: str
    state: str
    inactivation: str
    priority: str
    onset_ms: int
    at_ms: int
    asked: tuple[int, str] | None
    shown: object


@dataclass
class Moment:
    """The record that decides: its place in the log, the time it is judged by, and when it came. Times in ms."""

    offset: int
    at_ms: int
    now_ms: int


class Telling:
    """Moves alarms through their lives and lists what is told."""

    def __init__(self, steps):
        self.steps = steps
        self.told = []

    def tell(self, bed, alarm, phase, moment, shown=None, number=0):
        """Tell of an event; a start has `number`, what follows is counted on from there."""
        self.ask_or_stop(alarm, moment)
        number = number if phase == "start" else alarm.number
        closed = phase in ("end", "reset")
        self.keep_or_leave_the_pause(alarm, phase)
        inactivation = [bed.covered(alarm)] if bed.covered(alarm) else []
        if alarm.stands == "acknowledged":
            inactivation.append("alert-acknowledged")
        self.told.append(
            Told(
                offset=moment.offset,
                patient=bed.name,
                rule=alarm.rule,
                id=f"{bed.episode(alarm)}-{number}",
                phase=phase,
                state="inactive" if closed else "latched" if alarm.stands == "latched" else "active",
                inactivation="~".join(inactivation) or "enabled",
                priority=alarm.priority,
                onset_ms=alarm.onset,
                at_ms=moment.at_ms,
                asked=(alarm.step, alarm.status) if alarm.step else None,
                shown=(alarm.bound or alarm.worst) if shown is None else shown,
            )
        )
        alarm.number, alarm.told_ms = number + 1, moment.now_ms
        if closed:
            self.rest(bed, alarm)

    def ask_or_stop(self, alarm, moment):
        """Ask the first step when an alarm of high priority becomes active, nobody when it is lower, known or over."""
        if not (alarm.priority == "high" and alarm.stands == "active" and self.steps):
            alarm.step, alarm.status, alarm.asked_ms = 0, "requested", None
        elif alarm.step == 0:
            alarm.step, alarm.status, alarm.asked_ms = 1, "requested", moment.now_ms

    @staticmethod
    def keep_or_leave_the_pause(alarm, phase):
        """An episode leaves its pause when it grows worse, and when its condition returns after it has latched.

        What grew worse, and a condition that is over, nobody knows of any more.
        """
        if phase == "escalate" or alarm.stands == "latched":
            alarm.known = None
        if alarm.in_pause and alarm.stands == "latched":
            alarm.in_pause = "latched"
        elif phase == "escalate" or (alarm.in_pause == "latched" and alarm.stands == "active"):
            alarm.in_pause = ""

    # --- events of the table in docs/alarms.md

    def due(self, bed, alarm, moment, withheld, shown=None):
        """The condition holds and has lasted; it may not begin while it is withheld."""
        if alarm.stands in ("quiet", "withheld"):
            alarm.stands = "withheld" if withheld else "active"
            if not withheld:
                self.tell(bed, alarm, "start", moment, shown)
        elif alarm.stands == "latched" and not withheld:
            alarm.stands = "active"
            self.tell(bed, alarm, "update", moment, shown)

    def over(self, bed, alarm, moment, shown=None, latches=False):
        if alarm.stands == "active" and latches:
            alarm.stands = "latched"
            self.tell(bed, alarm, "update", moment, shown)
        elif alarm.is_announced:
            self.close(bed, alarm, "end", moment, shown)
        elif alarm.stands != "latched":
            self.rest(bed, alarm)

    @staticmethod
    def rest(bed, alarm):
        """Forget the episode, and every device's run."""
        alarm.rest()
        bed.end_runs(alarm.rule)

    def close(self, bed, alarm, phase, moment, shown=None):
        alarm.stands = "quiet"
        self.tell(bed, alarm, phase, moment, shown)

    def rank(self, bed, alarm, priority, worse, moment, shown=None):
        """The priority rises or falls; of what is withheld nothing is told, and who knows is told of a rise only."""
        alarm.priority = priority
        if alarm.is_announced:
            if worse:
                alarm.stands = "active"
            self.tell(bed, alarm, "escalate" if worse else "deescalate", moment, shown)

    def dismiss(self, bed, moment):
        for alarm in bed.open_alarms():
            self.close(bed, alarm, "end", moment)

    # --- what time does

    def pass_over_who_does_not_answer(self, bed, moment):
        for alarm in bed.alarms.values():
            waits = alarm.step and alarm.status == "requested" and not bed.covered(alarm)
            if waits and moment.now_ms - alarm.asked_ms >= self.steps[alarm.step - 1].after_s * 1000:
                self.ask_next(bed, alarm, "undefined", moment)

    def ask_next(self, bed, alarm, status, moment):
        if alarm.step < len(self.steps):
            alarm.step, alarm.status, alarm.asked_ms = alarm.step + 1, "requested", moment.now_ms
        else:
            alarm.status = status
        self.tell(bed, alarm, "update", moment)

    def remind(self, bed, alarm, moment, shown=None):
        self.tell(bed, alarm, "continue", moment, shown)

    @staticmethod
    def is_to_be_reminded_of(alarm, moment):
        if alarm.stands == "acknowledged" and alarm.priority == "high":
            return moment.now_ms - alarm.told_ms >= REMIND_WHO_KNOWS_MS
        return alarm.stands in ("active", "latched") and moment.now_ms - alarm.told_ms >= REMIND_MS

    # --- pauses

    def pause(self, bed, mode, until, moment):
        """Begin a pause, or replace the one in force; it covers what is open now, whatever its priority."""
        before = {alarm.rule: bed.covered(alarm) for alarm in bed.open_alarms()}
        for other in bed.open_alarms():
            if other.kind != "advisory" and not bed.yields(other):
                other.in_pause = "latched" if other.stands == "latched" else "condition"
                if other.stands == "active":
                    other.known = other.worst
        alarm, again = bed.alarms["alarms-paused"], bool(bed.pause)
        bed.pause, bed.pause_until = mode, until
        if not again:  # two pauses of one moment are two episodes
            bed.pause_ms = max(moment.now_ms, bed.pause_ms + 1)
        alarm.onset = bed.pause_ms
        was, alarm.priority = alarm.priority, "medium" if mode.endswith("off") else "low"
        if not again:
            self.due(bed, alarm, moment, withheld=False)
        elif was == alarm.priority:
            self.tell(bed, alarm, "update", moment)
        else:
            self.tell(bed, alarm, "escalate" if was == "low" else "deescalate", moment)
        self.tell_who_is_covered(bed, before, moment)

    def resume(self, bed, moment):
        before = {alarm.rule: bed.covered(alarm) for alarm in bed.open_alarms()}
        self.over(bed, bed.alarms["alarms-paused"], moment)
        bed.pause, bed.pause_until = "", None
        for alarm in bed.alarms.values():
            if alarm.in_pause and alarm.stands == "active":
                alarm.known = None
            alarm.in_pause = ""
        self.tell_who_is_covered(bed, before, moment)

    def tell_who_is_covered(self, bed, before, moment):
        for alarm in bed.open_alarms():
            if alarm.kind != "advisory" and bed.covered(alarm) != before[alarm.rule]:
                self.tell(bed, alarm, "update", moment)
