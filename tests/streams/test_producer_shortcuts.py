"""aiokafka's producer by the names that it does not offer: its batches, their future, and an end without delivery."""

import asyncio
import inspect
import struct
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed
from aiokafka.structs import TopicPartition

from streams.lane.producer_shortcuts import acknowledgement, give_up

PLACE = TopicPartition("t", 0)


class Connection:
    """Stands in for an open connection: what was done to its socket, in order."""

    def __init__(self):
        self.done = []
        self._writer = SimpleNamespace(transport=self)

    def get_extra_info(self, _):
        return self

    def setsockopt(self, _, option, value):
        self.done.append((option, struct.unpack("ii", value)))

    def abort(self):
        self.done.append("abort")


def with_batch(test):
    """Run a test with a producer that has not started and the awaitable of a batch that it holds."""

    async def run():
        producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
        batch = producer.create_batch()
        batch.append(key=b"k", value=b"v", timestamp=None)
        held = await producer._message_accumulator.add_batch(batch, PLACE, timeout=1)
        await test(producer, held)
        producer._closed = True  # it has never started

    asyncio.run(run())


def test_an_acknowledgement_is_told_before_what_send_batch_returns():
    async def test(producer, held):
        told = []
        held.add_done_callback(lambda _: told.append("held"))
        own = acknowledgement(producer, *PLACE)
        own.add_done_callback(lambda _: told.append("own"))
        own.set_result(7)
        for _ in range(3):
            await asyncio.sleep(0)
        assert await held == 7
        assert told == ["own", "held"]

    with_batch(test)


def test_what_a_given_up_producer_holds_fails_at_once():
    async def test(producer, held):
        own, connection = acknowledgement(producer, *PLACE), Connection()
        producer._sender._sender_task = asyncio.create_task(asyncio.Event().wait())
        producer.client._conns["node"] = connection
        give_up(producer)
        with pytest.raises(ProducerClosed):
            await own
        with pytest.raises(ProducerClosed):
            await held
        with pytest.raises(asyncio.CancelledError):
            await producer._sender.sender_task
        assert [done[1] if done != "abort" else done for done in connection.done] == [(1, 0), "abort"]
        producer.client._conns.clear()

    with_batch(test)


def test_stop_has_no_bound_of_its_own():
    """When this fails, `give_up` may have become needless."""
    assert "self._message_accumulator.close()" in inspect.getsource(AIOKafkaProducer.stop)
    assert "timeout" not in inspect.getsource(AIOKafkaProducer.stop)
