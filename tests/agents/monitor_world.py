"""A monitor for tests: everything real but the broker, which is a list."""

import asyncio
import json
from types import SimpleNamespace

from agents.board_writer import Boards
from agents.dead_letters import DeadLetters
from agents.health.metrics import Metrics
from agents.judging.judge import Judge
from agents.monitor import Monitor
from agents.wards.counts import Reports
from clinical.clock import TimeRules
from clinical.rules import LimitRule, RuleSet
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DEAD_LETTERS, READINGS
from streams.kafka.publisher import Publisher
from streams.lane.block import Block, Blocks
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore

RULES = RuleSet(limits=(LimitRule("hr-high", "hr", high=120.0, delay_s=2.0),))
TTL_MS = 120_000


class Event:
    """Blocks on their way through the agent's stream."""

    def __init__(self, blocks):
        self.value, self.acknowledged = blocks, False

    def ack(self):
        self.acknowledged = True


def fetched(records, partition=0):
    return Event(Blocks([[Block(READINGS, partition, records)]]))


class Stream:
    """Hands events to the agent, which must ask not to have them acknowledged for it."""

    def __init__(self, events):
        self._events = events

    def noack(self):
        return SimpleNamespace(events=self._iterate)

    async def _iterate(self):
        for event in self._events:
            yield event


class World:
    """A monitor with everything real but the broker, which is a list."""

    def __init__(self, time_base="recorded", prefix="", **more):
        self.sent, self.partitions, self.failures, self.ended = [], [], [], []
        settings = Settings(brokers="", time_base=time_base, topic_prefix=prefix, **more)
        judge = Judge(RULES, TimeRules(time_base == "recorded"), TTL_MS)
        self.store = ColumnStore(judge.new_table)
        publisher = Publisher(self._send, self._send_batch, 5.0, self.failures.append)
        checkpointer = Checkpointer(self.store, publisher, "changelog", lambda *_: None, self.failures.append)
        self.checkpointer = checkpointer
        self.admitted = lambda block: block.value
        self.metrics = Metrics()
        self.monitor = Monitor(
            settings,
            judge,
            self.store,
            publisher,
            checkpointer,
            self.metrics,
            DeadLetters(settings, publisher, self.metrics),
            Boards(settings, judge, publisher, checkpointer.whole_blocks, self.failures.append),
            Reports(settings, publisher),
            self._admit,
            self._end_note,
            wall_s=lambda: 100.0,
            on_failure=self.failures.append,
        )

    async def _send(self, topic, key, value, partition, headers):
        self.sent.append((topic, key, value, dict(headers)))
        self.partitions.append((topic, key, partition))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    async def _send_batch(self, topic, partition, records):
        for key, value in records:
            await self._send(topic, key, value, partition, ())
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(0)
        return arrived

    def write_boards(self):
        """Write what has been noted for boards."""

        async def write():
            for partition, table in self.store.partitions.items():
                await self.monitor.boards.write(partition, table)

        asyncio.run(write())

    async def _end_note(self, noted):
        self.ended.append(noted)

    async def _admit(self, block):
        return self.admitted(block)

    def watch(self, *blocks, partition=0):
        """Let the agent work through blocks (lists of records); return which of them it acknowledged."""
        events = [fetched(block, partition) for block in blocks]
        asyncio.run(self.monitor.watch(Stream(events)))
        return [event.acknowledged for event in events]

    def alerts(self):
        return [(key, json.loads(value)) for topic, key, value, _ in self.sent if topic == ALERTS]

    def dead_letters(self):
        return [(key, value, headers) for topic, key, value, headers in self.sent if topic == DEAD_LETTERS]

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
