"""The store of the patient table: it is the columnar state itself, its changelog the records.

Faust's recovery feeds the changelog in, block by block; what is written goes out at a checkpoint
(`tables.changelog.checkpoint`), not per key. While a partition stays with this worker its state is kept, and a
rebalance reads only what is new.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from faust.types import TP
from numpy.typing import NDArray

from clinical.limits import NEVER
from streams.kafka.publisher import fail_stop
from streams.lane.block import Block
from streams.lane.block_table import BlockStore, nobody
from tables.changelog.progress import END_KEY, NOTHING, decode_progress
from tables.changelog.record import decode, decode_all, encode
from tables.changelog.record_layout import alarm_key, is_gone, position_of
from tables.partition import Partition
from tables.partition_life import Event, Life
from tables.patients import PatientTable


class ColumnStore(BlockStore):
    """Every partition that this worker holds; as a mapping, patients and their durable records.

    Args:
        new_table: makes the empty state of a partition.
        on_read: told when records of the changelog were taken into the state: a recovery makes progress.
        on_failure: what to do when the changelog cannot be read, or something happens to a partition that cannot
            happen; the default stops the process.
    """

    def __init__(
        self,
        new_table: Callable[[], PatientTable],
        on_read: Callable[[], None] = nobody,
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        super().__init__("patients", on_read, on_failure)
        self._new_table = new_table
        self.partitions: dict[int, Partition] = {}
        self.whole_blocks = asyncio.Lock()
        """Held while a block is judged and its alerts are handed to the publisher: state is looked at between
        blocks only, else it could become durable, or be shown, before alerts that nobody waits for yet."""
        self.forgotten_alarms = 0
        """Alarms met in records whose rule is gone from the rules file."""
        self.recovery_s = 0.0
        self._recovering_since: float | None = None

    def partition(self, number: int) -> Partition:
        """Return a partition, which is made, with an empty state, if there is none yet."""
        partition = self.partitions.get(number)
        if partition is None:
            partition = Partition(number, self._empty(number), self._on_failure)
            self.partitions[number] = partition
        return partition

    def state(self, number: int) -> PatientTable:
        """Return the state of a partition's patients, empty if there is none yet."""
        return self.partition(number).table

    def _empty(self, number: int) -> PatientTable:
        """Return an empty state, which shares columns with those of other partitions."""
        beside = next((other.table for other in self.partitions.values() if other.number != number), None)
        table = self._new_table() if beside is None else beside.beside()
        table.partition = number
        return table

    def build_again(self, number: int, begins: int) -> None:
        """Begin with an empty state, whose records will all be written from changelog offset `begins` on.

        What ends of checkpoints said before is not said of it, such as which ticks were judged.
        """
        partition = self.partition(number)
        partition.table.release()
        partition.table = self._empty(number)
        partition.table.whole_from = begins
        partition.progress = NOTHING

    def assign(self, numbers: Iterable[int]) -> None:
        """Take note that the group has assigned partitions to this worker."""
        for number in numbers:
            self.partition(number).on(Event.ASSIGN)

    def revoke(self) -> None:
        """Take note that the group takes back what it had assigned, or that the worker ends."""
        for partition in self.partitions.values():
            partition.on(Event.REVOKE)

    def give_up(self, number: int) -> None:
        """Do not trust what was recovered of a partition: its changelog could not be read to its end."""
        self.partition(number).is_given_up = True

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Take blocks of the changelog, or single records of it, into the state."""
        if self._recovering_since is None:
            self._recovering_since = time.monotonic()
        for event in batch:
            message = event.message
            partition = self.partition(message.partition)
            partition.on(Event.READ)
            found = message.value.value if isinstance(message.value, Block) else [message]
            try:
                entries = [(record.key.decode(), record.value) for record in found]
                self.apply_all(message.partition, entries)
            except Exception as error:  # whatever it is, Faust would swallow it and recovery never end
                where = f"partition {message.partition}, offset {self._first_damaged(found)}"
                self._on_failure(f"changelog {where}: {error!r}")
            partition.note_applied(message.offset)
            self._on_read()

    def apply(self, partition: int, patient: str, record: bytes | None) -> None:
        """Take one record into the state; see `apply_all`."""
        self.apply_all(partition, [(patient, record)])

    def apply_all(self, partition: int, entries: Iterable[tuple[str, bytes | None]]) -> None:
        """Take records of the changelog into the state, in its order.

        Of two records of one patient the one with the higher position counts, whoever wrote it and wherever it
        stands: a worker that had lost the partition may have written late. So a record that is None, which says
        no position, counts only for a patient whose record says that he is gone, and an older record behind it does
        not bring him back. Only what counts is decoded.

        Raises:
            ValueError: a record is damaged or of another version.
        """
        table = self.state(partition)
        newest: dict[str, bytes | None] = {}
        reach: dict[str, int] = {}
        outdone: set[str] = set()
        for patient, record in entries:
            if patient == END_KEY:
                self._note_progress(partition, record)
                continue
            if record is None:
                before = newest.get(patient)
                is_held = patient in table.row_of and patient not in newest
                is_held |= before is not None and not is_gone(before)
                if is_held:
                    outdone.add(patient)
                else:
                    reach.setdefault(patient, _reach(table, patient))
                    newest[patient] = None
                    outdone.discard(patient)
            else:
                position = position_of(record)
                if position >= reach.setdefault(patient, _reach(table, patient)):
                    newest[patient], reach[patient] = record, position
                else:
                    outdone.add(patient)
        for patient, record in newest.items():
            if record is None:
                table.drop(patient)
                table.gone.pop(patient, None)
                table.deleted[patient] = reach[patient]
            elif is_gone(record):
                table.drop(patient)
                table.gone[patient] = reach[patient]
        held = {patient: record for patient, record in newest.items() if record and not is_gone(record)}
        self._replace(table, held)
        # Compaction would keep the older record, which stands later: ours is to come again.
        for patient in outdone:
            if (row := table.row_of.get(patient)) is not None:
                table.dirty[row] = True
            else:
                table.gone.setdefault(patient, _reach(table, patient))

    def _replace(self, table: PatientTable, newest: dict[str, bytes]) -> None:
        known = [row for patient in newest if (row := table.row_of.get(patient)) is not None]
        if known:
            table.clear(np.array(known))
        if newest:
            columns = {alarm_key(alarm): column for column, alarm in enumerate(table.alarms)}
            rows = table.rows(list(newest))
            self.forgotten_alarms += len(decode_all(list(newest.values()), table, rows, columns))

    def _note_progress(self, number: int, record: bytes | None) -> None:
        if record is None:
            return
        partition, found = self.partition(number), decode_progress(record)
        # Of a state from before ours was built again: whoever wrote it had not heard that its records were deleted.
        if found.whole_from >= partition.table.whole_from:
            partition.progress = max(found, partition.progress)

    def _first_damaged(self, found: Iterable[Any]) -> int | None:
        """Return the offset of the first record that cannot be read by itself."""
        for record in found:
            scratch = self._new_table()
            try:
                if record.value is not None and record.key == END_KEY.encode():
                    decode_progress(record.value)
                elif record.value is not None:
                    decode(record.value, scratch, scratch.row("anybody"), {})
            except Exception:
                return int(record.offset)
        return None

    def recovered(self, number: int) -> None:
        """Remember how far each patient's state already reaches into the log: the changelog was read to its end."""
        partition = self.partition(number)
        self._complete(partition)
        partition.on(Event.RECOVER)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Keep what is ours, and do the same for all that is not judged yet."""
        active = {tp.partition for tp in active_tps}
        for number in self.partitions.keys() - active - {tp.partition for tp in standby_tps}:
            self.partitions.pop(number).drop()
        for number in active:
            if self.partition(number).life is not Life.JUDGING:
                self.recovered(number)
        for number in self.partitions.keys() - active:
            self._complete(self.partitions[number])
        if self._recovering_since is not None:
            self.recovery_s = time.monotonic() - self._recovering_since
            self._recovering_since = None

    def _complete(self, partition: Partition) -> None:
        table = partition.table
        rows = table.occupied()
        self._catch_up_with_ticks(partition, rows)
        table.position[rows] = np.maximum(table.position[rows], table.processed)
        table.deleted.clear()
        if len(rows) or table.gone:
            table.replay_until = max([*table.position[rows].tolist(), *table.gone.values()])

    @staticmethod
    def _catch_up_with_ticks(partition: Partition, rows: NDArray[np.int64]) -> None:
        """A patient whom ticks leave as they were is not written: the last checkpoint says which ticks were judged.

        A record that is newer than that checkpoint, because the worker died in the middle of the next, knows better.
        """
        table = partition.table
        processed, ticked_ms, _ = partition.progress
        table.ticked_until_ms = max(table.ticked_until_ms, ticked_ms)
        old = rows[table.position[rows] <= processed]
        table.ticked_ms[old] = np.maximum(table.ticked_ms[old], ticked_ms)

    def persisted_offset(self, tp: TP) -> int | None:
        """Return the last changelog offset that the state holds, None when the partition is not held."""
        partition = self.partitions.get(tp.partition)
        return None if partition is None else partition.applied

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that the changelog up to `offset` is what the state says."""
        self.partition(tp.partition).note_applied(offset)

    def reset_state(self) -> None:
        """Forget everything; recovery brings it back."""
        self.partitions.clear()

    def _tables(self) -> Iterator[PatientTable]:
        return (partition.table for partition in self.partitions.values())

    def __getitem__(self, patient: str) -> bytes:
        for table in self._tables():
            if (row := table.row_of.get(patient)) is not None:
                keys = np.array([alarm_key(alarm) for alarm in table.alarms], dtype=np.uint64)
                return encode(table, np.array([row]), keys)[0]
        raise KeyError(patient)

    def __iter__(self) -> Iterator[str]:
        return (patient for table in self._tables() for patient in table.row_of)

    def __contains__(self, patient: object) -> bool:
        return any(patient in table.row_of for table in self._tables())

    def __len__(self) -> int:
        return sum(map(len, self._tables()))


def _reach(table: PatientTable, patient: str) -> int:
    """Return the offset up to which the log is part of the patient's state, `NEVER` for one who is unknown."""
    row = table.row_of.get(patient)
    if row is not None:
        return max(int(table.position[row]), table.processed)
    return max(table.gone.get(patient, NEVER), table.deleted.get(patient, NEVER), table.processed)
