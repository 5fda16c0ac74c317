"""Technical conditions of sensors and devices: what they send is not to be believed, or not what is wanted."""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DISAGREE_SHARE: Final = 0.2
"""Heart rate and pulse rate this far apart, by the larger, are not the same heart: notes on artefact, 20 % [M]."""

DISAGREE_AGE_MS: Final = 15_000
"""Both readings are younger than this, or than two announced intervals, or they say nothing about each other.

Our choice [M].
"""

DOUBT_MS_MAX: Final = 60_000
"""So long, from its beginning, a contradiction suppresses alarms. Our choice [M]."""

CONFLICT_MS: Final = 600_000
"""Two conflicts of a device's numbers within this are no accident. Our choice [M]."""

CROWDED_MS: Final = 600_000
"""So long after a device had to make room for another the patient has too many. Our choice [M]."""

BABBLE_FACTOR: Final = 4
"""So many times the announced rate is babbling; several devices of one patient stay below. Our choice [M]."""

BABBLE_MIN: Final = 60
"""And at least so many readings of one signal in a bucket of 30 s: 2 a second. Our choice [M]."""


class Clock(IntEnum):
    """How the time of a device's last frame was judged (`clinical.clock`)."""

    LIVE = 0
    SUSPECT = 1
    """Its clock disagrees with the broker's: judged by append time."""
    HISTORIC = 2
    """A reading from the past that the device held back: it enters the windows and raises no alarm."""


_SUSPECT, _HISTORIC = np.uint8(Clock.SUSPECT), np.uint8(Clock.HISTORIC)


def clock_of(suspect: Bools, historic: Bools) -> NDArray[np.uint8]:
    """Return the `Clock` of frames whose time was judged, (n,)."""
    return suspect * _SUSPECT + historic * _HISTORIC


def are_apart(hr: Floats, pulse: Floats) -> Bools:
    """Return where two rates, beats a minute, are not the same heart's, (n,); never where one is NaN."""
    apart: Bools = np.abs(hr - pulse) > DISAGREE_SHARE * np.fmax(hr, pulse)
    return apart


def disagree(
    hr: Floats, pulse: Floats, hr_ms: Times, pulse_ms: Times, now_ms: int, interval_ms: Times, lost: Bools
) -> Bools:
    """Return where the heart rate and the pulse of one patient contradict each other, (n,).

    Args:
        hr: (n,) last valid heart rate, beats a minute, NaN = none.
        pulse: (n,) last valid pulse rate.
        hr_ms: (n,) when it came, negative = never.
        pulse_ms: (n,) likewise.
        now_ms: the present.
        interval_ms: (n,) the longer one of the intervals that their devices announce.
        lost: (n,) whether one of them is attached without a valid reading now.
    """
    older = np.minimum(hr_ms, pulse_ms)
    fresh = (older >= 0) & (now_ms - older <= np.maximum(DISAGREE_AGE_MS, 2 * interval_ms))
    return fresh & are_apart(hr, pulse) & ~lost


def doubts(doubt_ms: Times, now_ms: Times, older_ms: Times, interval_ms: Times, lost: Bools) -> Bools:
    """Return where a contradiction that was emitted suppresses alarms, (n,).

    Not for longer than a minute, and only while both readings are of now.

    Args:
        doubt_ms: (n,) since when heart rate and pulse contradict each other.
        now_ms: (n,) the present.
        older_ms: (n,) when the older one of both readings came, negative = never.
        interval_ms: (n,) the longer one of the intervals that their devices announce.
        lost: (n,) whether one of them is attached without a valid reading now.
    """
    is_now = (older_ms >= 0) & (now_ms - older_ms <= interval_ms + interval_ms // 2)
    found: Bools = is_now & ~lost & (now_ms - doubt_ms <= DOUBT_MS_MAX)
    return found


def conflicting(last_ms: Times, before_ms: Times, now_ms: int) -> Bools:
    """Return which devices' numbers came again with other content, and repeatedly so, any shape."""
    found: Bools = (before_ms >= 0) & (now_ms - before_ms <= CONFLICT_MS)
    return found & (last_ms >= 0)


def babbling(readings: NDArray[np.int64], interval_ms: NDArray[np.int64], bucket_ms: int) -> Bools:
    """Return where devices send far more than they announce, (n,).

    Args:
        readings: (n,) most readings of one signal in a whole bucket.
        interval_ms: (n,) shortest interval that a device which is heard announces.
        bucket_ms: length of the bucket.
    """
    return (readings >= BABBLE_MIN) & (readings * interval_ms > BABBLE_FACTOR * bucket_ms)


def has_clock(kind: Clock, kinds: NDArray[np.uint8], append_ms: Times, now_ms: int, age_ms: Times) -> Bools:
    """Return where a patient's devices that are still heard send frames of this kind, (n,).

    For `HISTORIC` none of them may be live: then a device catches up, but nobody watches the patient.

    Args:
        kind: `SUSPECT` or `HISTORIC`.
        kinds: (n, devices) how each device's last frame was judged.
        append_ms: (n, devices) when it came, negative = never.
        now_ms: the present.
        age_ms: (n, devices) up to which age each counts as heard.
    """
    heard = (append_ms >= 0) & (now_ms - append_ms <= age_ms)
    found: Bools = np.any(heard & (kinds == kind), axis=1)
    if kind == Clock.HISTORIC:
        found &= ~np.any(heard & (kinds != Clock.HISTORIC), axis=1)
    return found
