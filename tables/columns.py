"""What is kept of each patient, declared once: columns of one row a patient, which the partitions of a worker share.

Shared, because what a fetch brings of several partitions is then judged at once, at the price of one.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, get_type_hints

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.windows import Windows

DEVICES: Final = 4
"""Boots of devices remembered per patient; the one unused longest makes room."""

SEEN: Final = 128
"""Sequence numbers remembered below a device's highest: what is older counts as seen."""

COMMANDS: Final = 32
"""Commands remembered per patient, so that one that arrives again is not applied again."""

WARD_BYTES: Final = 64
"""Longest name of a ward: that of any identifier."""

ROWS_MIN: Final = 64

ALARMS: Final = -1
"""In a column's shape: as many as there are alarms."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is stored: its type, what an empty row holds, the shape of a row."""

    dtype: Any
    empty: Any = 0
    row: tuple[int, ...] = ()

    def make(self, rows: int, alarms: int) -> NDArray[Any]:
        """Return empty rows."""
        none = np.empty((0, *(alarms if width == ALARMS else width for width in self.row)), self.dtype)
        return self.grown(none, rows)

    def grown(self, column: NDArray[Any], rows: int) -> NDArray[Any]:
        """Return the rows of a column, and behind them empty ones until there are so many."""
        shape = (rows, *column.shape[1:])
        # Zeros take memory only when they are written.
        new = np.zeros(shape, self.dtype) if self.empty == 0 else np.empty(shape, self.dtype)
        new[: len(column)] = column
        if self.empty != 0:
            new[len(column) :] = self.empty
        return new


Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

Ms = Annotated[Ints, Column(np.int64, NEVER)]
Kind = Annotated[Bytes, Column(np.uint8)]
Truth = Annotated[Bools, Column(np.bool_)]
DeviceMs = Annotated[Ints, Column(np.int64, NEVER, (DEVICES,))]
SignalMs = Annotated[Ints, Column(np.int64, NEVER, (COUNT,))]
AlarmMs = Annotated[Ints, Column(np.int64, NEVER, (ALARMS,))]
AlarmKind = Annotated[Bytes, Column(np.uint8, 0, (ALARMS,))]
AlarmValue = Annotated[Floats, Column(np.float64, np.nan, (ALARMS,))]


class Columns:
    """Rows of patients. Several may share what they keep, each for the rows of its own: then one grows for all.

    `alarm_*` are of shape (rows, alarms), readings of shape (rows, signals), device memory of shape
    (rows, DEVICES[, SEEN]). `alarm_low` and `alarm_high` are the patient's own limits, NaN where the rule's hold;
    `own_limits` says that they or the age band differ from the rules. `alarm_step` is the step of responsibility that
    is asked, 0 = none. `since_ms` is when the patient was admitted or discharged, or `by_order` of when an order made
    the row; `alarm_area` is depth times duration of a run (`clinical.integral`; `tables.levels` says what an alarm with
    levels keeps there), `device_clock` how the time of each device's last frame was judged; `silence_held_ms`
    until when an untold silence waits for the ward's decision or is part of its alarm; `pause_ms` when the last pause
    began, `pause_until_ms` when it ends by itself.
    """

    position: Ms
    dirty: Truth
    seen_ms: Ms
    ticked_ms: Ms
    interval_ms: Annotated[NDArray[np.int32], Column(np.int32, 1000)]
    device: Annotated[NDArray[np.uint64], Column(np.uint64, 0, (DEVICES,))]
    device_high: DeviceMs
    device_used: DeviceMs
    device_lap: Annotated[NDArray[np.uint16], Column(np.uint16, 0, (DEVICES, SEEN))]
    last_boot: Annotated[Ints, Column(np.int64)]
    last_slot: Annotated[Ints, Column(np.int64)]
    device_event_ms: DeviceMs
    device_append_ms: DeviceMs
    device_clock: Annotated[Bytes, Column(np.uint8, 0, (DEVICES,))]
    newest_ms: SignalMs
    value: Annotated[Floats, Column(np.float64, np.nan, (COUNT,))]
    value_ms: SignalMs
    lost_ms: SignalMs
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
    alarm_low: AlarmValue
    alarm_high: AlarmValue
    own_limits: Truth
    age_band: Kind
    scale2: Truth
    oxygen: Annotated[Floats, Column(np.float64, np.nan)]
    ward: Annotated[NDArray[np.bytes_], Column(f"S{WARD_BYTES}", b"")]
    discharged: Truth
    since_ms: Ms
    pause: Kind
    pause_rank: Kind
    pause_ms: Ms
    pause_until_ms: Ms
    silence_held_ms: Ms
    commands: Annotated[NDArray[np.uint64], Column(np.uint64, 0, (COMMANDS,))]

    COLUMNS: ClassVar[dict[str, Column]]

    patients: list[str | None]
    """Whose each row is; None = nobody's."""
    last_device: list[str | None]
    """Device of each row's last frame; with `last_boot` and `last_slot` it spares the search for a slot."""
    windows: Windows

    def __init__(self, alarms: int, beside: "Columns | None" = None) -> None:
        if beside is None:
            self.patients, self.last_device, self._free = [], [], list[int]()
            self.windows, self._sharing = Windows(ROWS_MIN), list[Columns]()
            for name, column in self.COLUMNS.items():
                setattr(self, name, column.make(ROWS_MIN, alarms))
        else:
            self.patients, self.last_device, self._free = beside.patients, beside.last_device, beside._free
            self.windows, self._sharing = beside.windows, beside._sharing
            for name in self.COLUMNS:
                setattr(self, name, getattr(beside, name))
        self._sharing.append(self)

    def shares_with(self, other: "Columns") -> bool:
        """Return whether a row of the one is a row of the other."""
        return self._sharing is other._sharing

    def reserve(self, count: int) -> None:
        """Make room for so many more rows; at once for all whom a block brings, because growing copies everything."""
        capacity, wanted = len(self.position), len(self.patients) - len(self._free) + count
        if wanted <= capacity:
            return
        while capacity < wanted:
            capacity *= 2
        for name, column in self.COLUMNS.items():
            new = column.grown(getattr(self, name), capacity)
            for each in self._sharing:
                setattr(each, name, new)
        self.windows.grow(capacity)

    def take_row(self, patient: str) -> int:
        """Return an empty row, the patient's from now on."""
        self.reserve(1)
        row = self._free.pop() if self._free else len(self.patients)
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
        self._free += rows

    @property
    def is_released(self) -> bool:
        """Whether it has stopped sharing: its rows are others' by now."""
        return self not in self._sharing

    def stop_sharing(self) -> None:
        """Grow no more with the others."""
        self._sharing.remove(self)

    def clear(self, rows: int | Ints) -> None:
        """Empty a row, or several different ones; their patients keep them."""
        for name, column in self.COLUMNS.items():
            getattr(self, name)[rows] = column.empty
        for row in np.atleast_1d(rows).tolist():
            self.last_device[row] = None
        self.windows.clear(rows)


Columns.COLUMNS = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Columns, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
