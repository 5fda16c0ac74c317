"""What the judge found in a run of records: transitions, answers, patients gone, and counts of every decision."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.judging.reasons import Reason
from agents.judging.transitions import Transition
from clinical.lifecycle import DELAYED, NORMAL, SUPPRESSED
from clinical.limits import NEVER
from clinical.masks import places, some
from clinical.wards import Count
from streams.contracts.command import Answer

Suppressing = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
"""Which alarms, (n, rules) or what broadcasts to it, a pause, a sensor in doubt or the other rate suppresses."""

_ORDER = (Reason.PAUSED, Reason.SENSOR_IN_DOUBT, Reason.RATE_TOLD)


@dataclass(slots=True)
class Tally:
    """What became of a run: each frame is judged, or counts under one of the first four reasons (`FRAMES`)."""

    judged: int = 0
    readings: int = 0
    suspect: int = 0
    """Frames judged by append time, because the device's clock is not believed."""
    ticks: int = 0
    accepted: int = 0
    refused: int = 0
    reasons: dict[Reason, int] = field(default_factory=dict)
    """How often nothing came of something, by why; absent = never."""

    def count(self, reason: Reason, number: int = 1) -> None:
        """Count that nothing came of so many."""
        if number:
            self.reasons[reason] = self.reasons.get(reason, 0) + int(number)

    def of(self, reason: Reason) -> int:
        """Return how often nothing came of something for this reason."""
        return self.reasons.get(reason, 0)

    @property
    def frames(self) -> int:
        """All frames that were read."""
        return self.judged + sum(map(self.of, FRAMES))

    def count_limits(
        self, before: NDArray[np.uint8], after: NDArray[np.uint8], suppressing: Callable[[], Suppressing]
    ) -> None:
        """Count limit alarms, (n, rules), that were suppressed, or are over without an alarm; asks why if any was."""
        changed = before != after  # few: most alarms stay as they are
        if some(changed & (after == SUPPRESSED)):
            found = suppressing()
        for i, column in places(changed):
            was, becomes = int(before[i, column]), int(after[i, column])
            if becomes == SUPPRESSED:
                why = (reason for reason, by in zip(_ORDER, found, strict=True) if by[i, column])
                self.count(next(why, Reason.LESS_SEVERE))
            elif becomes == NORMAL and was in (SUPPRESSED, DELAYED):
                self.count(Reason.ENDED_SUPPRESSED if was == SUPPRESSED else Reason.ENDED_IN_DELAY)

    def add(self, other: "Tally") -> None:
        """Add another run's counts."""
        for name in ("judged", "readings", "suspect", "ticks", "accepted", "refused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, number in other.reasons.items():
            self.count(reason, number)


FRAMES = (Reason.REPLAYED, Reason.DUPLICATE, Reason.HISTORIC, Reason.SURPLUS)


@dataclass(slots=True)
class Verdict:
    """What a run of records led to: transitions and answers in log order, patients dropped, counts."""

    transitions: list[Transition] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    profiled: list[str] = field(default_factory=list)
    """Patients whose limits or profile a command has changed."""
    strangers: list[int] = field(default_factory=list)
    """Offsets of frames that were not taken, of patients for whom the partition has no room."""
    counted_ms: int = NEVER
    """The last tick at which the patients of each ward were counted, `NEVER` = at none."""
    counts: dict[str, Count] = field(default_factory=dict)
    """What they came to, by ward."""
    tally: Tally = field(default_factory=Tally)

    def emit(self, transition: Transition) -> None:
        """Take a transition, after those before it."""
        self.transitions.append(transition)

    def count(self, reason: Reason, number: int = 1) -> None:
        """Count that nothing came of so many."""
        self.tally.count(reason, number)
