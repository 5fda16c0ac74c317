"""Boards without a broker, for tests: what a verdict leads to on them."""

import asyncio
import json

from agents.board_writer import Boards
from streams.config.settings import Settings
from streams.contracts.patient_state import Limits, Patient
from streams.contracts.topics import LIMITS, PATIENTS

CONTRACTS = {PATIENTS: Patient, LIMITS: Limits}


class BoardModel:
    """Boards whose records are read back as soon as they are written; `whole_blocks` is held by whoever judges."""

    def __init__(self, judge):
        self.whole_blocks = asyncio.Lock()
        self.failures = []
        self.boards = Boards(Settings(), judge, self, self.whole_blocks, self.failures.append)
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

    def show(self, table, *verdicts, late=False):
        """Note verdicts and write; return what was written by topic and name, each of them once."""
        self.written.clear()
        for verdict in verdicts:
            self.boards.note(0, table, verdict, late=late)
        assert not self.written
        asyncio.run(self.boards.write(0, table))
        assert not self.failures
        found = {(topic, name): value for topic, name, value in self.written}
        assert len(found) == len(self.written)
        return found
