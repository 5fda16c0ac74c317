"""One transition of one alarm, as the judge found it, and what it says beside the alarm's state."""

from dataclasses import dataclass
from typing import Final

from agents.judging.reasons import Reason
from clinical.lifecycle import Pause, State
from streams.contracts.alert import ResponsibilityStatus


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked to answer for an alarm; see `streams.contracts.alert.Responsibility`."""

    step: int
    to: str
    status: ResponsibilityStatus
    previous: ResponsibilityStatus | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """The episode that a transition belongs to: its priority's rank, its onset and its worst value by now.

    With a `comparator` (a code of `clinical.comparators`) the worst is a bound, and the value its mildest one.
    """

    priority: int
    onset_ms: int
    extreme: float | None = None
    comparator: int = 0


@dataclass(frozen=True, slots=True)
class Details:
    """What a transition says beside its episode: the value in the source's unit, what a score lacks, why in words.

    `old` is what a score counts with its last points, because it is not measured now. `note` says why, where it is not
    the condition; `over` why the alarm ends, where its condition is not known to be over, for which `reason` is the one
    word. `previous` is how the step of responsibility that was asked before has ended.
    """

    value: float | None = None
    missing: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    note: str = ""
    over: str = ""
    reason: Reason | None = None
    previous: ResponsibilityStatus | None = None
    acknowledges: bool = False


NOTHING: Final = Details()

NOT_MEASURED: Final = Details(
    note="not measured any more; whether the condition is over is unknown", reason=Reason.NOT_MEASURED
)
"""Why an alarm ends of whose condition nothing has been known for long."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition of one alarm. Times in ms, values in the signal's unit.

    `bound` is the worst of the episode as text where it is a bound, `extreme` where it is a value. `reason` is why the
    alarm ends, where its condition was not seen to be over.
    """

    offset: int
    column: int
    patient: str
    phase: int
    number: int
    priority: int
    onset_ms: int
    event_ms: int
    append_ms: int
    value: float | None = None
    extreme: float | None = None
    bound: str = ""
    device: str | None = None
    missing: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    note: str = ""
    state: int = State.ACTIVE
    paused: int = Pause.NONE
    low: float | None = None
    high: float | None = None
    asked: Asked | None = None
    actor: str | None = None
    command: str | None = None
    acknowledges: bool = False
    reason: Reason | None = None
