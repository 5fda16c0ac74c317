"""The life of a worker's partition as one table: state and event to next state. Pure.

A pair that is absent from the table cannot happen; meeting one is a fault of ours and stops the process
(`tables.partition`).
"""

from enum import IntEnum, auto
from typing import Final


class Life(IntEnum):
    """Where a partition stands with this worker."""

    ASSIGNED = auto()
    """The group has given it to this worker; what the worker may still hold of it is not up to date."""
    RECOVERING = auto()
    """Its changelog is being read."""
    SEEKING = auto()
    """Its state is complete; from where on judging goes is being found out."""
    JUDGING = auto()
    """Its records are judged, its state is written at checkpoints."""
    HANDING_OVER = auto()
    """The group takes it back: what was judged is made durable, and kept until somebody else has it."""
    GONE = auto()
    """Somebody else has it: all that was kept of it is dropped."""


class Event(IntEnum):
    """What happens to a partition."""

    ASSIGN = auto()
    """The group assigns it to this worker, for the first time or once more."""
    READ = auto()
    """A block of its changelog was read into the state."""
    RECOVER = auto()
    """Its changelog was read to the end."""
    RESUME = auto()
    """It is known from where on judging goes."""
    JUDGE = auto()
    """Records of it are judged."""
    REVOKE = auto()
    """The group takes it back, or the worker ends."""
    DROP = auto()
    """A recovery is complete, and it is not among this worker's partitions."""


TRANSITIONS: Final[dict[Life, dict[Event, Life]]] = {
    Life.ASSIGNED: {
        Event.ASSIGN: Life.ASSIGNED,
        Event.READ: Life.RECOVERING,
        Event.RECOVER: Life.SEEKING,
        Event.RESUME: Life.ASSIGNED,  # the end of a seek for an assignment that is over: another follows
        Event.REVOKE: Life.HANDING_OVER,
        Event.DROP: Life.GONE,
    },
    Life.RECOVERING: {
        Event.ASSIGN: Life.ASSIGNED,
        Event.READ: Life.RECOVERING,
        Event.RECOVER: Life.SEEKING,
        Event.RESUME: Life.RECOVERING,  # as above
        Event.REVOKE: Life.HANDING_OVER,
        Event.DROP: Life.GONE,
    },
    Life.SEEKING: {
        Event.ASSIGN: Life.ASSIGNED,
        Event.READ: Life.RECOVERING,  # that was the end of a recovery before this one
        Event.RECOVER: Life.SEEKING,
        Event.RESUME: Life.JUDGING,
        Event.REVOKE: Life.HANDING_OVER,
        Event.DROP: Life.GONE,
    },
    Life.JUDGING: {
        Event.READ: Life.JUDGING,  # read late: what is older than the state changes nothing
        Event.RESUME: Life.JUDGING,
        Event.JUDGE: Life.JUDGING,
        Event.REVOKE: Life.HANDING_OVER,
    },
    Life.HANDING_OVER: {
        Event.ASSIGN: Life.ASSIGNED,
        Event.READ: Life.HANDING_OVER,  # a recovery was under way, here and below
        Event.RECOVER: Life.HANDING_OVER,
        Event.RESUME: Life.HANDING_OVER,
        Event.JUDGE: Life.HANDING_OVER,  # the block that the agent had in hand
        Event.REVOKE: Life.HANDING_OVER,
        Event.DROP: Life.GONE,
    },
    Life.GONE: {},
}


class IllegalEvent(ValueError):
    """An event that the table does not allow in this state."""


def advance(life: Life, event: Event) -> Life:
    """Return the state that follows.

    Raises:
        IllegalEvent: the pair is absent from the table.
    """
    following = TRANSITIONS[life].get(event)
    if following is None:
        raise IllegalEvent(f"{name(event)} cannot happen while it is {name(life)}")
    return following


def name(value: Life | Event) -> str:
    """Return how a state or an event is called in documents and messages."""
    return value.name.lower().replace("_", "-")
