"""The patient table of one partition: columnar state, one row a patient.

| key | patient (opaque stream id) |
| value | devices (`tables.device_rows`), alarms, windows, profile, limits, pause, commands seen |
| window | 15 minutes of ring buckets in event time (`tables.windows`) |
| bound | DEVICES devices, one state per alarm, SLOTS buckets: under 16 KiB a patient of one device |
| changelog | one record a patient, written at each checkpoint (`tables.changelog.record`) |

Times are ms; `NEVER` is no time. "Arrival" is the time base's clock: append time live, event time in recordings.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.masks import some
from clinical.ticking import ADVICE_TURNS
from streams.contracts.frame import OWN_STREAM
from streams.contracts.partition_names import PARTITION, canary_name, partition_name
from streams.contracts.partitions import partition_of, partitions_of
from streams.decoding.name_column import NameColumn
from tables.columns.shared_rows import Columns
from tables.device_rows import NOBODY, SEEN
from tables.numbered_rows import RowsOfNumbers

Seq = TypeVar("Seq", int, NDArray[np.int64])


def lap(seq: Seq) -> Seq:
    """Return which turn of the `SEEN` ring a sequence number falls into; never 0, which is an empty place."""
    return seq // SEEN % 65_535 + 1


class PatientTable(Columns):
    """State of every patient of one partition, in columns that it may share with those of other partitions.

    Args:
        alarms: what the columns of `alarm_*` are, in this order.
        limits: how many of them, the first, are limit alarms: those whose runs devices have.
        lasting: how many of them, the first, remember in `alarm_clear_ms` the onset of their last episode.
        partitions: how many there are of the readings.
        beside: a table of the same alarms to share columns with.
    """

    def __init__(
        self,
        alarms: Sequence[str],
        limits: int = 0,
        lasting: int = 0,
        beside: "PatientTable | None" = None,
        partitions: int = 1,
    ) -> None:
        super().__init__(len(alarms), limits, beside)
        self.alarms = tuple(alarms)
        self.limits = limits
        self.lasting = max(limits, lasting)
        self.partitions = partitions
        self.partition = 0
        """Which of the partitions this is; set before there are patients."""
        self.row_of: dict[str, int] = {}
        self.misplaced: dict[str, int] = {}
        """Patients who are here but belong into another partition, and into which."""
        self.own_streams: set[str] = set()
        """Streams of devices that are on no patient."""
        self._occupied: NDArray[np.int64] | None = None
        self._rows_of_numbers = RowsOfNumbers()
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
        return PatientTable(self.alarms, self.limits, self.lasting, self, self.partitions)

    def __len__(self) -> int:
        return len(self.row_of)

    def rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each patient, (n,); patients that are new get an empty one."""
        try:
            return self.known_rows(patients)
        except KeyError:
            self.take_in(
                dict.fromkeys((patient for patient in patients if patient not in self.row_of), NEVER)
            )
            return self.known_rows(patients)

    def known_rows(self, patients: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each patient, (n,).

        Raises:
            KeyError: one of them is new.
        """
        if isinstance(patients, NameColumn):
            return self._rows_of_numbers.rows(patients, self.row_of)
        if len(patients) < 2:  # `itemgetter` of one returns no tuple
            return np.array([self.row_of[patient] for patient in patients], np.int64)
        # 30 ns a name in large blocks, where asking for one after the other takes 37 to 46.
        return np.fromiter(itemgetter(*patients)(self.row_of), np.int64, len(patients))

    def row(self, patient: str, born: int = NEVER) -> int:
        """Return the patient's row, an empty one if the patient is new, brought by the record of offset `born`."""
        if patient not in self.row_of:
            self.take_in({patient: born})
        return self.row_of[patient]

    def take_in(self, born: Mapping[str, int]) -> None:
        """Give an empty row to each patient, all of whom are new: by the offset of the record that brought them."""
        self.reserve(len(born))
        for patient, offset in born.items():
            row = self.row_of[patient] = self.take_row(patient)
            self.born[row], self.ticked_ms[row] = offset, self.ticked_until_ms
            self.turn[row] = crc32(patient.encode()) % ADVICE_TURNS
            self.gone.pop(patient, None)
        self._occupied = None
        self._note_misplaced(list(born))
        self.own_streams.update(patient for patient in born if patient.startswith(OWN_STREAM))

    def _note_misplaced(self, patients: Sequence[str]) -> None:
        if self.partitions == 1:
            return
        home = partitions_of(patients, self.partitions)
        at_home = partition_name(self.partition), canary_name(self.partition)
        for i in np.flatnonzero(home != self.partition).tolist():
            if patients[i] not in at_home:
                self.misplaced[patients[i]] = int(home[i])

    def is_home(self, patient: str) -> bool:
        """Return whether this is where the patient belongs, or the partition of that name, known or not."""
        if patient.startswith(PARTITION):
            return patient == partition_name(self.partition)
        return self.partitions == 1 or partition_of(patient, self.partitions) == self.partition

    def known_at(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many patients were known before each of some records, (n,).

        Recovered state may hold patients whom later records brought, and be without those who were dropped since.
        """
        rows = self.occupied()
        own = self.row_of.get(partition_name(self.partition))
        born = np.sort(self.born[rows if own is None else rows[rows != own]])
        left = np.sort(np.fromiter(self.gone.values(), np.int64, len(self.gone)))
        return np.searchsorted(born, offsets) + len(left) - np.searchsorted(left, offsets)

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
            self.misplaced.pop(patient, None)
            self.own_streams.discard(patient)
            self._rows_of_numbers.forget(row)
            self.give_back([row])

    def release(self) -> None:
        """Forget all patients, and share no more: the partition is another worker's."""
        self.give_back(list(self.row_of.values()))
        self.row_of.clear()
        self.misplaced.clear()
        self.own_streams.clear()
        self._rows_of_numbers = RowsOfNumbers()
        self._occupied = None
        self.stop_sharing()

    def of_devices(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows of n patients' devices, (n, k), as many columns as the one with the most has; 0 = none."""
        width = self.slots.shape[1]
        flat, at = self.slots.reshape(-1), rows * width
        if not some(
            flat.take(at + 1)
        ):  # slots are filled from the first on; few patients have a second device
            first: NDArray[np.int32] = flat.take(at)[:, None]
            return first
        slots = self.slots.take(rows, axis=0)
        return slots[:, : int(np.count_nonzero(slots.any(axis=0)))]

    def seen_ms(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when the last frame of any device came, (n,), `NEVER` where none has in this stay."""
        seen: NDArray[np.int64] = self.devices.heard_ms[self.of_devices(rows)].max(axis=1)
        return seen

    def is_over(self, row: int) -> bool:
        """Return whether nobody is monitored there: discharged, or a device's own stream of which nothing is heard."""
        if self.discharged[row]:
            return True
        return self.patients[row] in self.own_streams and int(self.seen_ms(np.array([row]))[0]) == NEVER

    def end_runs(self, row: int, column: int) -> None:
        """Forget the runs of a patient's devices under one limit rule."""
        devices = self.slots[row]
        devices = devices[devices != NOBODY]
        self.devices.run_onset_ms[devices, column] = NEVER
        self.devices.run_clear_ms[devices, column] = NEVER
        self.devices.run_area[devices, column] = 0.0

    def discharge(self, row: int, now_ms: int) -> None:
        """End a stay: whose frames still come is monitored no more."""
        self.end_stay(row)
        self.discharged[row], self.since_ms[row] = True, now_ms

    def end_stay(self, row: int) -> None:
        """Forget all about a patient but what tells a new frame from one that was judged, and a command likewise."""
        kept = {name: getattr(self, name)[row].copy() for name in self._IDENTIFYING}
        kept["alarm_clear_ms"][self.lasting :] = NEVER
        last = self.last_device[row]
        self.slots[row] = NOBODY  # the devices stay the patient's
        self.clear(row)
        for name, value in kept.items():
            getattr(self, name)[row] = value
        self.last_device[row] = last
        devices, ours = self.devices, kept["slots"][kept["slots"] != NOBODY]
        newest = devices.newest_ms[ours]
        for name, column in devices.COLUMNS.items():
            if name not in self._OF_DEVICES:
                getattr(devices, name)[ours] = column.empty
        # What was measured in the same moment as the last reading belongs to who has left.
        devices.newest_ms[ours] = np.where(newest == NEVER, NEVER, newest + 1)
        self.dirty[row] = True

    _IDENTIFYING: Final = (
        *("position", "born", "ticked_ms", "known_ms", "pause_ms", "commands", "slots", "last_slot"),
        "alarm_clear_ms",
    )
    _OF_DEVICES: Final = (
        *(
            "owner",
            "name",
            "boot",
            "high",
            "used",
            "lap",
            "digest",
            "event_ms",
            "append_ms",
            "now_ms",
            "came_ms",
        ),
        *("interval_ms", "clock"),
    )
