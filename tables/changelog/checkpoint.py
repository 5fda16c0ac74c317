"""The checkpoint: how what was judged becomes durable, in seven steps. The one place that says their order.

    1  take        what is to become durable, between two blocks
    2  alerts      and what boards are shown have arrived
    3  records     of changed patients are written, each after the alerts and boards that are part of it
    4  changelog   the records have arrived
    5  end record  has arrived: it says how far the state in the changelog reaches
    6  offset      is declared durable
    7  commit      takes it

So the committed offset never overtakes state or alerts. Partitions take turns, so that no checkpoint is large.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from streams.errors import PromiseBroken
from streams.kafka.publisher import Publisher, fail_stop
from streams.lane.protocol import Lane
from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import END_KEY, encode_progress
from tables.changelog.record import encode
from tables.changelog.record_layout import RECORD_BYTES_MAX, alarm_key, encode_gone
from tables.partition import Partition
from tables.patients import PatientTable

CHUNK: Final = 64
"""Records encoded between two turns of the event loop, to keep alerts prompt.

A record is taken before the wait for the alerts and sent after it: state must not become durable before the
alerts that it already contains.
"""

UNOWNED_SHARE: Final = 0.25
"""Of an interval: how long a worker waits that owns no partition at the moment, and until it looks what it owns."""

logger = logging.getLogger(__name__)

Show = Callable[[Partition, Collection[str] | None], Awaitable[None]]
"""Hands over what else follows from the state of a partition's patients, of some of them or, None, of all."""


class Checkpointer:
    """Writes the changed state of one worker's partitions.

    Args:
        store: the partitions.
        publisher: where alerts and records go.
        changelog: topic of the records.
        lane: told which offset of the readings is durable, and knows what is committed.
        readings: topic of what is judged.
        show: awaited before what was sent is waited for.
        on_done: told how long a partition's checkpoint took, s.
        on_failure: what to do when state cannot be made durable; the default stops the process.
    """

    def __init__(
        self,
        store: ColumnStore,
        publisher: Publisher,
        changelog: str,
        lane: Lane,
        readings: str,
        show: Show,
        on_done: Callable[[float], None],
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._changelog = changelog
        self._lane = lane
        self._readings = readings
        self._show = show
        self._on_done = on_done
        self._on_failure = on_failure
        self._turn = asyncio.Lock()
        self._keys: NDArray[np.uint64] | None = None

    async def in_turns(self, interval_s: float) -> None:
        """Checkpoint one partition after the other, each once an interval, and commit what became durable."""
        while True:
            numbers = sorted(self._lane.owned() or ())
            for number in numbers:
                if number not in (self._lane.owned() or ()):
                    continue  # what was handed over, or will be, is no business of a turn
                await self.checkpoint(number)
                await self._lane.commit()  # step 7
                await self._pause(interval_s / len(numbers), interval_s * UNOWNED_SHARE, numbers)
            if not numbers:
                await asyncio.sleep(interval_s * UNOWNED_SHARE)

    async def _pause(self, pause_s: float, look_s: float, numbers: list[int]) -> None:
        """Wait, but not on where partitions have come or gone: in a recovery they begin one after the other."""
        while pause_s > 0 and sorted(self._lane.owned() or ()) == numbers:
            await asyncio.sleep(min(pause_s, look_s))
            pause_s -= look_s

    async def hand_over(self) -> None:
        """Make everything durable before partitions are given up; the lane commits it, which is step 7.

        Not of what is being recovered: all that was judged of it here is durable already, and somebody else may have
        judged on since. Our older offset would be committed after theirs, and a replay from there would bring frames of
        patients whose records they have deleted.
        """
        judged = [
            number for number, partition in sorted(self._store.partitions.items()) if partition.is_judged
        ]
        self._store.revoke()
        for number in judged:
            await self.checkpoint(number)

    async def checkpoint(self, number: int) -> None:
        """Make everything that a partition has processed so far durable."""
        async with self._turn:
            partition = self._store.partitions.get(number)
            if partition is None or partition.table.processed == NEVER:
                return
            started_s = time.monotonic()
            try:
                await self._write(partition)
            except Exception as error:  # whatever it is, what was marked clean may not be on the broker
                self._on_failure(f"checkpoint of partition {number}: {error!r}")
            self._on_done(time.monotonic() - started_s)

    async def _write(self, partition: Partition) -> None:
        table, number = partition.table, partition.number
        # Step 1: take what is to become durable.
        async with self._store.whole_blocks:
            offset = table.processed + 1
            progress = encode_progress(table)
            rows = table.occupied()
            rows = rows[table.dirty[rows]]
            table.dirty[rows] = False
        # Step 2: alerts and what boards are shown arrive.
        await self._shown(partition)
        # Step 3: records of changed patients are written.
        written = 1 + await self._delete(partition)
        written += await self._write_rows(partition, rows)
        written += await self._write_dropped(partition)
        # Step 4: the changelog has arrived.
        await self._publisher.settled()
        # Step 5: the end record, sent last and in a batch of its own. Asked for its end, the embedded broker leaves
        # out all but the first record of the last batch, and recovery would stop there.
        end = await self._publisher.publish_batch(self._changelog, number, [(END_KEY.encode(), progress)])
        await self._publisher.settled()
        self._note_end(partition, end.result(), written)
        # Step 6: the offset is durable.
        self._declare(partition, offset)

    def _declare(self, partition: Partition, offset: int) -> None:
        partition.durable, partition.durable_s = offset, time.monotonic()
        self._lane.durable(self._readings, partition.number, offset)

    async def _shown(self, partition: Partition, patients: Collection[str] | None = None) -> None:
        """Wait until all that follows from the state of some patients has arrived, None = of all."""
        await self._show(partition, patients)
        await self._publisher.settled()

    async def _write_rows(self, partition: Partition, rows: NDArray[np.int64]) -> int:
        """Write the records of some rows; return how many."""
        written = 0
        for start in range(0, len(rows), CHUNK):
            async with self._store.whole_blocks:
                records = self._records(partition.table, rows[start : start + CHUNK])
            # The alerts that are already part of these records' state, and what boards show of these patients.
            await self._shown(partition, [key.decode() for key, _ in records])
            if records:
                await self._publisher.publish_batch(self._changelog, partition.number, records)
                written += len(records)
        return written

    async def _write_dropped(self, partition: Partition) -> int:
        """Write that patients are gone, or what they are since they came back; return how many records that were.

        After the others, so that a patient who was dropped while this checkpoint went on is not left out.
        """
        table = partition.table
        async with self._store.whole_blocks:
            dropped = sorted(partition.dropped)
            partition.dropped.clear()
            rows = np.array([table.row_of[p] for p in dropped if p in table.row_of], dtype=np.int64)
            rows = rows[table.dirty[rows]]
            table.dirty[rows] = False
            records = self._records(table, rows) if len(rows) else []
            for patient in dropped:
                if patient not in table.row_of:
                    table.gone[patient] = table.processed
                    records.append((patient.encode(), encode_gone(table.processed)))
        await self._shown(partition, dropped)
        if records:
            await self._publisher.publish_batch(self._changelog, partition.number, records)
        return len(records)

    async def _delete(self, partition: Partition) -> int:
        """Delete the records of patients who are gone for good; return how many.

        That is when everything up to there is committed: before, a replay would bring frames from before they
        were dropped, and they would be taken for those of a new patient. While a partition's state is built again
        a replay may begin before what is committed, so a checkpoint of ours must reach as far, too.
        """
        committed = min(self._committed(partition), partition.durable)
        gone: list[tuple[bytes, bytes | None]] = []
        for patient, position in sorted(partition.table.gone.items()):
            if position < committed:
                gone.append((patient.encode(), None))
                del partition.table.gone[patient]
        if gone:
            await self._publisher.publish_batch(self._changelog, partition.number, gone)
        return len(gone)

    def _committed(self, partition: Partition) -> int:
        lag = self._lane.lag(self._readings, partition.number)
        return NEVER if lag is None else lag.committed

    def _note_end(self, partition: Partition, end: int, written: int) -> None:
        """Note how far the changelog is what the state says; write all again if somebody else wrote to it.

        A worker that had lost the partition without knowing it writes records that are older than ours but stand
        later, and compaction would keep those. Or we are that worker: then what the new owner wrote must be read
        at the next recovery, so what counts as read stays where it is.
        """
        table, read = partition.table, partition.applied
        before = max(NEVER if read is None else read, partition.end)
        partition.end = end
        if end != before + written:
            logger.warning(
                "partition %s: another worker wrote to %s, writing all again",
                partition.number,
                self._changelog,
            )
            table.dirty[table.occupied()] = True
        elif before == read or read is None:
            partition.note_applied(end)

    def _records(self, table: PatientTable, rows: NDArray[np.int64]) -> list[tuple[bytes, bytes | None]]:
        """Return key and record of each row; a patient dropped meanwhile has none."""
        if self._keys is None:
            self._keys = np.array([alarm_key(alarm) for alarm in table.alarms], dtype=np.uint64)
        patients = [table.patients[row] if table.has(row) else None for row in rows.tolist()]
        records = encode(table, rows, self._keys)
        if (longest := max(map(len, records))) > RECORD_BYTES_MAX:
            raise PromiseBroken(f"a patient's record has {longest} bytes, more than {RECORD_BYTES_MAX}")
        return [(p.encode(), record) for p, record in zip(patients, records, strict=True) if p is not None]
