"""A changelog split for more partitions: whose record goes where, and what it says of offsets that are no more. Pure.

With `factor` times the partitions, patients of partition p belong into p, p + N, p + 2N, ...: the hash is the same, so
each partition is split by itself. Offsets of the new readings begin at 0 again, and all that the state holds lies
before: positions become `NEVER`, and of which device spoke last the order alone is kept, below 0.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from clinical.limits import NEVER
from streams.contracts.partition_names import PARTITION, canary_name
from streams.contracts.partitions import partitions_of
from tables.changelog.progress import END_KEY, NOTHING, Progress, decode_progress, packed
from tables.changelog.record_layout import BEFORE, DEVICE, HEAD, is_gone, position_of

_OFFSETS: Final = {name: place[1] for name, place in (HEAD.fields or {}).items()}
_POSITION: Final = struct.Struct("<q")
_POSITION_AT: Final = 1
"""Where every version has the position; `position_of` reads it there."""


@dataclass(slots=True)
class Whole:
    """What the records of one partition of a changelog say, taken one by one in its order."""

    state: dict[str, bytes] = field(default_factory=dict)
    """The record that counts of each patient who is there."""
    progress: Progress = NOTHING
    """What the last checkpoint said."""
    reach: int = NEVER
    """The highest position of any record."""
    _gone: dict[str, int] = field(default_factory=dict)

    def take(self, patient: str, record: bytes | None) -> None:
        """Take the next record, as `ColumnStore.apply_all` does: of two of one patient the newer counts.

        Raises:
            ValueError: it is of another version or damaged.
        """
        if patient == END_KEY:
            if record is not None:
                self.progress = max(decode_progress(record), self.progress)
            return
        if record is None:
            return  # it says no position, and counts only for who is gone already
        position = position_of(record)
        held = self.state.get(patient)
        known = self._gone.get(patient, NEVER) if held is None else position_of(held)
        if position < known:
            return
        self.reach = max(self.reach, position)
        if is_gone(record):
            self.state.pop(patient, None)
            self._gone[patient] = position
        else:
            self.state[patient] = record

    def missing(self, committed: int) -> str:
        """Return what speaks against the state being that of all before the committed offset, and of nothing else."""
        if self.progress.processed + 1 != committed:
            return f"its last checkpoint reaches to {self.progress.processed}, committed is {committed}"
        if self.reach > self.progress.processed:
            return (
                f"a record reaches to {self.reach}, beyond the last checkpoint at {self.progress.processed}"
            )
        return ""


def strangers(patients: Iterable[str], partition: int, count: int) -> list[str]:
    """Return the patients of a partition of `count` whom another partitioner placed: nobody knows where they go."""
    found = [patient for patient in patients if not _stays(patient, partition)]
    home = partitions_of(found, count)
    return [found[i] for i in np.flatnonzero(home != partition).tolist()]


def homes(patients: list[str], partition: int, count: int) -> list[int]:
    """Return the partition, of `count` now, that each patient of an old partition belongs into."""
    found: list[int] = partitions_of(patients, count).tolist()
    return [
        partition if _stays(patient, partition) else home
        for patient, home in zip(patients, found, strict=True)
    ]


def _stays(patient: str, partition: int) -> bool:
    """Whether a name is the partition's own, whatever its hash says."""
    return patient.startswith(PARTITION) or patient == canary_name(partition)


def split(
    whole: Whole, partition: int, partitions: int, count: int
) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Yield (new partition, key, record): the state of an old partition of `partitions` for those of `count`.

    Each new partition's last record is the end of a checkpoint, by which all of it is known to be there.
    """
    patients = list(whole.state)
    for patient, home in zip(patients, homes(patients, partition, count), strict=True):
        yield home, patient.encode(), rebased(whole.state[patient])
    end = packed(Progress(NEVER, whole.progress.ticked_ms, 0))
    for home in range(partition, count, partitions):
        yield home, END_KEY.encode(), end


def rebased(record: bytes) -> bytes:
    """Return a patient's record for readings whose offsets begin at 0 again."""
    changed = bytearray(record)
    _POSITION.pack_into(changed, _POSITION_AT, NEVER)
    if record[0] == BEFORE:
        return bytes(changed)  # of one device, whose order follows from the position
    _POSITION.pack_into(changed, _OFFSETS["born"], NEVER)
    devices = np.frombuffer(changed, DEVICE, record[_OFFSETS["devices"]], HEAD.itemsize)
    if len(devices):
        order = np.unique(devices["used"], return_inverse=True)[1]
        devices["used"] = order - order.max() - 1
    return bytes(changed)
