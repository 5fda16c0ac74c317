"""Counts readings and missing readings of devices that miss some: what `unreliable-signal` is decided from.

A device whose periodic signals are all measured is not counted: it costs nothing. From its first missing reading on its
frames are judged one by one and counted, until none was missing for a minute.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import LOSS_COLUMNS
from clinical.limits import NEVER
from clinical.losses import Counted
from clinical.masks import some
from tables.device_rows import FLICKER_SLOT_MS, FLICKER_SLOTS, DeviceRows

Rows = NDArray[np.int64]
Times = NDArray[np.int64]

MINUTE_MS: Final = FLICKER_SLOT_MS * (FLICKER_SLOTS - 1)
COUNTED_MAX: Final = 60_000
"""Readings counted of a signal in a stretch; a device that sends more babbles."""


def flickers(devices: DeviceRows, at: Rows | NDArray[np.int32], now_ms: Times | int) -> NDArray[np.bool_]:
    """Return which devices have missed a reading within the last minute, any shape; `now_ms` in the arrivals' time."""
    missing = devices.missing_ms[at]
    found: NDArray[np.bool_] = (missing != NEVER) & (now_ms - missing <= MINUTE_MS)
    return found


def count(devices: DeviceRows, at: Rows, arrival_ms: Times, samples: NDArray[np.float64]) -> None:
    """Count the samples (n, signals) of one frame of each of n different devices, NaN = missing, -inf = absent."""
    periodic = samples[:, LOSS_COLUMNS]
    missing, valid = np.isnan(periodic), np.isfinite(periodic)
    begins, known = missing.any(axis=1), flickers(devices, at, arrival_ms)
    chosen = begins | known
    if not some(chosen):
        return
    new = begins & ~known
    gap = missing & (devices.lost_ms[at][:, LOSS_COLUMNS] == NEVER)
    devices.came[at[new]], devices.missed[at[new]], devices.gaps[at[new]] = 0, 0, 0
    devices.counted_ms[at[new]], devices.slot[at[new]] = arrival_ms[new], arrival_ms[new] // FLICKER_SLOT_MS
    devices.missing_ms[at[begins]] = np.maximum(devices.missing_ms[at[begins]], arrival_ms[begins])
    at, arrival_ms = at[chosen], arrival_ms[chosen]
    number = arrival_ms // FLICKER_SLOT_MS
    _turn(devices, at, number)
    held = number > devices.slot[at] - FLICKER_SLOTS
    at, place = at[held], (number % FLICKER_SLOTS)[held]
    for column, counted in ((devices.came, valid), (devices.missed, missing), (devices.gaps, gap)):
        column[at, place] = np.minimum(column[at, place] + counted[chosen][held], COUNTED_MAX)


def _turn(devices: DeviceRows, at: Rows, number: NDArray[np.int64]) -> None:
    """Empty the stretches that begin now, or began since a reading was last counted."""
    for ahead in range(FLICKER_SLOTS):
        begins = number - ahead > devices.slot[at]
        place = at[begins], (number - ahead)[begins] % FLICKER_SLOTS
        devices.came[place], devices.missed[place], devices.gaps[place] = 0, 0, 0
    devices.slot[at] = np.maximum(devices.slot[at], number)


def last_minute(devices: DeviceRows, at: Rows | NDArray[np.int32], now_ms: int) -> Counted:
    """Return what was counted of periodic signals, 0 where they have not been counted for a whole minute."""
    number = now_ms // FLICKER_SLOT_MS
    slot = devices.slot[at][..., None]
    place = np.arange(FLICKER_SLOTS)
    holds = slot - (slot - place) % FLICKER_SLOTS  # which stretch each place holds
    counted = devices.counted_ms[at]
    whole = (counted != NEVER) & (now_ms - counted >= MINUTE_MS) & flickers(devices, at, now_ms)
    kept = (holds > number - FLICKER_SLOTS) & whole[..., None]
    columns = devices.came, devices.missed, devices.gaps
    return Counted(
        *(np.where(kept[..., None], column[at], 0).sum(axis=-2, dtype=np.int64) for column in columns)
    )
