"""Boards without a broker, for tests: what a verdict leads to on them."""

import asyncio
import json

from agents.board_writer import Boards
from streams.config.settings import Settings
from streams.contracts.patient_state import Limits, Patient
from streams.contracts.topics import LIMITS, PATIENTS
from tables.changelog.column_store import ColumnStore

CONTRACTS = {PATIENTS: Patient, LIMITS: Limits}


class BoardModel:
    """Boards whose records are read back as soon as they are written; `whole_blocks` is held by whoever judges."""

    def __init__(self, judge):
        store = ColumnStore(judge.new_table)
        self.whole_blocks, self.partition, self.other = (
            store.whole_blocks,
            store.partition(0),
            store.partition(5),
        )
        self.failures = []
        self.boards = Boards(Settings(), judge, self, store, self.failures.append)
        self.written, self.pieces = [], []
        self.room = asyncio.Event()
        self.room.set()

    async def publish_batch(self, topic, partition, records):
        await self.room.wait()
        self.pieces.append(len(records))
        for key, value in records:
            if value is not None:
                read = CONTRACTS[topic].model_validate_json(value, strict=True)
                assert read.model_dump(mode="json") == json.loads(value)
            self.written.append((topic, key.decode(), value and json.loads(value)))

    def note(self, table, verdict, *, late=False, of=None):
        """Have boards note a verdict about a table, which is the state of partition 0, or another, from now on."""
        partition = of or self.partition
        partition.table = table
        self.boards.note(partition, verdict, late=late)

    def show(self, table, *verdicts, late=False):
        """Note verdicts and write; return what was written by topic and name, each of them once."""
        self.written.clear()
        for verdict in verdicts:
            self.note(table, verdict, late=late)
        assert not self.written
        asyncio.run(self.boards.write(self.partition))
        assert not self.failures
        found = {(topic, name): value for topic, name, value in self.written}
        assert len(found) == len(self.written)
        return found
