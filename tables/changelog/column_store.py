"""The patient table as a Faust table: its store is the columnar state itself, its changelog the records.

Faust's recovery feeds the changelog in, block by block; what is written goes out at a checkpoint
(`tables.changelog.checkpoint`), not per key. While a partition stays with this worker its state is kept, and a
rebalance reads only what is new.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import faust
import numpy as np
from faust.stores import base
from faust.types import TP
from numpy.typing import NDArray

from clinical.limits import NEVER
from streams.kafka.publisher import fail_stop
from streams.lane.block import Block
from streams.lane.lane import BlockSchema
from tables.changelog.progress import END_KEY, NOTHING, Progress, decode_progress
from tables.changelog.record import decode, decode_all, encode
from tables.changelog.record_layout import alarm_key, is_gone, position_of
from tables.patients import PatientTable

BLOCKS_BUFFERED: Final = 2
"""Blocks of the changelog that recovery collects before it applies them. With 1, Faust would go on to read the
changelog of a partition that it owns after recovery, and apply what this worker has just written."""

logger = logging.getLogger(__name__)


class ColumnStore(base.Store):
    """State of every partition that this worker holds; keys are patients, values their durable records."""

    new_table: Callable[[], PatientTable]
    on_failure: Callable[[str], None] = staticmethod(fail_stop)
    """What to do when the changelog cannot be read; the default stops the process."""
    on_read: Callable[[], None] = staticmethod(lambda: None)
    """Told when records of the changelog were taken into the state: a recovery makes progress."""

    def __post_init__(self) -> None:
        self.partitions: dict[int, PatientTable] = {}
        self.forgotten_alarms = 0
        """Alarms met in records whose rule is gone from the rules file."""
        self.recovery_s = 0.0
        self._applied: dict[int, int] = {}
        self._progress: dict[int, Progress] = {}
        self._recovering_since: float | None = None

    def state(self, partition: int) -> PatientTable:
        """Return the partition's state, empty if there is none yet."""
        table = self.partitions.get(partition)
        if table is None:
            beside = next(iter(self.partitions.values()), None)
            table = self.new_table() if beside is None else beside.beside()
            table.partition = partition
            self.partitions[partition] = table
        return table

    def forget(self, partition: int) -> None:
        """Forget the state of a partition."""
        table = self.partitions.pop(partition, None)
        if table is not None:
            table.release()

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Take blocks of the changelog, or single records of it, into the state."""
        if self._recovering_since is None:
            self._recovering_since = time.monotonic()
        for event in batch:
            message = event.message
            found = message.value.value if isinstance(message.value, Block) else [message]
            try:
                entries = [(record.key.decode(), record.value) for record in found]
                self.apply_all(message.partition, entries)
            except Exception as error:  # whatever it is, Faust would swallow it and recovery never end
                where = f"partition {message.partition}, offset {self._first_damaged(found)}"
                self.on_failure(f"changelog {where}: {error!r}")
            self._applied[message.partition] = message.offset
            self.on_read()

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

    def _note_progress(self, partition: int, record: bytes | None) -> None:
        if record is not None:
            self._progress[partition] = max(decode_progress(record), self._progress.get(partition, NOTHING))

    def _first_damaged(self, found: Iterable[Any]) -> int | None:
        """Return the offset of the first record that cannot be read by itself."""
        for record in found:
            scratch = self.new_table()
            try:
                if record.value is not None and record.key == END_KEY.encode():
                    decode_progress(record.value)
                elif record.value is not None:
                    decode(record.value, scratch, scratch.row("anybody"), {})
            except Exception:
                return int(record.offset)
        return None

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Keep what is ours, and remember how far each patient's state already reaches into the log."""
        held = {tp.partition for tp in active_tps | standby_tps}
        for partition in [p for p in self.partitions if p not in held]:
            self.forget(partition)
            self._applied.pop(partition, None)
            self._progress.pop(partition, None)
        for partition, table in self.partitions.items():
            rows = table.occupied()
            self._catch_up_with_ticks(partition, table, rows)
            table.position[rows] = np.maximum(table.position[rows], table.processed)
            table.deleted.clear()
            if len(rows) or table.gone:
                table.replay_until = max([*table.position[rows].tolist(), *table.gone.values()])
        if self._recovering_since is not None:
            self.recovery_s = time.monotonic() - self._recovering_since
            self._recovering_since = None

    def _catch_up_with_ticks(self, partition: int, table: PatientTable, rows: NDArray[np.int64]) -> None:
        """A patient whom ticks leave as they were is not written: the last checkpoint says which ticks were judged.

        A record that is newer than that checkpoint, because the worker died in the middle of the next, knows better.
        """
        processed, ticked_ms, _ = self.progress(partition)
        table.ticked_until_ms = max(table.ticked_until_ms, ticked_ms)
        old = rows[table.position[rows] <= processed]
        table.ticked_ms[old] = np.maximum(table.ticked_ms[old], ticked_ms)

    def progress(self, partition: int) -> Progress:
        """Return what the newest end of a checkpoint in the changelog said, `NOTHING` if there was none."""
        return self._progress.get(partition, NOTHING)

    def persisted_offset(self, tp: TP) -> int | None:
        """Return the last changelog offset that the state holds, None when the partition is not held."""
        return self._applied.get(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that the changelog up to `offset` is what the state says."""
        self._applied[tp.partition] = max(offset, self._applied.get(tp.partition, NEVER))

    def reset_state(self) -> None:
        """Forget everything; recovery brings it back."""
        self.partitions.clear()
        self._applied.clear()
        self._progress.clear()

    async def backup_partition(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to back up: the changelog is the copy."""

    def restore_backup(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to restore: the changelog is the copy."""

    def __getitem__(self, patient: str) -> bytes:
        for table in self.partitions.values():
            if (row := table.row_of.get(patient)) is not None:
                keys = np.array([alarm_key(alarm) for alarm in table.alarms], dtype=np.uint64)
                return encode(table, np.array([row]), keys)[0]
        raise KeyError(patient)

    def __setitem__(self, patient: str, record: bytes) -> None:
        raise TypeError("patient state changes by judging the log, not by assignment")

    def __delitem__(self, patient: str) -> None:
        raise TypeError("patient state changes by judging the log, not by deletion")

    def __iter__(self) -> Iterator[str]:
        return (patient for table in self.partitions.values() for patient in table.row_of)

    def __contains__(self, patient: object) -> bool:
        return any(patient in table.row_of for table in self.partitions.values())

    def __len__(self) -> int:
        return sum(len(table) for table in self.partitions.values())


class PatientsTable(faust.Table):
    """Faust table on a `ColumnStore`; `new_table` makes the empty state of one partition."""

    def __init__(self, *args: Any, new_table: Callable[[], PatientTable], **kwargs: Any) -> None:
        super().__init__(
            *args,
            schema=BlockSchema(),
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=BLOCKS_BUFFERED,
            standby_buffer_size=1,
            **kwargs,
        )
        self._new_table = new_table

    def _new_store(self) -> ColumnStore:
        store = ColumnStore("memory://", self.app, self, table_name=self.name, loop=self.loop)
        store.new_table = self._new_table
        return store


def _reach(table: PatientTable, patient: str) -> int:
    """Return the offset up to which the log is part of the patient's state, `NEVER` for one who is unknown."""
    row = table.row_of.get(patient)
    if row is not None:
        return max(int(table.position[row]), table.processed)
    return max(table.gone.get(patient, NEVER), table.deleted.get(patient, NEVER), table.processed)
