"""A monitor for tests: everything real but the broker, which is a list."""

import asyncio
import json
from types import SimpleNamespace

from lane_stand_in import StandInLane

from agents.health.metrics import Metrics
from agents.traces import traces_of
from agents.wiring import wire
from clinical.rules import LimitRule, RuleSet
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DEAD_LETTERS, READINGS
from streams.kafka.publisher import Publisher
from streams.lane.block import Block, Blocks
from streams.lane.work_off import work_off
from tables import partition_life

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
    """A worker's flow with everything real but the broker, which is a list; partitions are its own when they come."""

    def __init__(self, time_base="recorded", prefix="", **more):
        self.sent, self.partitions, self.failures = [], [], []
        settings = Settings(
            brokers="", time_base=time_base, topic_prefix=prefix, patient_ttl_s=TTL_MS // 1000, **more
        )
        self.metrics, self.lane = Metrics(), StandInLane()
        self.traces = traces_of(settings, self.metrics.spans)
        send = self.traces.sending(self._send)
        self.flow = wire(
            *(settings, RULES, self.lane, Publisher(send, self._send_batch, 5.0, self.failures.append)),
            *(lambda: 100.0,),
            metrics=self.metrics,
            traces=self.traces,
            on_failure=self.failures.append,
        )
        self.store, self.checkpointer, self.monitor = (
            self.flow.store,
            self.flow.checkpointer,
            self.flow.monitor,
        )
        self.reader = self.lane.readers[settings.topic(READINGS)]
        self.admitted = lambda block: block.value

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
            for partition in self.store.partitions.values():
                await self.monitor.boards.write(partition)

        asyncio.run(write())

    async def _admit(self, block):
        number = block.partition
        if number not in self.store.partitions:
            self.reader.assign([number])
            self.store.partition(number).on(partition_life.Event.RECOVER)
            self.reader.resume_at({number: 0}, {number: 0})
        return self.admitted(block)

    async def work_off(self, *events):
        """Let the monitor work off events of its stream."""
        await work_off(Stream(events), self._admit, self.reader.take, self.failures.append)

    def watch(self, *blocks, partition=0):
        """Let the monitor work off blocks (lists of records); return which of them it acknowledged."""
        events = [fetched(block, partition) for block in blocks]
        asyncio.run(self.work_off(*events))
        return [event.acknowledged for event in events]

    def alerts(self):
        return [(key, json.loads(value)) for topic, key, value, _ in self.sent if topic == ALERTS]

    def dead_letters(self):
        return [(key, value, headers) for topic, key, value, headers in self.sent if topic == DEAD_LETTERS]

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
