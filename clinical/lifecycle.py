"""The life of an alarm as one table: state and event to next state and the phase that is reported.

A pair that is absent from the table cannot happen; meeting one is a fault of ours, and the state is kept.
Phases are those of IHE PCD-04 (IHE Devices TF-2, ACM, event phase).
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray


class State(IntEnum):
    """Where an alarm stands for one patient."""

    NORMAL = 0
    DELAYED = 1
    """Violated, but not yet for the rule's delay."""
    ACTIVE = 2


class Event(IntEnum):
    """What one sample or tick means for an alarm."""

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
    """The condition has become more severe: priority rises."""
    BETTER = 7
    """The condition has become less severe but holds: priority falls."""
    REMIND = 8
    """An active alarm is due to be reported again unchanged."""


class Phase(IntEnum):
    """What is reported of a transition (PCD-04 event phase)."""

    NONE = 0
    START = 1
    CONTINUE = 2
    ESCALATE = 3
    DEESCALATE = 4
    END = 5


PHASE_NAMES: Final = {
    Phase.START: "start",
    Phase.CONTINUE: "continue",
    Phase.ESCALATE: "escalate",
    Phase.DEESCALATE: "deescalate",
    Phase.END: "end",
}

Transition = tuple[State, Phase]

TRANSITIONS: Final[dict[State, dict[Event, Transition]]] = {
    State.NORMAL: {
        Event.VIOLATED: (State.DELAYED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.START),
        Event.BETWEEN: (State.NORMAL, Phase.NONE),
        Event.INSIDE: (State.NORMAL, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.NONE),
        Event.MISSING: (State.NORMAL, Phase.NONE),
    },
    State.DELAYED: {
        Event.VIOLATED: (State.DELAYED, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.START),
        Event.BETWEEN: (State.DELAYED, Phase.NONE),
        Event.INSIDE: (State.DELAYED, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.NONE),
        Event.MISSING: (State.NORMAL, Phase.NONE),
    },
    State.ACTIVE: {
        Event.VIOLATED: (State.ACTIVE, Phase.NONE),
        Event.DUE: (State.ACTIVE, Phase.NONE),
        Event.BETWEEN: (State.ACTIVE, Phase.NONE),
        Event.INSIDE: (State.ACTIVE, Phase.NONE),
        Event.CLEAR: (State.NORMAL, Phase.END),
        Event.MISSING: (State.ACTIVE, Phase.NONE),
        Event.WORSE: (State.ACTIVE, Phase.ESCALATE),
        Event.BETTER: (State.ACTIVE, Phase.DEESCALATE),
        Event.REMIND: (State.ACTIVE, Phase.CONTINUE),
    },
}

_ILLEGAL: Final = 255


def _compiled() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    states = np.full((len(State), len(Event)), _ILLEGAL, dtype=np.uint8)
    phases = np.zeros((len(State), len(Event)), dtype=np.uint8)
    for state, row in TRANSITIONS.items():
        for event, (following, phase) in row.items():
            states[state, event] = following
            phases[state, event] = phase
    return states, phases


_NEXT_STATE, _PHASE = _compiled()


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
    following = _NEXT_STATE[states, events]
    if np.any(following == _ILLEGAL):
        where = np.argwhere(following == _ILLEGAL)[0]
        state, event = State(states[tuple(where)]), Event(events[tuple(where)])
        raise IllegalTransition(f"{event.name} cannot happen in {state.name}")
    return following, _PHASE[states, events]
