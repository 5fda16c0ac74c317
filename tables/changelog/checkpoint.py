"""The checkpoint: alerts and boards first, then the changed patients' records, then the offsets.

The committed offset never overtakes state or alerts: a partition's offset is declared durable only when every
alert, all that boards are shown and every record written for it has arrived. Partitions take turns, so that no
checkpoint is large.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import numpy as np
from faust.types import TP
from numpy.typing import NDArray

from clinical.limits import NEVER
from streams.errors import PromiseBroken
from streams.kafka.publisher import Publisher, fail_stop
from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import END_KEY, encode_progress
from tables.changelog.record import encode
from tables.changelog.record_layout import RECORD_BYTES_MAX, alarm_key, encode_gone
from tables.patients import PatientTable

CHUNK: Final = 64
"""Records encoded between two turns of the event loop, to keep alerts prompt.

A record is taken before the wait for the alerts and sent after it: state must not become durable before the
alerts that it already contains.
"""

logger = logging.getLogger(__name__)


WriteBeside = Callable[[int, PatientTable, Collection[str] | None], Awaitable[None]]
"""Awaited before what was sent is waited for: hands over what else follows from the state of a partition's patients,
of some of them or, None, of all."""


async def _nothing(partition: int, table: PatientTable, patients: Collection[str] | None) -> None:
    """Stand in for what writes beside the checkpoint."""


class Checkpointer:
    """Writes the changed state of one worker's partitions.

    Args:
        store: the state.
        publisher: where alerts and records go.
        changelog: topic of the records.
        mark_durable: told (partition, offset) when everything below the offset needs no replay.
        on_failure: what to do when state cannot be made durable; the default stops the process.
    """

    def __init__(
        self,
        store: ColumnStore,
        publisher: Publisher,
        changelog: str,
        mark_durable: Callable[[int, int], None],
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._changelog = changelog
        self._mark_durable = mark_durable
        self._on_failure = on_failure
        self._dropped: dict[int, set[str]] = {}
        self._ends: dict[int, int] = {}
        """Changelog offset of each partition's last end record by this worker."""
        self._durable: dict[int, int] = {}
        self.committed: Callable[[int], int] = lambda partition: self._durable.get(partition, NEVER)
        """Asked for the committed offset of a partition; by default what was declared durable counts as such."""
        self._turn = asyncio.Lock()
        self.whole_blocks = asyncio.Lock()
        """Held while a block is judged and its alerts are handed to the publisher: state is looked at between
        blocks only, else it could become durable before alerts that nobody waits for yet."""
        self._keys: NDArray[np.uint64] | None = None
        self.write_beside: WriteBeside = _nothing
        self.on_done: Callable[[float], None] = lambda seconds: None

    def note_dropped(self, partition: int, patients: list[str]) -> None:
        """Remember patients who were dropped, for the next checkpoint to write."""
        if patients:
            self._dropped.setdefault(partition, set()).update(patients)

    async def checkpoint(self, partition: int) -> None:
        """Make everything that the partition has processed so far durable."""
        async with self._turn:
            table = self._store.partitions.get(partition)
            if table is None or table.processed == NEVER:
                return
            started = time.monotonic()
            try:
                await self._write(partition, table)
            except Exception as error:  # whatever it is, what was marked clean may not be on the broker
                self._on_failure(f"checkpoint of partition {partition}: {error!r}")
            self.on_done(time.monotonic() - started)

    async def checkpoint_all(self) -> None:
        """Make everything durable, before partitions are given up."""
        for partition in sorted(self._store.partitions):
            await self.checkpoint(partition)

    async def _write(self, partition: int, table: PatientTable) -> None:
        async with self.whole_blocks:
            offset = table.processed + 1
            progress = encode_progress(table)
            rows = table.occupied()
            rows = rows[table.dirty[rows]]
            table.dirty[rows] = False
        await self._settled(partition, table)
        written = 1 + await self._delete(partition, table)
        for start in range(0, len(rows), CHUNK):
            async with self.whole_blocks:
                records = self._records(table, rows[start : start + CHUNK])
            # The alerts that are already part of these records' state, and what boards show of these patients.
            await self._settled(partition, table, [key.decode() for key, _ in records])
            if records:
                await self._publisher.publish_batch(self._changelog, partition, records)
                written += len(records)
        written += await self._write_dropped(partition, table)
        await self._publisher.settled()
        # Sent last and in a batch of its own. Asked for its end, the embedded broker leaves out all but the first
        # record of the last batch, and recovery would stop there.
        end = await self._publisher.publish_batch(self._changelog, partition, [(END_KEY.encode(), progress)])
        await self._publisher.settled()
        self._note_end(partition, table, end.result(), written)
        self._durable[partition] = offset
        self._mark_durable(partition, offset)

    async def _write_dropped(self, partition: int, table: PatientTable) -> int:
        """Write that patients are gone, or what they are since they came back; return how many records that were.

        After the others, so that a patient who was dropped while this checkpoint went on is not left out.
        """
        async with self.whole_blocks:
            dropped = sorted(self._dropped.pop(partition, set()))
            rows = np.array([table.row_of[p] for p in dropped if p in table.row_of], dtype=np.int64)
            rows = rows[table.dirty[rows]]
            table.dirty[rows] = False
            records = self._records(table, rows) if len(rows) else []
            for patient in dropped:
                if patient not in table.row_of:
                    table.gone[patient] = table.processed
                    records.append((patient.encode(), encode_gone(table.processed)))
        await self._settled(partition, table, dropped)
        if records:
            await self._publisher.publish_batch(self._changelog, partition, records)
        return len(records)

    async def _settled(
        self, partition: int, table: PatientTable, patients: Collection[str] | None = None
    ) -> None:
        """Wait until all that follows from the state of some patients has arrived, None = of all."""
        await self.write_beside(partition, table, patients)
        await self._publisher.settled()

    async def _delete(self, partition: int, table: PatientTable) -> int:
        """Delete the records of patients who are gone for good; return how many.

        That is when everything up to there is committed: before, a replay would bring frames from before they
        were dropped, and they would be taken for those of a new patient. While a partition's state is built again
        a replay may begin before what is committed, so a checkpoint of ours must reach as far, too.
        """
        committed = min(self.committed(partition), self._durable.get(partition, NEVER))
        gone: list[tuple[bytes, bytes | None]] = []
        for patient, position in sorted(table.gone.items()):
            if position < committed:
                gone.append((patient.encode(), None))
                del table.gone[patient]
        if gone:
            await self._publisher.publish_batch(self._changelog, partition, gone)
        return len(gone)

    def _note_end(self, partition: int, table: PatientTable, end: int, written: int) -> None:
        """Note how far the changelog is what the state says; write all again if somebody else wrote to it.

        A worker that had lost the partition without knowing it writes records that are older than ours but stand
        later, and compaction would keep those. Or we are that worker: then what the new owner wrote must be read
        at the next recovery, so what counts as read stays where it is.
        """
        tp = TP(self._changelog, partition)
        read = self._store.persisted_offset(tp)
        before = max(NEVER if read is None else read, self._ends.get(partition, NEVER))
        self._ends[partition] = end
        if end != before + written:
            logger.warning("partition %s: another worker wrote to %s, writing all again", partition, tp.topic)
            table.dirty[table.occupied()] = True
        elif before == read or read is None:
            self._store.set_persisted_offset(tp, end)

    def _records(self, table: PatientTable, rows: NDArray[np.int64]) -> list[tuple[bytes, bytes | None]]:
        """Return key and record of each row; a patient dropped meanwhile has none."""
        if self._keys is None:
            self._keys = np.array([alarm_key(alarm) for alarm in table.alarms], dtype=np.uint64)
        patients = [table.patients[row] if table.has(row) else None for row in rows.tolist()]
        records = encode(table, rows, self._keys)
        if (longest := max(map(len, records))) > RECORD_BYTES_MAX:
            raise PromiseBroken(f"a patient's record has {longest} bytes, more than {RECORD_BYTES_MAX}")
        return [(p.encode(), record) for p, record in zip(patients, records, strict=True) if p is not None]
