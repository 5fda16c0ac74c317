"""A door in a test: over a Kafka that is a list."""

import asyncio

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber, ProducerClosed
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from edge.gateway.accept import Reading
from edge.gateway.door import KafkaDoor
from edge.gateway.items import read_items
from streams.config.settings import Settings
from streams.contracts.frame import own_stream

PARTITIONS = 4
BATCH_BYTES = 2_000


class ListKafka:
    """A link whose broker is a list a partition; each send answers when `flowing` is set.

    A producer, a number here, has a hole in its numbers after a refused batch, as aiokafka's with idempotence has.
    """

    def __init__(self) -> None:
        self.log: dict[int, list[tuple[bytes, bytes]]] = {}
        self.went: list[tuple[str, int, bytes]] = []
        """Topic, partition and value of all records, in the order of their arrival."""
        self.batches: list[int] = []
        self.followed = ""
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.too_large = 10**9
        self.ends: list[KafkaError] = []
        self.now = 0
        self.broken: set[tuple[int, int]] = set()
        self.busy: set[int] = set()
        self.brokers_partitions = PARTITIONS
        self.knows = True
        self.sending: dict[int, list[asyncio.Task[None]]] = {}

    def producer(self):
        return self.now

    def batch(self):
        return BatchBuilder(BATCH_BYTES, 0)

    def known_partitions(self, topic):
        return self.brokers_partitions

    def follow(self, readings):
        self.followed = readings

    async def partitions(self, topic):
        return self.brokers_partitions

    def hand_over(self, batch, topic, partition):
        """Take a batch at once, as aiokafka does while it knows the topic."""
        if not self.knows:
            return None
        told = asyncio.get_running_loop().create_future()
        sending = asyncio.create_task(self._sent(self.now, batch, topic, partition))
        self.sending.setdefault(self.now, []).append(sending)
        sending.add_done_callback(lambda sent: _tell(told, sent))
        return told

    async def send(self, batch, topic, partition):
        await self._sent(self.now, batch, topic, partition)

    async def _sent(self, producer, batch, topic, partition):
        assert partition not in self.busy, "one batch of a partition at a time"
        self.busy.add(partition)
        try:
            await self.flowing.wait()
            records = []
            memory = MemoryRecords(bytes(batch._build()))
            while (found := memory.next_batch()) is not None:
                records += [(record.key, record.value) for record in found]
            if self.ends:
                raise self.ends.pop(0)
            if (producer, partition) in self.broken:
                raise OutOfOrderSequenceNumber
            if any(len(value) > self.too_large for _, value in records):
                self.broken.add((producer, partition))
                raise MessageSizeTooLargeError
            self.batches.append(len(records))
            self.log.setdefault(partition, []).extend(records)
            self.went += [(topic, partition, value) for _, value in records]
        finally:
            self.busy.discard(partition)

    async def replace(self, broken):
        self.retire(broken)

    def retire(self, broken):
        if broken == self.now:
            self.now += 1
            for sending in self.sending.pop(broken, ()):
                if not self.flowing.is_set():
                    sending.cancel()


def _tell(told, sent):
    """Tell of a batch what became of it; a producer that is ended fails what it has, and cancels nothing."""
    error = ProducerClosed() if sent.cancelled() else sent.exception()
    if error is None:
        told.set_result(None)
    else:
        told.set_exception(error)


class Filed:
    """Files under whom the sender names, else under the device's own stream."""

    def patient_at(self, device, event_ts_ms, named):
        return named or own_stream(device)

    def is_current(self):
        return True


def made(kafka, **changes):
    return KafkaDoor(Settings(**changes), kafka, Filed(), PARTITIONS)


def readings(*texts):
    found = read_items(texts, "")
    assert all(isinstance(one, Reading) for one in found), found
    return found
