"""What is known of a patient, from the devices: of each signal the reading that came last, whichever device took it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.losses import Measured
from clinical.vitals import COUNT
from tables.patients import PatientTable

Rows = NDArray[np.int64]

ALL: slice = slice(0, COUNT)


@dataclass(frozen=True, slots=True)
class Latest:
    """The last valid reading of each signal, arrays of shape (n, signals), as far as they were asked for.

    `value_ms` is its arrival (`NEVER` = none). Of the device that took it: `interval_ms` is the interval that it
    announces, `heard_ms` the arrival of its last frame, `lost_ms` that of its first missing reading since.
    """

    value: NDArray[np.float64]
    value_ms: NDArray[np.int64]
    interval_ms: NDArray[np.int32]
    lost_ms: NDArray[np.int64]
    heard_ms: NDArray[np.int64]

    @property
    def is_lost(self) -> NDArray[np.bool_]:
        """Whether a missing reading has come from that device since."""
        lost: NDArray[np.bool_] = self.lost_ms != NEVER
        return lost

    def take(self, chosen: Rows) -> "Latest":
        """Return some of the patients."""
        return Latest(
            self.value[chosen],
            self.value_ms[chosen],
            self.interval_ms[chosen],
            self.lost_ms[chosen],
            self.heard_ms[chosen],
        )


def latest(table: PatientTable, rows: Rows, signals: slice | list[int] | Rows = ALL) -> Latest:
    """Return the last valid reading of each signal of n patients; of two that came at once, of the later device's."""
    devices, slots = table.devices, table.of_devices(rows)
    first = slots[:, 0]
    cells = (first, signals) if isinstance(signals, slice) else (first[:, None], signals)
    value = devices.value[cells]
    width = value.shape[1]
    found = Latest(
        value,
        devices.value_ms[cells],
        np.repeat(devices.interval_ms[first][:, None], width, axis=1),
        devices.lost_ms[cells],
        np.repeat(devices.heard_ms[first][:, None], width, axis=1),
    )
    if slots.shape[1] == 1:
        return found
    used = np.repeat(devices.used[first][:, None], width, axis=1)
    for k in range(1, slots.shape[1]):
        at = np.flatnonzero(slots[:, k])
        device = slots[at, k]
        came, last = devices.value_ms[device][:, signals], devices.used[device][:, None]
        newer = (came >= 0) & (
            (came > found.value_ms[at]) | ((came == found.value_ms[at]) & (last > used[at]))
        )
        i, s = np.nonzero(newer)
        place = at[i], s
        found.value[place] = devices.value[device][:, signals][newer]
        found.value_ms[place] = came[newer]
        found.interval_ms[place] = devices.interval_ms[device][i]
        found.lost_ms[place] = devices.lost_ms[device][:, signals][newer]
        found.heard_ms[place] = devices.heard_ms[device][i]
        used[place] = np.broadcast_to(last, newer.shape)[newer]
    return found


def measured(table: PatientTable, slots: NDArray[np.int32], signals: NDArray[np.int64]) -> Measured:
    """Return what devices last said of some signals; `slots` (n, k) are the rows of n patients' devices."""
    devices = table.devices
    return Measured(devices.value_ms[slots][:, :, signals], devices.lost_ms[slots][:, :, signals])
