"""The checkpoint: alerts first, then the changed patients' records, then the offsets.

The committed offset never overtakes state or alerts: a partition's offset is declared durable only when every
alert and every record written for it has arrived. Partitions take turns, so that no checkpoint is large.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from faust.types import TP

from clinical.limits import NEVER
from streams.errors import PromiseBroken
from streams.publisher import Publisher, fail_stop
from tables.patients import PatientTable
from tables.progress import END_KEY, encode_progress
from tables.record import RECORD_BYTES_MAX, alarm_key, encode
from tables.store import ColumnStore

CHUNK: Final = 256
"""Records encoded between two turns of the event loop, to keep alerts prompt.

A record is taken before the wait for the alerts and sent after it: state must not become durable before the
alerts that it already contains.
"""

logger = logging.getLogger(__name__)


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
        self._turn = asyncio.Lock()
        self.whole_blocks = asyncio.Lock()
        """Held while a block is judged and its alerts are handed to the publisher: state is looked at between
        blocks only, else it could become durable before alerts that nobody waits for yet."""
        self._keys: list[int] = []
        self.on_done: Callable[[float], None] = lambda seconds: None

    def note_dropped(self, partition: int, patients: list[str]) -> None:
        """Remember patients whose records must be deleted at the next checkpoint."""
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
            except PromiseBroken as error:
                self._on_failure(f"checkpoint of partition {partition}: {error}")
            self.on_done(time.monotonic() - started)

    async def checkpoint_all(self) -> None:
        """Make everything durable, before partitions are given up."""
        for partition in sorted(self._store.partitions):
            await self.checkpoint(partition)

    async def _write(self, partition: int, table: PatientTable) -> None:
        async with self.whole_blocks:
            offset = table.processed + 1
            progress = encode_progress(table)
            rows = np.flatnonzero(table.dirty[: len(table.patients)])
            table.dirty[rows] = False
            dropped = self._dropped.pop(partition, set())
            gone = [patient for patient in sorted(dropped) if patient not in table.row_of]
        await self._publisher.settled()
        for patient in gone:
            await self._send(partition, patient, None)
        if not self._keys:
            self._keys = [alarm_key(alarm) for alarm in table.alarms]
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK].tolist()
            async with self.whole_blocks:
                records = [(table.patients[row], encode(table, row, self._keys)) for row in chunk]
            await self._publisher.settled()  # the alerts that are already part of these records' state
            for patient, record in records:
                if patient is not None:
                    await self._send(partition, patient, record)
        await self._publisher.settled()
        # Sent last and in a batch of its own. Asked for its end, the embedded broker leaves out all but the first
        # record of the last batch, and recovery would stop there.
        end = await self._send(partition, END_KEY, progress)
        await self._publisher.settled()
        self._store.set_persisted_offset(TP(self._changelog, partition), end.result().offset)
        self._mark_durable(partition, offset)

    async def _send(self, partition: int, patient: str, record: bytes | None) -> "asyncio.Future[Any]":
        if record is not None and len(record) > RECORD_BYTES_MAX:
            raise PromiseBroken(f"a patient's record has {len(record)} bytes, more than {RECORD_BYTES_MAX}")
        return await self._publisher.publish(self._changelog, patient.encode(), record, partition=partition)
