"""What is kept of each device of a patient, declared once: rows of a pool that the partitions of a worker share.

A device speaks for itself: order, lateness, repeats, silence, announced interval, last readings, missing readings and
the runs of violations are its own. Rows are taken as devices come. Row 0 is nobody's and stays empty: a patient's
unused slot points at it. Times are ms; `NEVER` is no time.
"""

from typing import Annotated, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.vitals import COUNT, PERIODIC
from streams.decoding.name_column import Texts
from tables.column import RULES, Column, Floats, Ints, Kind, Ms, Truth, columns_of, grown, made
from tables.row_pool import RowPool

SEEN: Final = 128
"""Sequence numbers remembered below a device's highest."""

NOBODY: Final = 0
"""The row that is no device's."""

FLICKER_SLOTS: Final = 5
FLICKER_SLOT_MS: Final = 15_000
"""Readings and missing readings are counted over the present stretch and the minute before it."""

PERIODIC_COUNT: Final = int(PERIODIC.sum())

SignalMs = Annotated[Ints, Column(np.int64, -1, (COUNT,))]
RunMs = Annotated[Ints, Column(np.int64, -1, (RULES,))]
RunValue = Annotated[Floats, Column(np.float64, 0, (RULES,))]
Counts = Annotated[NDArray[np.uint16], Column(np.uint16, 0, (FLICKER_SLOTS, PERIODIC_COUNT))]


class DeviceRows:
    """Rows of devices; `run_*` are of shape (rows, limit rules), readings of shape (rows, signals).

    `owner` is the patient's row. `boot`, `high`, `lap` and `digest` (rows, SEEN) are the memory of sequence numbers,
    `used` the offset of the last frame, `event_ms` and `append_ms` its times by the device's and the broker's clock;
    `heard_ms` is the newest arrival of a frame, `now_ms` the time by which the last frame in order was judged, and
    `came_ms` its arrival. `conflict_ms` is when a number last came again with other content, `conflict_before_ms` the
    time before that.

    Of each signal: `newest_ms` the time of the newest sample, `value` the last valid reading and `value_ms` its
    arrival, `lost_ms` the arrival of the first missing one since. Of each rule: `clinical.limits.Runs`;
    `has_excess` says that any rule has an excess.

    `missing_ms` is the arrival of the last missing reading of a periodic signal; readings are counted since
    `counted_ms` in slots of `FLICKER_SLOT_MS`, of which `slot` is the newest: `came`, `missed` and `gaps`, missing ones
    after a valid one (rows, FLICKER_SLOTS, periodic signals).
    """

    owner: Annotated[Ints, Column(np.int64, -1)]
    name: Annotated[NDArray[np.uint64], Column(np.uint64)]
    boot: Ms
    high: Ms
    used: Ms
    lap: Annotated[NDArray[np.uint16], Column(np.uint16, 0, (SEEN,))]
    digest: Annotated[NDArray[np.uint32], Column(np.uint32, 0, (SEEN,))]
    event_ms: Ms
    append_ms: Ms
    heard_ms: Ms
    now_ms: Ms
    came_ms: Ms
    interval_ms: Annotated[NDArray[np.int32], Column(np.int32, 1000)]
    clock: Kind
    conflict_ms: Ms
    conflict_before_ms: Ms
    newest_ms: SignalMs
    value: Annotated[Floats, Column(np.float64, np.nan, (COUNT,))]
    value_ms: SignalMs
    lost_ms: SignalMs
    run_onset_ms: RunMs
    run_clear_ms: RunMs
    run_area: RunValue
    run_excess_ms: RunValue
    has_excess: Truth
    missing_ms: Ms
    counted_ms: Ms
    slot: Ms
    came: Counts
    missed: Counts
    gaps: Counts

    COLUMNS: ClassVar[dict[str, Column]]

    def __init__(self, rules: int) -> None:
        self._pool = RowPool()
        self.numbered_by: Texts | None = None
        """Who gave the numbers of `Columns.last_number`."""
        for name, column in made(self.COLUMNS, self._pool.capacity, rules=rules).items():
            setattr(self, name, column)
        self.take_row(-1, 0)  # nobody

    def __len__(self) -> int:
        return len(self.owner)

    def reserve(self, count: int) -> None:
        """Make room for so many more devices; growing copies everything."""
        if self._pool.grow(count):
            self._grow()
        if rows := self._pool.fill(count):
            for name, column in self.COLUMNS.items():
                column.fill(getattr(self, name), rows)

    def grow_to(self, rows: int) -> None:
        """Have room for so many devices, which takes no memory yet: as many as patients, most of whom have one."""
        if self._pool.grow_to(rows):
            self._grow()

    def _grow(self) -> None:
        before = {name: getattr(self, name) for name in self.COLUMNS}
        for name, column in grown(before, self._pool.filled, self._pool.capacity).items():
            setattr(self, name, column)

    def take_row(self, owner: int, name: int) -> int:
        """Return an empty row, the device's from now on."""
        self.reserve(1)
        row = self._pool.take()
        self.owner[row], self.name[row] = owner, name
        return row

    def live_ms(self, rows: NDArray[Any]) -> Ints:
        """Return when the last frame of now came of devices, any shape; `NEVER` where none has in this stay.

        What a device delivers later, because it had held it back, is heard but says nothing of now.
        """
        came: Ints = np.where(self.heard_ms.take(rows) == NEVER, NEVER, self.came_ms.take(rows))
        return came

    def give_back(self, rows: NDArray[Any]) -> None:
        """Empty rows, which are no device's from now on."""
        if not len(rows):
            return
        for name, column in self.COLUMNS.items():
            getattr(self, name)[rows] = column.empty
        self._pool.free += rows.tolist()


DeviceRows.COLUMNS = columns_of(DeviceRows)
