"""What the judge found in a run of records: transitions, answers, patients gone, and counts of every decision."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.judging.transitions import Transition
from clinical.lifecycle import DELAYED, NORMAL, SUPPRESSED
from clinical.limits import NEVER
from clinical.masks import places, some
from clinical.wards import Count
from streams.contracts.command import Answer

Reasons = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
"""Which alarms, (n, rules) or what broadcasts to it, a pause, a sensor in doubt or the other rate suppresses."""


@dataclass(slots=True)
class Tally:
    """What became of a run's frames; every frame is in exactly one of the first five counts."""

    judged: int = 0
    replayed: int = 0
    duplicate: int = 0
    historic: int = 0
    surplus: int = 0
    """Of a babbling device, between two looks."""
    readings: int = 0
    suspect: int = 0
    """Judged by append time, because the device's clock is not believed."""
    beyond_windows: int = 0
    """Older than the windows reach."""
    ticks: int = 0
    accepted: int = 0
    refused: int = 0
    repeated: int = 0
    """Commands that had been answered before."""
    elsewhere: int = 0
    """Commands for patients who neither are in this partition nor belong there."""
    ended_in_delay: int = 0
    """Violations that were over before their delay: no alarm."""
    withheld_by_pause: int = 0
    """Alarms that would have started but for a pause."""
    withheld_by_sensor: int = 0
    """Alarms that would have started but for a sensor that is to be checked."""
    withheld_by_ward: int = 0
    """Silent devices that are part of their ward's alarm."""
    withheld_by_severity: int = 0
    """Alarms that would have started but for a more severe one of the same signal."""
    withheld_by_rate: int = 0
    """Alarms of a pulse rate that would have started but for that of the same heart rate."""
    ended_withheld: int = 0
    """Withheld alarms whose condition was over before they could start."""

    def count_limits(
        self,
        before: NDArray[np.uint8],
        after: NDArray[np.uint8],
        reasons: Callable[[], Reasons],
    ) -> None:
        """Count limit alarms, (n, rules), that were suppressed, or are over without an alarm; asks why if any was."""
        changed = before != after  # few: most alarms stay as they are
        if some(changed & (after == SUPPRESSED)):
            by_pause, by_sensor, by_rate = reasons()
        for i, column in places(changed):
            was, becomes = int(before[i, column]), int(after[i, column])
            if becomes == SUPPRESSED:
                if by_pause[i, column]:
                    self.withheld_by_pause += 1
                elif by_sensor[i, column]:
                    self.withheld_by_sensor += 1
                elif by_rate[i, column]:
                    self.withheld_by_rate += 1
                else:
                    self.withheld_by_severity += 1
            elif becomes == NORMAL:
                self.ended_withheld += was == SUPPRESSED
                self.ended_in_delay += was == DELAYED

    def add(self, other: "Tally") -> None:
        """Add another run's counts."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


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
