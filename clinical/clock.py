"""Whose clock counts: a frame's event time against the time the broker took it.

A device whose clock disagrees with the broker by more than a bound is clock-suspect and judged by append time. A
frame from far in the past is either that, or one that the device held back while it was offline. The two differ
in pace: a wrong clock runs as fast as the broker's, held-back frames arrive faster than they were measured, and each
was measured later than the one before.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.masks import some

PACE_MS: Final = 500
"""Jitter of delivery that a steady pace may show between two frames, on top of half their distance."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How event time is judged. `recorded`: the recording's time is the only one. Bounds in ms."""

    recorded: bool = False
    ahead_ms_max: int = 5_000
    horizon_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class JudgedTime:
    """Arrays of shape (n,), ms.

    `now_ms` is the time by which the frame is judged, `arrival_ms` when it came (for silence and age), `suspect`
    that the device's clock is not believed, `historic` that the frame is no live reading.
    """

    now_ms: NDArray[np.int64]
    arrival_ms: NDArray[np.int64]
    suspect: NDArray[np.bool_]
    historic: NDArray[np.bool_]


def judge_recorded(event_ms: NDArray[np.int64]) -> JudgedTime:
    """Return the time of n frames of a recording, whose own time is the only one."""
    none = np.zeros(len(event_ms), dtype=np.bool_)
    return JudgedTime(event_ms, event_ms, none, none)


def judge_time(
    rules: TimeRules,
    event_ms: NDArray[np.int64],
    append_ms: NDArray[np.int64],
    event_before_ms: NDArray[np.int64],
    append_before_ms: NDArray[np.int64],
    comes_next: NDArray[np.bool_] | None,
) -> JudgedTime:
    """Judge the time of n live frames; `*_before_ms` are those of each device's previous frame, `NEVER` if none.

    `comes_next` (n,) says which are the next of their devices, None that all are. A device's first frame, and a next
    one measured before the one before it, were not held back: their clock is wrong.
    """
    behind = append_ms - event_ms
    future = -behind > rules.ahead_ms_max
    past = behind > rules.horizon_ms
    if not some(future | past):
        none = np.zeros(len(event_ms), dtype=np.bool_)
        return JudgedTime(event_ms, append_ms, none, none)
    measured = event_ms - event_before_ms
    delivered = append_ms - append_before_ms
    steady = (measured > 0) & (np.abs(delivered - measured) <= PACE_MS + measured // 2) & (delivered > 0)
    back = measured < 0 if comes_next is None else comes_next & (measured < 0)
    stepped = (event_before_ms == NEVER) | back
    suspect = future | (past & (steady | stepped))
    return JudgedTime(np.where(suspect, append_ms, event_ms), append_ms, suspect, past & ~suspect)
