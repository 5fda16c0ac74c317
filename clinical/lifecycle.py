"""The life of an alarm as one table: state and event to next state and the phase that is reported.

A pair that is absent from the table cannot happen; meeting one is a fault of ours, and the state is kept.
Phases are those of IHE PCD-04 (IHE Devices TF-2, ACM, event phase).
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.masks import some


class State(IntEnum):
    """Where an alarm stands for one patient."""

    NORMAL = 0
    DELAYED = 1
    """Violated, but not yet for the rule's delay."""
    ACTIVE = 2
    """The condition holds and was announced; nobody has acknowledged it."""
    ACKNOWLEDGED = 3
    """The condition holds and somebody knows: reminded of at high priority only, and not escalated to others."""
    LATCHED = 4
    """The condition is over, the alarm stays until somebody acknowledges it."""
    SUPPRESSED = 5
    """The condition holds but a pause or a more severe alarm of the signal suppresses it: nothing was announced."""


NORMAL, DELAYED, ACTIVE, ACKNOWLEDGED, LATCHED, SUPPRESSED = map(int, State)
"""Plain numbers: NumPy compares an array with a member of an enumeration at six times the cost."""


class Event(IntEnum):
    """What one sample, tick or command means for an alarm."""

    VIOLATED = 0
    """Outside the limit; the delay has not passed."""
    DUE = 1
    """Outside the limit, and the delay has passed."""
    BETWEEN = 2
    """Inside the limit, but not by the clear margin."""
    INSIDE = 3
    """Inside by the clear margin; the clear delay has not passed."""
    CLEAR = 4
    """Inside by the clear margin for the clear delay."""
    MISSING = 5
    """Attached without a valid reading."""
    WORSE = 6
    """The condition has become more severe: its priority rises, or its value is worse by a step than is known."""
    BETTER = 7
    """The condition has become less severe but holds: priority falls."""
    REMIND = 8
    """An open alarm is due to be reported again unchanged."""
    SUPPRESS = 9
    """As DUE, but a pause suppresses the priority, or a more severe alarm of the signal is announced."""
    LATCH = 10
    """As CLEAR, under a rule that latches."""
    ACKNOWLEDGE = 11
    """Somebody acknowledges the alarm."""
    CHANGE = 12
    """What is told of the alarm has changed: paused, resumed, responsibility."""
    DISMISS = 13
    """The patient was discharged or is gone: the alarm ends with the monitoring."""


(
    VIOLATED,
    DUE,
    BETWEEN,
    INSIDE,
    CLEAR,
    MISSING,
    WORSE,
    BETTER,
    REMIND,
    SUPPRESS,
    LATCH,
    ACKNOWLEDGE,
    CHANGE,
    DISMISS,
) = map(int, Event)
"""Plain numbers, as the states are."""


class Phase(IntEnum):
    """What is reported of a transition (PCD-04 event phase)."""

    NONE = 0
    START = 1
    CONTINUE = 2
    ESCALATE = 3
    DEESCALATE = 4
    END = 5
    UPDATE = 6
    RESET = 7


PHASE_NAMES: Final = {
    Phase.START: "start",
    Phase.CONTINUE: "continue",
    Phase.ESCALATE: "escalate",
    Phase.DEESCALATE: "deescalate",
    Phase.END: "end",
    Phase.UPDATE: "update",
    Phase.RESET: "reset",
}


class Pause(IntEnum):
    """How a patient's alarms are paused."""

    NONE = 0
    AUDIO_PAUSED = 1
    AUDIO_OFF = 2
    ALARM_PAUSED = 3
    ALARM_OFF = 4


PAUSE_NAMES: Final = {
    Pause.AUDIO_PAUSED: "audio-paused",
    Pause.AUDIO_OFF: "audio-off",
    Pause.ALARM_PAUSED: "alarm-paused",
    Pause.ALARM_OFF: "alarm-off",
}
"""Inactivation states of PCD-04."""

OFF: Final = (Pause.AUDIO_OFF, Pause.ALARM_OFF)
"""Pauses that nobody gives a time: they need a reason, and end after the time that the rules give them."""


class Answered(IntEnum):
    """What the step of responsibility that is asked has answered (IEC TR 80001-2-5)."""

    REQUESTED = 0
    ACCEPTED = 1
    REJECTED = 2
    UNDEFINED = 3
    """Nothing, in the time that it had."""


CLOSING: Final = (Phase.END, Phase.RESET)
"""Phases that close an episode."""

Outcome = tuple[State, Phase]

TRANSITIONS: Final[dict[State, dict[Event, Outcome]]] = {
    State.NORMAL: {
        Event.VIOLATED: (State.DELAYED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.START),
        Event.SUPPRESS: (State.SUPPRESSED, Phase.NONE),
        Event.BETWEEN: (State.NORMAL, Phase.NONE),
        Event.INSIDE: (State.NORMAL, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.NONE),
        Event.LATCH: (State.NORMAL, Phase.NONE),
        Event.MISSING: (State.NORMAL, Phase.NONE),
        Event.DISMISS: (State.NORMAL, Phase.NONE),
    },
    State.DELAYED: {
        Event.VIOLATED: (State.DELAYED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.START),
        Event.SUPPRESS: (State.SUPPRESSED, Phase.NONE),
        Event.BETWEEN: (State.DELAYED, Phase.NONE),
        Event.INSIDE: (State.DELAYED, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.NONE),
        Event.LATCH: (State.NORMAL, Phase.NONE),
        Event.MISSING: (State.DELAYED, Phase.NONE),
        Event.DISMISS: (State.NORMAL, Phase.NONE),
    },
    State.ACTIVE: {
        Event.VIOLATED: (State.ACTIVE, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.NONE),
        Event.SUPPRESS: (State.ACTIVE, Phase.NONE),
        Event.BETWEEN: (State.ACTIVE, Phase.NONE),
        Event.INSIDE: (State.ACTIVE, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.END),
        Event.LATCH: (State.LATCHED, Phase.UPDATE),
        Event.MISSING: (State.ACTIVE, Phase.NONE),
        Event.WORSE: (State.ACTIVE, Phase.ESCALATE),
        Event.BETTER: (State.ACTIVE, Phase.DEESCALATE),
        Event.REMIND: (State.ACTIVE, Phase.CONTINUE),
        Event.ACKNOWLEDGE: (State.ACKNOWLEDGED, Phase.UPDATE),
        Event.CHANGE: (State.ACTIVE, Phase.UPDATE),
        Event.DISMISS: (State.NORMAL, Phase.END),
    },
    State.ACKNOWLEDGED: {
        Event.VIOLATED: (State.ACKNOWLEDGED, Phase.NONE),
        Event.DUE: (State.ACKNOWLEDGED, Phase.NONE),
        Event.SUPPRESS: (State.ACKNOWLEDGED, Phase.NONE),
        Event.BETWEEN: (State.ACKNOWLEDGED, Phase.NONE),
        Event.INSIDE: (State.ACKNOWLEDGED, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.END),
        Event.LATCH: (State.NORMAL, Phase.END),
        Event.MISSING: (State.ACKNOWLEDGED, Phase.NONE),
        Event.WORSE: (State.ACTIVE, Phase.ESCALATE),
        Event.BETTER: (State.ACKNOWLEDGED, Phase.DEESCALATE),
        Event.REMIND: (State.ACKNOWLEDGED, Phase.CONTINUE),
        Event.CHANGE: (State.ACKNOWLEDGED, Phase.UPDATE),
        Event.DISMISS: (State.NORMAL, Phase.END),
    },
    State.LATCHED: {
        Event.VIOLATED: (State.LATCHED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.UPDATE),
        Event.SUPPRESS: (State.LATCHED, Phase.NONE),
        Event.BETWEEN: (State.LATCHED, Phase.NONE),
        Event.INSIDE: (State.LATCHED, Phase.NONE),
        Event.CLEAR: (State.LATCHED, Phase.NONE),
        Event.LATCH: (State.LATCHED, Phase.NONE),
        Event.MISSING: (State.LATCHED, Phase.NONE),
        Event.REMIND: (State.LATCHED, Phase.CONTINUE),
        Event.ACKNOWLEDGE: (State.NORMAL, Phase.RESET),
        Event.CHANGE: (State.LATCHED, Phase.UPDATE),
        Event.DISMISS: (State.NORMAL, Phase.END),
    },
    State.SUPPRESSED: {
        Event.VIOLATED: (State.SUPPRESSED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.START),
        Event.SUPPRESS: (State.SUPPRESSED, Phase.NONE),
        Event.BETWEEN: (State.SUPPRESSED, Phase.NONE),
        Event.INSIDE: (State.SUPPRESSED, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.NONE),
        Event.LATCH: (State.NORMAL, Phase.NONE),
        Event.MISSING: (State.SUPPRESSED, Phase.NONE),
        Event.WORSE: (State.SUPPRESSED, Phase.NONE),
        Event.BETTER: (State.SUPPRESSED, Phase.NONE),
        Event.DISMISS: (State.NORMAL, Phase.NONE),
    },
}

_ILLEGAL: Final = 255


def transition_arrays() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return following states and phases, (states, events) each; what cannot happen leads to 255."""
    states = np.full((len(State), len(Event)), _ILLEGAL, dtype=np.uint8)
    phases = np.zeros((len(State), len(Event)), dtype=np.uint8)
    for state, row in TRANSITIONS.items():
        for event, (following, phase) in row.items():
            states[state, event] = following
            phases[state, event] = phase
    return states, phases


_EVENTS: Final = len(Event)
_NEXT_STATE, _PHASE = (table.reshape(-1) for table in transition_arrays())


class IllegalTransition(ValueError):
    """An event that the table does not allow in this state."""


def advance(
    states: NDArray[np.uint8], events: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Apply one event to each alarm.

    Args:
        states: current `State` of each alarm, any shape.
        events: `Event` of each alarm, same shape.

    Returns:
        The following states and the phases to report, same shape.

    Raises:
        IllegalTransition: a pair is absent from the table; nothing is changed.
    """
    place = states * _EVENTS + events
    following = _NEXT_STATE.take(place)
    illegal = following == _ILLEGAL
    if some(illegal):
        state, event = State(states[illegal][0]), Event(events[illegal][0])
        raise IllegalTransition(f"{event.name} cannot happen in {state.name}")
    return following, _PHASE.take(place)


def following(state: State, event: Event) -> Outcome:
    """Return what one event makes of one alarm.

    Raises:
        IllegalTransition: the pair is absent from the table.
    """
    found = TRANSITIONS[state].get(event)
    if found is None:
        raise IllegalTransition(f"{event.name} cannot happen in {state.name}")
    return found


def _among(kind: type[IntEnum], *members: IntEnum) -> NDArray[np.bool_]:
    """Return which values of an enumeration are among these: looking up is many times faster than searching."""
    return np.array([member in members for member in kind])


_ANNOUNCED = _among(State, State.ACTIVE, State.ACKNOWLEDGED)
_OPEN = _among(State, State.ACTIVE, State.ACKNOWLEDGED, State.LATCHED)
_UNACKNOWLEDGED = _among(State, State.ACTIVE, State.LATCHED)
SUPPRESSING = _among(Pause, Pause.ALARM_PAUSED, Pause.ALARM_OFF)
"""In which `Pause` nothing new is announced."""


def is_announced(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which alarms' conditions hold and were announced: active or acknowledged, any shape."""
    return _ANNOUNCED.take(states)


def is_open(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which alarms have an episode that was announced and not closed: also latched ones, any shape."""
    return _OPEN.take(states)


def is_unacknowledged(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which alarms are open and were not acknowledged, any shape."""
    return _UNACKNOWLEDGED.take(states)


def suppresses(pauses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return in which `Pause` nothing new is announced, any shape; in the others it is announced as silent."""
    return SUPPRESSING.take(pauses)
