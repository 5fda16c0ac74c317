"""Rows of patients in all families of columns, which the partitions of a worker share.

Shared, because what a fetch brings of several partitions is then judged at once, at the price of one.
"""

from typing import ClassVar

import numpy as np

from tables.column import Column, Ints, columns_of, grown, made
from tables.columns.alarm_columns import AlarmColumns
from tables.columns.episode_columns import EpisodeColumns
from tables.columns.limit_columns import LimitColumns
from tables.columns.log_columns import LogColumns
from tables.columns.pause_columns import PauseColumns
from tables.columns.score_columns import ScoreColumns
from tables.columns.silence_columns import SilenceColumns
from tables.columns.stay_columns import StayColumns
from tables.device_rows import NOBODY, DeviceRows
from tables.row_pool import RowPool
from tables.windows import Windows


class Columns(
    LogColumns,
    AlarmColumns,
    EpisodeColumns,
    LimitColumns,
    ScoreColumns,
    StayColumns,
    PauseColumns,
    SilenceColumns,
):
    """Rows of patients. Several may share what they keep, each for the rows of its own: then one grows for all."""

    COLUMNS: ClassVar[dict[str, Column]]

    patients: list[str | None]
    """Whose each row is; None = nobody's."""
    last_device: list[str | None]
    """Device of each row's last frame; `last_slot`, its row in `devices`, spares the search for it, and `last_number`
    the comparison of names: its number, 0 = not known, of whom `devices.numbered_by` says."""
    windows: Windows
    devices: DeviceRows

    def __init__(self, alarms: int, limits: int, beside: "Columns | None" = None) -> None:
        if beside is None:
            self.patients, self.last_device, self._pool = [], [], RowPool()
            self.windows, self._sharing = Windows(self._pool.capacity), list[Columns]()
            self.devices = DeviceRows(limits)
            for name, column in made(self.COLUMNS, self._pool.capacity, alarms, limits).items():
                setattr(self, name, column)
        else:
            self.patients, self.last_device, self._pool = beside.patients, beside.last_device, beside._pool
            self.windows, self._sharing = beside.windows, beside._sharing
            self.devices = beside.devices
            for name in self.COLUMNS:
                setattr(self, name, getattr(beside, name))
        self._sharing.append(self)

    def shares_with(self, other: "Columns") -> bool:
        """Return whether a row of the one is a row of the other."""
        return self._sharing is other._sharing

    def reserve(self, count: int) -> None:
        """Make room for so many more rows; at once for all whom a block brings, because growing copies everything."""
        if self._pool.grow(count):
            before = {name: getattr(self, name) for name in self.COLUMNS}
            for name, new in grown(before, self._pool.filled, self._pool.capacity).items():
                for each in self._sharing:
                    setattr(each, name, new)
            self.windows.grow(self._pool.capacity, self._pool.filled)
            self.devices.grow_to(self._pool.capacity)
        if rows := self._pool.fill(count):
            for name, column in self.COLUMNS.items():
                column.fill(getattr(self, name), rows)
            self.windows.fill(rows)

    def take_row(self, patient: str) -> int:
        """Return an empty row, the patient's from now on."""
        self.reserve(1)
        row = self._pool.take()
        if row == len(self.patients):
            self.patients.append(patient)
            self.last_device.append(None)
        else:
            self.patients[row] = patient
        return row

    def give_back(self, rows: list[int]) -> None:
        """Empty rows, which are nobody's from now on."""
        for row in rows:
            self.patients[row] = None
        self.clear(np.array(rows, dtype=np.int64))
        self._pool.free += rows

    @property
    def is_released(self) -> bool:
        """Whether it has stopped sharing: its rows are others' by now."""
        return self not in self._sharing

    def stop_sharing(self) -> None:
        """Grow no more with the others."""
        self._sharing.remove(self)

    def clear(self, rows: int | Ints) -> None:
        """Empty a row, or several different ones; their patients keep them, their devices are forgotten."""
        slots = self.slots[rows].reshape(-1)
        self.devices.give_back(slots[slots != NOBODY])
        for name, column in self.COLUMNS.items():
            if name != "turn":  # the patient's, whatever is forgotten
                getattr(self, name)[rows] = column.empty
        for row in np.atleast_1d(rows).tolist():
            self.last_device[row] = None
        self.windows.clear(rows)


Columns.COLUMNS = columns_of(Columns)
