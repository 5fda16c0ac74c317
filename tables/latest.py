"""What is known of a patient, from the devices: of each signal the reading that came last, whichever device took it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.losses import Measured
from clinical.vitals import COUNT
from tables.device_rows import DeviceRows
from tables.patients import PatientTable

Rows = NDArray[np.int64]

_ALL_COLUMNS: Final = np.arange(COUNT)


@dataclass(frozen=True, slots=True)
class Latest:
    """The last valid reading of each signal, arrays of shape (n, signals), as far as they were asked for.

    `value_ms` is its arrival (`NEVER` = none). Of the device that took it: `interval_ms` is the interval that it
    announces, `live_ms` the arrival of its last frame of now, `lost_ms` that of its first missing reading since.
    """

    value: NDArray[np.float64]
    value_ms: NDArray[np.int64]
    interval_ms: NDArray[np.int32]
    lost_ms: NDArray[np.int64]
    live_ms: NDArray[np.int64]

    @property
    def is_lost(self) -> NDArray[np.bool_]:
        """Whether a missing reading has come from that device since."""
        lost: NDArray[np.bool_] = self.lost_ms != NEVER
        return lost

    def columns(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays, in the order of their names."""
        return self.value, self.value_ms, self.interval_ms, self.lost_ms, self.live_ms

    def take(self, chosen: Rows) -> "Latest":
        """Return some of the patients, in their order; all, as often, are not copied."""
        if len(chosen) == len(self.value):
            return self
        return Latest(*(column[chosen] for column in self.columns()))

    def of(self, signals: Rows) -> "Latest":
        """Return some of the signals."""
        return Latest(*(column[:, signals] for column in self.columns()))


def latest(table: PatientTable, rows: Rows, signals: list[int] | Rows | None = None) -> Latest:
    """Return the last valid reading of each signal of n patients; of two that came at once, of the later device's."""
    devices, slots = table.devices, table.of_devices(rows)
    columns = _ALL_COLUMNS if signals is None else np.asarray(signals, np.int64)
    found = _of(devices, slots[:, 0], columns)
    if slots.shape[1] > 1:
        found = Latest(*(column.copy() for column in found.columns()))
        _take_newer(devices, slots, columns, found)
    return found


def _of(devices: DeviceRows, at: NDArray[np.int32], columns: Rows) -> Latest:
    """Return what one device of each patient measured last; what is one for all signals is not repeated in memory."""
    shape = len(at), len(columns)
    interval_ms = np.broadcast_to(devices.interval_ms.take(at)[:, None], shape)
    live_ms = np.broadcast_to(devices.live_ms(at)[:, None], shape)
    if columns is _ALL_COLUMNS:  # whole rows are copied several times as fast as cells
        value, value_ms = devices.value.take(at, axis=0), devices.value_ms.take(at, axis=0)
        return Latest(value, value_ms, interval_ms, devices.lost_ms.take(at, axis=0), live_ms)
    cells = at[:, None].astype(np.int64) * COUNT + columns
    value, value_ms = devices.value.reshape(-1).take(cells), devices.value_ms.reshape(-1).take(cells)
    return Latest(value, value_ms, interval_ms, devices.lost_ms.reshape(-1).take(cells), live_ms)


def _take_newer(devices: DeviceRows, slots: NDArray[np.int32], columns: Rows, found: Latest) -> None:
    """Put what other devices measured later in the place of what the first one did."""
    used = np.repeat(devices.used[slots[:, 0]][:, None], len(columns), axis=1)
    for k in range(1, slots.shape[1]):
        at = np.flatnonzero(slots[:, k])
        device = slots[at, k]
        own, last = _of(devices, device, columns), devices.used[device][:, None]
        before_ms = found.value_ms[at]
        newer = (own.value_ms >= 0) & (
            (own.value_ms > before_ms) | ((own.value_ms == before_ms) & (last > used[at]))
        )
        i, s = np.nonzero(newer)
        for ours, theirs in zip(found.columns(), own.columns(), strict=True):
            ours[at[i], s] = theirs[newer]
        used[at[i], s] = np.broadcast_to(last, newer.shape)[newer]


def measured(table: PatientTable, slots: NDArray[np.int32], signals: NDArray[np.int64]) -> Measured:
    """Return what devices last said of some signals; `slots` (n, k) are the rows of n patients' devices."""
    cells = slots[:, :, None].astype(np.int64) * COUNT + signals
    devices = table.devices
    return Measured(devices.value_ms.reshape(-1).take(cells), devices.lost_ms.reshape(-1).take(cells))
