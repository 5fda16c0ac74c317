"""Data that stop coming: silent devices, lost signals, signals that are missing too often.

Each device of a patient is judged by its own announced interval; arrays of shape (n, devices) or (n, devices, signals),
in which a device that a patient does not have was never heard. `now_ms` is the tick's time, in the time base of the
arrival times.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import INTERVALS_MISSED, NEVER
from clinical.masks import some
from clinical.rules import TechnicalRules

Times = NDArray[np.int64]
Bools = NDArray[np.bool_]

DETACHED_MS: Final = 600_000
"""A signal that no frame has carried for so long counts as taken off: its alarm ends and does not return.

Unless the last that a frame said of it is that it is attached without a valid reading: that holds until one comes.
"""

UNSCORED_MS: Final = 3_600_000
"""So long without a score an alarm ends: RCP 2017 asks for a score at least hourly at each level that alarms."""

UNRELIABLE_S: Final = 60.0
"""What is counted to call a signal unreliable, s, so it is told no earlier. Our choice [M]."""

UNRELIABLE_SHARE: Final = 0.2
"""Share of the last minute's readings that are missing, from which on a signal is unreliable. Our choice [M]."""

RELIABLE_SHARE: Final = 0.1
"""Below this share it is reliable again, so that it does not come and go at the edge. Our choice [M]."""

UNASSOCIATED_S: Final = 15.0
"""How long a device may be on no patient before that is told, s; our choice, half of what is promised [M]."""

GAPS_MIN: Final = 2
"""A signal that comes and goes has at least so many gaps a minute. Our choice [M]."""

FOREVER: Final = np.iinfo(np.int64).max


def silence_ms_max(rules: TechnicalRules, interval_ms: NDArray[np.int32]) -> Times:
    """Return how long each device may be silent: the rule's time, or two of its own announced intervals; any shape."""
    return np.maximum(round(rules.silent_device_s * 1000), INTERVALS_MISSED * interval_ms.astype(np.int64))


def loss_ms_max(rules: TechnicalRules, interval_ms: NDArray[np.int32]) -> Times:
    """Return how long each device may be without a valid reading, likewise."""
    return np.maximum(round(rules.signal_loss_s * 1000), INTERVALS_MISSED * interval_ms.astype(np.int64))


def unscored_ms_max(interval_ms: NDArray[np.int32]) -> Times:
    """Return how long an alarm stays without a score: `UNSCORED_MS`, or two intervals; any shape."""
    return np.maximum(UNSCORED_MS, INTERVALS_MISSED * interval_ms.astype(np.int64))


def silent_since(now_ms: int, heard_ms: Times, patience_ms: Times, onset_ms: Times) -> Times:
    """Return since when each patient is silent, (n,), `NEVER` where somebody is heard.

    A device that is heard speaks for those that may be silent for as long as itself or longer: a spot check does not
    speak for a monitor.

    Args:
        now_ms: time of the tick.
        heard_ms: (n, devices) arrival of each device's last frame, `NEVER` = none.
        patience_ms: (n, devices) how long each may be silent.
        onset_ms: (n,) onset of the alarm that is active, or `NEVER`; only a newer frame ends it, so that no two
            episodes have the same onset.
    """
    known = heard_ms != NEVER
    quiet = (now_ms - heard_ms >= patience_ms) | (heard_ms <= onset_ms[:, None])
    if not some(known & quiet):  # as nearly always
        return np.full(len(heard_ms), NEVER)
    heard = np.where(known & ~quiet, patience_ms, FOREVER).min(axis=1)
    unheard = known & quiet & (patience_ms < heard[:, None])
    since: Times = np.where(unheard, heard_ms, NEVER).max(axis=1)
    return since


@dataclass(frozen=True, slots=True)
class Measured:
    """What devices last said of signals, arrays of shape (n, devices, signals), ms.

    `value_ms` is the arrival of the last valid sample, `lost_ms` of the first invalid one after it, `NEVER` = none.
    """

    value_ms: Times
    lost_ms: Times


def lost_since(
    now_ms: int,
    measured: Measured,
    live_ms: Times,
    patience_ms: Times,
    silent: Bools,
    onset_ms: Times,
) -> Times:
    """Return since when each signal has no valid reading of any device, (n, signals), `NEVER` where it has one.

    A device has lost a signal when it is attached to it without a valid reading for its patience, or when its frames
    have stopped carrying it for as long. The patient's signal is lost when no device measures it, since the last one
    lost it; then it stays so until a valid reading.

    Args:
        now_ms: time of the tick.
        measured: what devices last said.
        live_ms: (n, devices) arrival of each device's last frame of now, `NEVER` = none: not of what it had held back.
        patience_ms: (n, devices) how long each may be without a reading.
        silent: (n,) whether no frame of now comes, which is told by itself; then only invalid samples count.
        onset_ms: (n, signals) onset of the alarm that is active, or `NEVER`.
    """
    patience, known = patience_ms[:, :, None], onset_ms != NEVER
    age = now_ms - measured.value_ms
    invalid = measured.lost_ms != NEVER
    carried = ~invalid & (measured.value_ms != NEVER)
    fresh = carried & (age < patience) & (measured.value_ms > onset_ms[:, None, :])
    stopped = carried & ~fresh
    if not (some(invalid) or some(stopped)):  # as nearly always
        return np.full(onset_ms.shape, NEVER)
    detached = np.maximum(DETACHED_MS, patience)
    gone = ((now_ms - live_ms)[:, :, None] >= detached) & ~silent[:, None, None]
    invalid &= ~gone
    stopped &= age < detached
    since = np.where(invalid, measured.lost_ms, np.where(stopped, measured.value_ms, NEVER))
    due = ~(invalid | stopped) | (now_ms - since >= patience)
    may = invalid.any(axis=1) | known | ~silent[:, None]
    lost = ~fresh.any(axis=1) & (known | due.all(axis=1)) & may
    return np.where(lost, since.max(axis=1), NEVER)


def unmeasured(now_ms: int, value_ms: Times, age_ms_max: Times, interval_ms: NDArray[np.int32]) -> Bools:
    """Return where a signal was not measured for so long that nothing is known of a condition on it, (n,).

    That is when it counts as taken off, or is too old for a score, or two of the device's intervals are over.

    Args:
        now_ms: time of the tick.
        value_ms: (n,) arrival of the signal's last valid reading.
        age_ms_max: (n,) how long a reading of the signal is usable.
        interval_ms: (n,) announced interval of the device that took it.
    """
    patience = np.maximum(DETACHED_MS, age_ms_max)
    longest = np.maximum(patience, INTERVALS_MISSED * interval_ms.astype(np.int64))
    found: Bools = now_ms - value_ms >= longest
    return found


@dataclass(frozen=True, slots=True)
class Counted:
    """Readings of the last minute, arrays of shape (n, devices, signals), 0 where they were not counted for all of it.

    `came` are valid readings, `missed` missing ones, `gaps` those of them that followed on a valid one.
    """

    came: NDArray[np.int64]
    missed: NDArray[np.int64]
    gaps: NDArray[np.int64]


def unreliable(counted: Counted, fresh: Bools, known: Bools) -> Bools:
    """Return which signals miss too many of the readings of the last minute, while some come, (n, signals).

    One stretch without readings is no such signal: it is a loss, or too short to be one.

    Args:
        counted: the readings.
        fresh: (n, devices, signals) whether the last valid reading is young enough to count.
        known: (n, signals) whether the alarm stands.
    """
    least = np.where(known, RELIABLE_SHARE, UNRELIABLE_SHARE)[:, None, :]
    gaps = np.where(known, 1, GAPS_MIN)[:, None, :]
    bad = (counted.came > 0) & (counted.missed >= least * (counted.came + counted.missed))
    bad &= counted.gaps >= gaps
    found: Bools = np.any(bad, axis=1) & ~np.any(fresh & ~bad, axis=1)
    return found
