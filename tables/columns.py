"""What is kept of each patient, declared once: columns of one row a patient, which the partitions of a worker share.

Shared, because what a fetch brings of several partitions is then judged at once, at the price of one.
"""

from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.scores import SHEETS
from tables.column import (
    ALARMS,
    RULES,
    Bytes,
    Column,
    Floats,
    Ints,
    Kind,
    Ms,
    Truth,
    columns_of,
)
from tables.device_rows import NOBODY, DeviceRows
from tables.row_pool import ROWS_MIN, RowPool
from tables.windows import Windows

DEVICES: Final = 16
"""Devices remembered per patient; the one unused longest makes room."""

COMMANDS: Final = 32
"""Commands remembered per patient, so that one that arrives again is not applied again."""

NAME_BYTES: Final = 64
"""Longest name of a ward or of whoever orders something: that of any identifier."""

Name = Annotated[NDArray[np.bytes_], Column(f"S{NAME_BYTES}", b"")]
AlarmMs = Annotated[Ints, Column(np.int64, NEVER, (ALARMS,))]
AlarmKind = Annotated[Bytes, Column(np.uint8, 0, (ALARMS,))]
AlarmValue = Annotated[Floats, Column(np.float64, np.nan, (ALARMS,))]
LimitValue = Annotated[Floats, Column(np.float64, np.nan, (RULES,))]


class Columns:
    """Rows of patients. Several may share what they keep, each for the rows of its own: then one grows for all.

    `alarm_*` are of shape (rows, alarms). `slots` (rows, DEVICES) are the rows of the patient's devices in `devices`,
    filled from the front; `pushed_out_ms` says when one last had to make room for another. `alarm_clear_ms` of a limit
    or a loss is the onset of its last episode that is over; `tables.told_levels` says what an alarm with levels keeps
    there, in `alarm_extreme` and in `alarm_area`. `alarm_low` and `alarm_high` are the patient's own limits, NaN where
    the rule's hold; `own_limits` says that they, the age band or the ordered SpO2 target differ from the rules,
    `age_known` that somebody said the band. `alarm_step` is the step of responsibility that is asked, 0 = none.
    `since_ms` is when the patient was admitted or discharged, or `by_order` of when an order made the row; `lapsed_ms`
    (rows, scores) when each score last lapsed. `silence_held_ms` is until when an untold silence waits for the ward's
    decision or is part of its alarm; `pause_ms` is when the last pause began, by `pause_actor`, `pause_until_ms` when
    it ends by itself. `alarm_paused` is whether the pause in force covers this very episode
    (`agents.judging.transitions`), `alarm_known` the worst value that somebody knows of. `born` is the offset of the
    record that brought the patient, `NEVER` where a record of an older version does not say; `came` how many frames
    have come, at most 2; `turn` which look at what may be everybody's is the patient's (`clinical.ticking`), which
    follows from the name.
    """

    position: Ms
    born: Ms
    dirty: Truth
    came: Kind
    turn: Kind
    ticked_ms: Ms
    pushed_out_ms: Ms
    slots: Annotated[NDArray[np.int32], Column(np.int32, 0, (DEVICES,))]
    last_slot: Annotated[Ints, Column(np.int64)]
    last_number: Annotated[Ints, Column(np.int64)]
    alarm_state: AlarmKind
    alarm_priority: AlarmKind
    alarm_events: Annotated[NDArray[np.uint32], Column(np.uint32, 0, (ALARMS,))]
    alarm_onset_ms: AlarmMs
    alarm_clear_ms: AlarmMs
    alarm_told_ms: AlarmMs
    alarm_extreme: AlarmValue
    alarm_area: Annotated[Floats, Column(np.float64, 0, (ALARMS,))]
    alarm_step: AlarmKind
    alarm_answer: AlarmKind
    alarm_asked_ms: AlarmMs
    alarm_low: LimitValue
    alarm_high: LimitValue
    alarm_known: AlarmValue
    alarm_paused: AlarmKind
    own_limits: Truth
    age_band: Kind
    age_known: Truth
    scale2: Truth
    lapsed_ms: Annotated[Ints, Column(np.int64, NEVER, (len(SHEETS),))]
    oxygen: Annotated[Floats, Column(np.float64, np.nan)]
    ward: Name
    discharged: Truth
    since_ms: Ms
    pause: Kind
    pause_actor: Name
    pause_ms: Ms
    pause_until_ms: Ms
    silence_held_ms: Ms
    commands: Annotated[NDArray[np.uint64], Column(np.uint64, 0, (COMMANDS,))]

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
            self.windows, self._sharing = Windows(ROWS_MIN), list[Columns]()
            self.devices = DeviceRows(limits)
            for name, column in self.COLUMNS.items():
                setattr(self, name, column.make(ROWS_MIN, alarms, limits))
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
            for name, column in self.COLUMNS.items():
                new = column.grown(getattr(self, name), self._pool.filled, self._pool.capacity)
                for each in self._sharing:
                    setattr(each, name, new)
            self.windows.grow(self._pool.capacity)
            self.devices.grow_to(self._pool.capacity)
        if rows := self._pool.fill(count):
            for name, column in self.COLUMNS.items():
                column.fill(getattr(self, name), rows)

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
