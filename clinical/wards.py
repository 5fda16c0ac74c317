"""A lost gateway or network: many devices of one ward fall silent together, and that is one alarm for the ward.

A ward's patients lie in many partitions. Each partition counts its own (`counted`), whoever decides adds the counts
up (`is_lost`, `event_of`), and a silence that nobody has been told of waits meanwhile (`held_until`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.lifecycle import Event, State
from clinical.limits import NEVER
from clinical.ticking import CONTINUE_MS

Times = NDArray[np.int64]
Bools = NDArray[np.bool_]
Names = NDArray[np.bytes_]

PATIENTS_MIN: Final = 3
"""Fewer silent patients are never a lost ward. Our choice [M]."""

SHARE_MIN: Final = 0.5
"""Share of the ward's patients who must be silent together. Our choice [M]."""

WAIT_MS: Final = 5_000
"""How long a silence waits for its ward's decision before it is told singly: devices of one gateway do not stop in
the same instant, and partitions do not judge in the same one. Our choice [M]."""

HOLD_MS: Final = 30_000
"""How long a silence is suppressed by an answer that its ward is lost. Three renewals: when nobody answers any more,
each patient is told of singly."""

RENEW_MS: Final = 10_000
"""How often a partition says again that patients of a ward are silent, and how often a lost ward is looked at."""

REST_MS: Final = 600_000
"""How often it says again how many patients it has of a ward in which nobody is silent."""

MISSED: Final = 3
"""A count that is not said again in so many of its turns counts no more: who said it has nobody of the ward any
more, or is not judged."""


@dataclass(frozen=True, slots=True)
class Count:
    """One partition's part of a ward at a tick: who was told of singly counts in neither. Times in ms.

    `first_ms` and `last_ms` are the oldest and the newest of the silent ones' last frames, `NEVER` where nobody is.
    """

    patients: int
    silent: int
    first_ms: int
    last_ms: int
    tick_ms: int

    def renewed_ms(self) -> int:
        """Return after how long it is said again, unchanged."""
        return RENEW_MS if self.silent else REST_MS

    def holds(self, now_ms: int) -> bool:
        """Return whether it still counts."""
        return now_ms - self.tick_ms <= MISSED * self.renewed_ms()


@dataclass(frozen=True, slots=True)
class Loss:
    """A ward's alarm; `known_ms` is the newest last frame of those whom somebody knows to be silent. Times in ms."""

    state: State = State.NORMAL
    onset_ms: int = NEVER
    """Of the last loss, when there is none: the next one has a later onset, so that no two have the same id."""
    told_ms: int = NEVER
    events: int = 0
    known_ms: int = NEVER


def held_until(now_ms: int, silent: Bools, until_ms: Times) -> Times:
    """Return until when each patient's silence waits to be told singly, (n,), `NEVER` for who is not silent.

    Args:
        now_ms: time of the tick.
        silent: (n,) who is silent and was not told of yet.
        until_ms: (n,) what this returned at the tick before, or an answer has put there.
    """
    return np.where(silent, np.where(until_ms == NEVER, now_ms + WAIT_MS, until_ms), NEVER)


def counted(
    now_ms: int, ward: Names, known: Bools, silent: Bools, since_ms: Times
) -> list[tuple[str, Count]]:
    """Count the patients of each ward, in the order of their names.

    Args:
        now_ms: time of the tick.
        ward: (n,) the patient's ward, empty = none.
        known: (n,) whose devices have been heard and who was not told of singly.
        silent: (n,) who of them is silent.
        since_ms: (n,) when the last frame of who is silent came.
    """
    chosen = known & (ward != b"")
    names, number = np.unique(ward[chosen], return_inverse=True)
    quiet = silent[chosen]
    first = np.full(len(names), np.iinfo(np.int64).max, dtype=np.int64)
    last = np.full(len(names), NEVER, dtype=np.int64)
    np.minimum.at(first, number[quiet], since_ms[chosen][quiet])
    np.maximum.at(last, number[quiet], since_ms[chosen][quiet])
    patients = np.bincount(number, minlength=len(names))
    lost = np.bincount(number[quiet], minlength=len(names))
    return [
        (name.decode(), Count(n, s, begin if s else NEVER, end, now_ms))
        for name, n, s, begin, end in zip(
            names.tolist(), patients.tolist(), lost.tolist(), first.tolist(), last.tolist(), strict=True
        )
    ]


def is_lost(counts: Collection[Count]) -> bool:
    """Return whether at least `PATIENTS_MIN` and `SHARE_MIN` of a ward's patients are silent."""
    silent = sum(count.silent for count in counts)
    return silent >= PATIENTS_MIN and silent >= SHARE_MIN * sum(count.patients for count in counts)


def event_of(loss: Loss, counts: Collection[Count], now_ms: int) -> Event:
    """Return what these counts mean for a ward's alarm; what follows is for the table (`clinical.lifecycle`) to say.

    Who knows of an alarm is told of it again, as one that is worse, only when somebody has fallen silent since.
    """
    if not is_lost(counts):
        return Event.CLEAR
    if loss.state == State.ACKNOWLEDGED and newest(counts) > loss.known_ms:
        return Event.WORSE
    if loss.state == State.ACTIVE and now_ms - loss.told_ms >= CONTINUE_MS:
        return Event.REMIND
    return Event.DUE


def onset(loss: Loss, counts: Collection[Count]) -> int:
    """Return the onset of a loss that begins: the oldest last frame, but later than that of the loss before."""
    return max(loss.onset_ms + 1, min(count.first_ms for count in counts if count.silent))


def newest(counts: Collection[Count]) -> int:
    """Return when the last frame of who fell silent last came, `NEVER` where nobody is silent."""
    return max((count.last_ms for count in counts), default=NEVER)
