"""The door: what Kafka did not take in time never arrives."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownError
from gateway_world import ANYBODY, frame, until
from list_kafka import ListKafka, made, readings

from edge.gateway import door as door_file
from edge.gateway import lanes as lanes_file
from edge.gateway.link import Link
from edge.gateway.refiler import STORE_MS_MAX
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS
from streams.errors import NotStored
from streams.lane.producer_shortcuts import END_S_MAX


def test_what_was_not_stored_in_time_never_arrives_however_long_brokers_are_away(monkeypatch):
    """Else it would lie where nobody files it anew: under whoever had the device when it was sent."""
    monkeypatch.setattr(door_file, "ACK_S_MAX", 0.05)
    monkeypatch.setattr(lanes_file, "DELIVER_S_MAX", 0.1)

    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka)
        with pytest.raises(NotStored):
            await door.readings(ANYBODY, readings(frame(seq=1)))
        await until(lambda: not kafka.busy)
        assert kafka.now == 1, "its producer was ended"
        kafka.flowing.set()
        await door.readings(ANYBODY, readings(frame(seq=2)))
        (log,) = kafka.log.values()
        assert [json.loads(value)["seq"] for _, value in log] == [2]

    asyncio.run(run())


def test_what_a_gateway_files_is_stored_before_the_re_filing_looks_again_or_never():
    assert (door_file.ACK_S_MAX + lanes_file.DELIVER_S_MAX + END_S_MAX) * 1000 < STORE_MS_MAX


def test_a_fault_of_the_brokers_own_is_no_refusal():
    async def run():
        kafka = ListKafka()
        kafka.ends = [UnknownError()]
        assert await made(kafka).readings(ANYBODY, readings(frame())) == [None]
        kafka.ends = [UnknownError()] * 9
        with pytest.raises(NotStored):
            await made(kafka).readings(ANYBODY, readings(frame()))

    asyncio.run(run())


class SlowProducer:
    """Acknowledges when `flowing` is set."""

    def __init__(self) -> None:
        self.flowing = asyncio.Event()
        self.sent = []

    async def send_and_wait(self, topic, value, key, headers):
        await self.flowing.wait()
        self.sent.append(value)


def test_a_record_of_another_topic_is_bounded_too_also_where_its_sender_gives_up_first(monkeypatch):
    monkeypatch.setattr(door_file, "ACK_S_MAX", 0.1)

    async def run():
        kafka, slow = ListKafka(), SlowProducer()
        kafka.now, retired = slow, []
        kafka.retire = retired.append
        door = made(kafka)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await door.store(ALERTS, b"k", b"v")
        assert door.room.records == 1
        await until(lambda: retired == [slow])
        await until(lambda: door.room.records == 0)
        assert not slow.sent
        slow.flowing.set()
        await door.store(ALERTS, b"k", b"w")
        assert slow.sent == [b"w"]

    asyncio.run(run())


def test_a_batch_that_the_producer_cannot_take_at_once_is_sent_in_its_order_or_given_up_in_time(monkeypatch):
    """Brokers that have not told of the topic: the producer waits for them before it takes anything."""
    monkeypatch.setattr(lanes_file, "DELIVER_S_MAX", 0.1)

    async def run():
        kafka = ListKafka()
        kafka.knows = False
        door = made(kafka)
        calls = [door.readings(ANYBODY, readings(frame(seq=seq))) for seq in range(5)]
        assert await asyncio.gather(*calls) == [[None]] * 5
        (log,) = kafka.log.values()
        assert [json.loads(value)["seq"] for _, value in log] == list(range(5))
        kafka.flowing.clear()
        with pytest.raises(NotStored):
            await door.readings(ANYBODY, readings(frame(seq=5)))
        assert kafka.now == 1, "its producer was ended"
        kafka.flowing.set()
        await door.readings(ANYBODY, readings(frame(seq=6)))
        assert [json.loads(value)["seq"] for _, value in log] == [*range(5), 6]

    asyncio.run(run())


def test_a_producer_that_does_not_know_the_topic_has_nothing_of_a_batch_that_it_did_not_take():
    async def run():
        producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
        link = Link(Settings())
        link._producer = producer
        batch = link.batch()
        batch.append(timestamp=0, key=b"k", value=b"v")
        assert link.hand_over(batch, "unknown", 0) is None
        assert not producer._message_accumulator._batches
        await producer.stop()

    asyncio.run(run())
