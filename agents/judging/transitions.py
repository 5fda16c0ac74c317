"""One transition of one alarm, as the judge found it."""

from dataclasses import dataclass

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
class Transition:
    """One transition of one alarm, as the judge found it. Times in ms, values in the signal's unit."""

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
