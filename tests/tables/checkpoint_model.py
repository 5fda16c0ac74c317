"""A worker's store, publisher and checkpoint on a broker that keeps, holds back or refuses what arrives."""

import asyncio
from collections import Counter

from lane_stand_in import StandInLane
from table_model import CHANGELOG, new_store

from streams.kafka.publisher import Publisher
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.progress import END_KEY


class Broker:
    """Keeps what arrives, in order; the test holds arrivals back or refuses them."""

    def __init__(self):
        self.arrived = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.late = {}
        """When a record arrives, by its value."""
        self.refuse = None
        self.ends = Counter()

    async def send(self, topic, key, value, partition, headers):
        return self._arrive([(topic, partition, key, value)])

    async def send_batch(self, topic, partition, records):
        assert records, "an empty batch"
        return self._arrive([(topic, partition, key, value) for key, value in records])

    async def _arrive(self, records):
        await self.hold.wait()
        if late := self.late.get(records[0][3]):
            await late.wait()
        if self.refuse in {topic for topic, *_ in records}:
            raise OSError("refused")
        self.arrived += records
        topic, partition, *_ = records[0]
        self.ends[topic, partition] += len(records)
        return self.ends[topic, partition] - 1

    def changelog(self, partition=0):
        """Return (key, record) of the changelog in the order of arrival."""
        return [
            (key.decode(), value)
            for topic, p, key, value in self.arrived
            if (topic, p) == (CHANGELOG, partition)
        ]


class Worker:
    """Store, publisher and checkpoint, with the offsets that were declared durable."""

    def __init__(self, timeout_s=5.0):
        self.broker, self.store, self.failures = Broker(), new_store(), []
        self.publisher = Publisher(self.broker.send, self.broker.send_batch, timeout_s, self.failures.append)
        self.lane, self.took = StandInLane(on_durable=self._note_durable), []
        self.durable = self.lane.done
        self.checkpointer = Checkpointer(
            *(self.store, self.publisher, CHANGELOG, self.lane, "readings", self._show),
            *(self.took.append, self.failures.append),
        )

    async def _show(self, partition, patients):
        """Stand in for boards."""

    def _note_durable(self, partition, offset):
        self.broker.arrived.append(("durable", partition, str(offset).encode(), None))

    @property
    def table(self):
        return self.store.state(0)

    def drop(self, patient):
        """Have the next checkpoint write that a patient is gone."""
        self.store.partition(0).dropped.add(patient)

    async def checkpoint(self, partition=0):
        await asyncio.wait_for(self.checkpointer.checkpoint(partition), 10)

    def written(self, partition=0):
        """Return keys in the changelog without the ends of checkpoints."""
        return [key for key, _ in self.broker.changelog(partition) if key != END_KEY]


def with_worker(test, **options):
    async def run():
        await test(Worker(**options))

    asyncio.run(run())


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)
