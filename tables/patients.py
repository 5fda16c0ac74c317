"""The patient table of one partition: columnar state, one row a patient.

| key | patient (opaque stream id) |
| value | dedupe memory, last readings, alarms, windows, profile, limits, pause, commands seen |
| window | 15 minutes of ring buckets in event time (`tables.windows`) |
| bound | DEVICES boots of devices, one state per alarm, SLOTS buckets: under 16 KiB a patient |
| changelog | one record a patient, written at each checkpoint (`tables.record`) |

Times are ms; `NEVER` is no time. "Arrival" is the time base's clock: append time live, event time in recordings.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.windows import Windows

DEVICES: Final = 4
"""Boots of devices remembered per patient; the one unused longest makes room."""

SEEN: Final = 128
"""Sequence numbers remembered below a device's highest: what is older counts as seen."""

ROWS_MIN: Final = 64

COMMANDS: Final = 32
"""Commands remembered per patient, so that one that arrives again is not applied again."""

WARD_BYTES: Final = 64
"""Longest name of a ward: that of any identifier."""

Seq = TypeVar("Seq", int, NDArray[np.int64])
Time = TypeVar("Time", int, NDArray[np.int64])


def lap(seq: Seq) -> Seq:
    """Return which turn of the `SEEN` ring a sequence number falls into; never 0, which is an empty place."""
    return seq // SEEN % 65_535 + 1


def by_order(ms: Time) -> Time:
    """Return how `since_ms` says that a patient is known by an order alone since `ms`; applied to that, `ms` again."""
    return NEVER - 1 - ms


class PatientTable:
    """State of every patient of one partition; see the module's table.

    Arrays have one row a patient: `alarm_*` of shape (rows, alarms) in the order of `alarms`, readings of shape
    (rows, signals), device memory of shape (rows, DEVICES[, SEEN]). `alarm_low` and `alarm_high` are the patient's
    own limits, NaN where the rule's hold; `own_limits` says that they or the age band differ from the rules.
    `alarm_step` is the step of responsibility that is asked, 0 = none. `since_ms` is when the patient was admitted or
    discharged, or `by_order` of when an order made the row; `alarm_area` is depth times duration of a run
    (`clinical.integral`; `tables.levels` says what an alarm with levels keeps there), `device_clock` how the time of
    each device's last frame was judged; `lost_ward_*` belong to the loss of the ward that a patient is part of;
    `pause_ms` when the last pause began, `pause_until_ms` when it ends by itself.
    """

    def __init__(self, alarms: Sequence[str]) -> None:
        self.alarms = tuple(alarms)
        self.patients: list[str | None] = []
        self.row_of: dict[str, int] = {}
        self.processed = NEVER
        """Offset of the last record that is part of the state."""
        self.processed_append_ms = NEVER
        self.replay_until = NEVER
        """Highest position that a recovered patient has; up to there frames may be part of the state already."""
        self.ticked_until_ms = NEVER
        """Time of the newest tick that was judged: a repeated or older tick changes nothing."""
        self.whole_from = 0
        """Offset of the changelog from which on its records hold the whole state."""
        self.gone: dict[str, int] = {}
        """Patients who were dropped, and the offset up to which the log is part of that; kept until no replay can
        bring frames from before it."""
        self.deleted: dict[str, int] = {}
        """While state is recovered: patients whose record was deleted, and how far it had reached. A worker that had
        lost the partition may have written an older one behind."""
        self.last_device: list[str | None] = []
        """Device of each row's last frame; with `last_boot` and `last_slot` it spares the search for a slot."""
        self._free: list[int] = []
        self._allocate(ROWS_MIN)
        self.windows = Windows(ROWS_MIN)

    def _allocate(self, rows: int) -> None:
        alarms = len(self.alarms)
        self.position = np.full(rows, NEVER, dtype=np.int64)
        self.dirty = np.zeros(rows, dtype=np.bool_)
        self.seen_ms = np.full(rows, NEVER, dtype=np.int64)
        self.ticked_ms = np.full(rows, NEVER, dtype=np.int64)
        self.interval_ms = np.full(rows, 1000, dtype=np.int32)
        self.device = np.zeros((rows, DEVICES), dtype=np.uint64)
        self.device_high = np.full((rows, DEVICES), NEVER, dtype=np.int64)
        self.device_used = np.full((rows, DEVICES), NEVER, dtype=np.int64)
        self.device_lap = np.zeros((rows, DEVICES, SEEN), dtype=np.uint16)
        self.last_boot = np.zeros(rows, dtype=np.int64)
        self.last_slot = np.zeros(rows, dtype=np.int64)
        self.device_event_ms = np.full((rows, DEVICES), NEVER, dtype=np.int64)
        self.device_append_ms = np.full((rows, DEVICES), NEVER, dtype=np.int64)
        self.device_clock = np.zeros((rows, DEVICES), dtype=np.uint8)
        self.newest_ms = np.full((rows, COUNT), NEVER, dtype=np.int64)
        self.value = np.full((rows, COUNT), np.nan, dtype=np.float64)
        self.value_ms = np.full((rows, COUNT), NEVER, dtype=np.int64)
        self.lost_ms = np.full((rows, COUNT), NEVER, dtype=np.int64)
        self.alarm_state = np.zeros((rows, alarms), dtype=np.uint8)
        self.alarm_priority = np.zeros((rows, alarms), dtype=np.uint8)
        self.alarm_events = np.zeros((rows, alarms), dtype=np.uint32)
        self.alarm_onset_ms = np.full((rows, alarms), NEVER, dtype=np.int64)
        self.alarm_clear_ms = np.full((rows, alarms), NEVER, dtype=np.int64)
        self.alarm_told_ms = np.full((rows, alarms), NEVER, dtype=np.int64)
        self.alarm_extreme = np.full((rows, alarms), np.nan, dtype=np.float64)
        self.alarm_area = np.zeros((rows, alarms), dtype=np.float64)
        self.alarm_step = np.zeros((rows, alarms), dtype=np.uint8)
        self.alarm_answer = np.zeros((rows, alarms), dtype=np.uint8)
        self.alarm_asked_ms = np.full((rows, alarms), NEVER, dtype=np.int64)
        self.alarm_low = np.full((rows, alarms), np.nan, dtype=np.float64)
        self.alarm_high = np.full((rows, alarms), np.nan, dtype=np.float64)
        self.own_limits = np.zeros(rows, dtype=np.bool_)
        self.age_band = np.zeros(rows, dtype=np.uint8)
        self.scale2 = np.zeros(rows, dtype=np.bool_)
        self.oxygen = np.full(rows, np.nan, dtype=np.float64)
        self.ward = np.zeros(rows, dtype=f"S{WARD_BYTES}")
        self.discharged = np.zeros(rows, dtype=np.bool_)
        self.since_ms = np.full(rows, NEVER, dtype=np.int64)
        self.pause = np.zeros(rows, dtype=np.uint8)
        self.pause_rank = np.zeros(rows, dtype=np.uint8)
        self.pause_ms = np.full(rows, NEVER, dtype=np.int64)
        self.pause_until_ms = np.full(rows, NEVER, dtype=np.int64)
        self.lost_ward_ms = np.full(rows, NEVER, dtype=np.int64)
        self.lost_ward_told_ms = np.full(rows, NEVER, dtype=np.int64)
        self.lost_ward_events = np.zeros(rows, dtype=np.uint32)
        self.commands = np.zeros((rows, COMMANDS), dtype=np.uint64)

    _COLUMNS: Final = (
        "position",
        "dirty",
        "seen_ms",
        "ticked_ms",
        "interval_ms",
        "device",
        "device_high",
        "device_used",
        "device_lap",
        "last_boot",
        "last_slot",
        "device_event_ms",
        "device_append_ms",
        "device_clock",
        "newest_ms",
        "value",
        "value_ms",
        "lost_ms",
        "alarm_state",
        "alarm_priority",
        "alarm_events",
        "alarm_onset_ms",
        "alarm_clear_ms",
        "alarm_told_ms",
        "alarm_extreme",
        "alarm_area",
        "alarm_step",
        "alarm_answer",
        "alarm_asked_ms",
        "alarm_low",
        "alarm_high",
        "own_limits",
        "age_band",
        "scale2",
        "oxygen",
        "ward",
        "discharged",
        "since_ms",
        "pause",
        "pause_rank",
        "pause_ms",
        "pause_until_ms",
        "lost_ward_ms",
        "lost_ward_told_ms",
        "lost_ward_events",
        "commands",
    )

    def __len__(self) -> int:
        return len(self.row_of)

    def rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each patient, (n,); patients that are new get an empty one."""
        try:
            return self._known_rows(patients)
        except KeyError:
            new = [patient for patient in dict.fromkeys(patients) if patient not in self.row_of]
            self._reserve(len(self.row_of) + len(new))
            for patient in new:
                self.row(patient)
            return self._known_rows(patients)

    def _known_rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        return np.fromiter(map(self.row_of.__getitem__, patients), np.int64, len(patients))

    def row(self, patient: str) -> int:
        """Return the patient's row, an empty one if the patient is new."""
        row = self.row_of.get(patient)
        if row is None:
            row = self._free.pop() if self._free else len(self.patients)
            if row == len(self.patients):
                self.patients.append(patient)
                self.last_device.append(None)
                self._reserve(row + 1)
            else:
                self.patients[row] = patient
            self.row_of[patient] = row
            self.gone.pop(patient, None)
            self.ticked_ms[row] = self.ticked_until_ms
        return row

    def reach(self, patients: Sequence[str]) -> NDArray[np.int64]:
        """Return the offset up to which the log is part of each patient's state, (n,); nobody gets a row by it."""
        found = (self.row_of.get(patient) for patient in patients)
        own = [
            self.gone.get(patient, NEVER) if row is None else int(self.position[row])
            for patient, row in zip(patients, found, strict=True)
        ]
        return np.maximum(np.array(own, dtype=np.int64), self.processed)

    def occupied(self) -> NDArray[np.int64]:
        """Return the rows in use, (n,), in rising order."""
        taken = np.ones(len(self.patients), dtype=np.bool_)
        taken[self._free] = False
        return np.flatnonzero(taken)

    def with_alarms_above(self, state: int) -> NDArray[np.bool_]:
        """Return which rows have an alarm in a `State` above this one, (rows,): over the bytes, few of which are."""
        found = np.zeros(len(self.position), dtype=np.bool_)
        taken = self.alarm_state[: len(self.patients)].reshape(-1)
        found[np.flatnonzero(taken > state) // len(self.alarms)] = True
        return found

    def drop(self, patient: str) -> None:
        """Forget a patient and free the row."""
        row = self.row_of.pop(patient, None)
        if row is None:
            return
        self.patients[row] = None
        self.clear(row)
        self._free.append(row)

    def discharge(self, row: int, now_ms: int) -> None:
        """Forget all about a patient but what tells a new frame from one that was judged, and a command likewise."""
        kept = {name: getattr(self, name)[row].copy() for name in self._IDENTIFYING}
        newest = self.newest_ms[row].copy()
        self.clear(row)
        for name, value in kept.items():
            getattr(self, name)[row] = value
        # What was measured in the same moment as the last reading belongs to who has left.
        self.newest_ms[row] = np.where(newest == NEVER, NEVER, newest + 1)
        self.discharged[row], self.since_ms[row], self.dirty[row] = True, now_ms, True

    _IDENTIFYING: Final = (
        *("position", "ticked_ms", "interval_ms", "pause_ms", "commands"),
        *("device", "device_high", "device_used", "device_lap", "device_event_ms", "device_append_ms"),
        "device_clock",
    )

    def clear(self, rows: int | NDArray[np.int64]) -> None:
        """Empty a row, or several different ones; their patients keep them."""
        blank = PatientTable.blank(self.alarms)
        for name in self._COLUMNS:
            getattr(self, name)[rows] = getattr(blank, name)[0]
        for row in np.atleast_1d(rows).tolist():
            self.last_device[row] = None
        self.windows.clear(rows)

    _blanks: dict[tuple[str, ...], "PatientTable"] = {}  # noqa: RUF012 - one empty table per set of alarms

    @classmethod
    def blank(cls, alarms: tuple[str, ...]) -> "PatientTable":
        """Return an empty table of the same alarms, to copy empty rows from."""
        if alarms not in cls._blanks:
            cls._blanks[alarms] = cls(alarms)
        return cls._blanks[alarms]

    def _reserve(self, count: int) -> None:
        """Make room for so many patients; at once for all whom a block brings, because growing copies everything."""
        capacity = len(self.position)
        if count <= capacity:
            return
        while capacity < count:
            capacity *= 2
        old = {name: getattr(self, name) for name in self._COLUMNS}
        self._allocate(capacity)
        for name, column in old.items():
            getattr(self, name)[: len(column)] = column
        self.windows.grow(capacity)
