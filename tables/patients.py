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
from tables.columns import SEEN, Columns

Seq = TypeVar("Seq", int, NDArray[np.int64])
Time = TypeVar("Time", int, NDArray[np.int64])


def lap(seq: Seq) -> Seq:
    """Return which turn of the `SEEN` ring a sequence number falls into; never 0, which is an empty place."""
    return seq // SEEN % 65_535 + 1


def by_order(ms: Time) -> Time:
    """Return how `since_ms` says that a patient is known by an order alone since `ms`; applied to that, `ms` again."""
    return NEVER - 1 - ms


class PatientTable(Columns):
    """State of every patient of one partition, in columns that it may share with those of other partitions.

    Args:
        alarms: what the columns of `alarm_*` are, in this order.
        beside: a table of the same alarms to share columns with.
    """

    def __init__(self, alarms: Sequence[str], beside: "PatientTable | None" = None) -> None:
        super().__init__(len(alarms), beside)
        self.alarms = tuple(alarms)
        self.row_of: dict[str, int] = {}
        self._occupied: NDArray[np.int64] | None = None
        self.processed = NEVER
        """Offset of the last record that is part of the state."""
        self.processed_append_ms = NEVER
        self.replay_until = NEVER
        """Highest position that a recovered patient has; up to there frames may be part of the state already."""
        self.ticked_until_ms = NEVER
        """Time of the newest tick that was judged: a repeated or older tick changes nothing."""
        self.wards_counted_ms = NEVER
        """Tick at which the patients of each ward were last counted; not part of the state."""
        self.whole_from = 0
        """Offset of the changelog from which on its records hold the whole state."""
        self.gone: dict[str, int] = {}
        """Patients who were dropped, and the offset up to which the log is part of that; kept until no replay can
        bring frames from before it."""
        self.deleted: dict[str, int] = {}
        """While state is recovered: patients whose record was deleted, and how far it had reached. A worker that had
        lost the partition may have written an older one behind."""

    def beside(self) -> "PatientTable":
        """Return an empty table for another partition that shares columns with this one."""
        return PatientTable(self.alarms, self)

    def __len__(self) -> int:
        return len(self.row_of)

    def rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each patient, (n,); patients that are new get an empty one."""
        try:
            return self._known_rows(patients)
        except KeyError:
            new = [patient for patient in dict.fromkeys(patients) if patient not in self.row_of]
            self.reserve(len(new))
            for patient in new:
                self.row(patient)
            return self._known_rows(patients)

    def _known_rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        return np.fromiter(map(self.row_of.__getitem__, patients), np.int64, len(patients))

    def row(self, patient: str) -> int:
        """Return the patient's row, an empty one if the patient is new."""
        row = self.row_of.get(patient)
        if row is None:
            row = self.row_of[patient] = self.take_row(patient)
            self._occupied = None
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
        """Return the rows of this partition's patients, (n,), in rising order; read-only."""
        if self._occupied is None:
            self._occupied = np.sort(np.fromiter(self.row_of.values(), np.int64, len(self.row_of)))
            self._occupied.flags.writeable = False
        return self._occupied

    def has(self, row: int) -> bool:
        """Return whether the row is that of a patient of this partition."""
        patient = self.patients[row]
        return patient is not None and self.row_of.get(patient) == row

    def with_alarms_above(self, rows: NDArray[np.int64], state: int) -> NDArray[np.int64]:
        """Return those of some rows that have an alarm in a `State` above this one; few have."""
        found = np.flatnonzero(self.alarm_state.take(rows, axis=0).reshape(-1) > state)
        return rows[np.unique(found // len(self.alarms))]

    def drop(self, patient: str) -> None:
        """Forget a patient and free the row."""
        row = self.row_of.pop(patient, None)
        if row is not None:
            self._occupied = None
            self.give_back([row])

    def release(self) -> None:
        """Forget all patients, and share no more: the partition is another worker's."""
        self.give_back(list(self.row_of.values()))
        self.row_of.clear()
        self._occupied = None
        self.stop_sharing()

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
