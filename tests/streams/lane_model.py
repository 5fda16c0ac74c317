"""The live lane's consumer without a broker, for tests: what it is fetched, told and asked."""

import asyncio
from dataclasses import dataclass

from faust.types import TP

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.block import Block
from streams.lane.block_consumer import BlockConsumer
from streams.lane.fetched import Stretch
from streams.lane.protocol import Reader

READINGS, COMMANDS, CHANGELOG = "vitals.readings", "vitals.commands", "vigil-patients-changelog"
ONE, TWO, LOG = TP(READINGS, 0), TP(READINGS, 1), TP(CHANGELOG, 0)


@dataclass(frozen=True)
class Record:
    """What a consumer hands over, as far as the lane looks at it."""

    offset: int
    timestamp: int = 1_000
    timestamp_type: int = 0
    topic: str = READINGS
    partition: int = 0
    key: bytes | None = b"k"
    value: bytes = b"v"
    headers: tuple = ()
    checksum: int | None = None
    serialized_key_size: int = 1
    serialized_value_size: int = 1


def records(*offsets):
    return [Record(offset) for offset in offsets]


def stretch(*offsets):
    return Stretch(records(*offsets), offsets[0], offsets[-1] + 1)


def block(first, last, tp=ONE, rewinds=0):
    return Block(tp.topic, tp.partition, records(*range(first, last + 1)), rewinds=rewinds)


class Broker:
    """Stands in for the part that talks to the broker: what the broker was told, and what it would answer."""

    def __init__(self):
        self.assigned = {ONE, TWO, LOG}
        self.commits = []
        self.committed = {}
        self.earliest = {}
        self.ends = {}
        self.seeks = []
        self.rewinds = 0
        self.fetched = {}

    def assignment(self):
        return self.assigned

    def highwater(self, _):
        return 0

    async def commit(self, offsets):
        self.commits.append(dict(offsets))
        return True

    async def seek_to_committed(self, tps):
        self.rewinds += 1
        return {tp: self.committed.get(tp) for tp in tps}

    async def earliest_offsets(self, *tps):
        return {tp: self.earliest.get(tp, 0) for tp in tps}

    async def highwaters(self, *tps):
        return {tp: self.ends.get(tp, 0) for tp in tps}

    async def seek_wait(self, partitions):
        self.rewinds += 1
        self.seeks.append(dict(partitions))

    async def getmany(self, *_):
        fetched, self.fetched = self.fetched, {}
        return fetched


def answer(consumer, topic=READINGS, **how):
    """Have the reader of a topic answer the lane like this."""
    consumer.transport.readers[topic] = Reader("reader", None, **how)


def expected(consumer):
    """Return the offset that is admitted next, by partition."""
    return {tp: admission.expected for tp, admission in consumer._admissions.items()}


def durable(consumer):
    """Return what was declared durable, by partition."""
    return {tp: own.durable for tp, own in consumer._admissions.items() if own.durable is not None}


def with_consumer(test):
    """Run an asynchronous test with (consumer, broker); `consumer.told` lists revocations that Faust was told of."""

    async def run():
        app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
        told = []

        async def revoked(tps):
            told.append((set(tps), durable(consumer)))

        async def ignore(*_):
            return

        consumer = BlockConsumer(
            app.transport, callback=ignore, on_partitions_revoked=revoked, on_partitions_assigned=ignore
        )
        consumer.told = told
        consumer._thread = Broker()
        app.tables._changelogs[CHANGELOG] = None
        consumer._set_active_tps(consumer.assignment())
        await test(consumer, consumer._thread)

    asyncio.run(run())


def taken(consumer, found):
    """Return a message that the agent is working on, as Faust makes it of a block or record."""
    message = consumer._to_message(TP(found.topic, found.partition), found)
    consumer.track_message(message)
    return message
