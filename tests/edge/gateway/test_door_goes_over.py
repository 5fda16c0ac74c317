"""The door over a Kafka that is a list goes over to another topic: its order, whom it holds, what is lost."""

import asyncio

import pytest
from aiokafka.errors import KafkaError
from gateway_world import ANYBODY, frame, until
from list_kafka import PARTITIONS, ListKafka, made, readings

from edge.gateway import door as door_file
from streams.contracts.partitions import partition_of
from streams.errors import BrokerUnreachable, Busy, NotStored


def test_who_sends_while_the_door_goes_over_waits_until_all_that_went_the_old_way_is_forwarded():
    async def run():
        kafka, through = ListKafka(), asyncio.get_running_loop().create_future()
        door, asked_s = made(kafka), []

        async def forwarded(wait_s):
            asked_s.append(wait_s)
            return await through

        kafka.flowing.clear()
        first = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=1))))
        await until(lambda: kafka.sending)
        kafka.brokers_partitions = 3 * PARTITIONS
        moving = asyncio.create_task(door.move("new", forwarded))
        await asyncio.sleep(0)
        second = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=2))))
        await asyncio.sleep(0.05)  # whatever it might do wrong it would have done
        assert (kafka.went, asked_s) == ([], [])
        kafka.flowing.set()
        assert await first == [None]
        await until(lambda: asked_s)
        await asyncio.sleep(0.05)
        assert len(kafka.went) == 1
        through.set_result(True)
        assert (await moving, await second) == (True, [None])
        assert kafka.went == [
            ("vitals.readings", partition_of("bed-1", PARTITIONS), frame(seq=1)),
            ("new", partition_of("bed-1", 3 * PARTITIONS), frame(seq=2)),
        ]
        assert asked_s == [door_file.HELD_S_MAX]
        assert kafka.followed == "new"

    asyncio.run(run())


@pytest.mark.parametrize("arrives", [True, False])
def test_a_door_that_cannot_go_over_now_lets_all_go_on_the_old_way(monkeypatch, arrives):
    monkeypatch.setattr(door_file, "HELD_S_MAX", 0.05)

    async def run():
        kafka, asked = ListKafka(), []
        door = made(kafka)

        async def forwarded(wait_s):
            asked.append(wait_s)
            return False

        if not arrives:
            kafka.flowing.clear()
        first = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=1))))
        await until(lambda: kafka.sending)
        moving = asyncio.create_task(door.move("new", forwarded))
        await asyncio.sleep(0)
        second = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=2))))
        assert not await moving
        assert len(asked) == arrives  # what has not arrived cannot have been forwarded
        kafka.flowing.set()
        assert [await first, await second] == [[None], [None]]
        assert [(topic, value) for topic, _, value in kafka.went] == [
            ("vitals.readings", frame(seq=1)),
            ("vitals.readings", frame(seq=2)),
        ]

    asyncio.run(run())


def test_senders_are_let_on_when_it_cannot_be_seen_whether_all_is_forwarded():
    async def run():
        kafka = ListKafka()
        door = made(kafka)

        async def forwarded(wait_s):
            raise BrokerUnreachable("no broker")

        with pytest.raises(BrokerUnreachable):
            await door.move("new", forwarded)
        assert await door.readings(ANYBODY, readings(frame())) == [None]
        assert [topic for topic, _, _ in kafka.went] == ["vitals.readings"]

    asyncio.run(run())


def test_senders_are_let_on_in_time_though_nobody_says_whether_all_is_forwarded(monkeypatch):
    monkeypatch.setattr(door_file, "HELD_S_MAX", 0.05)

    async def run():
        kafka = ListKafka()
        door = made(kafka)

        async def forwarded(wait_s):
            return await asyncio.get_running_loop().create_future()  # brokers that do not answer

        moving = asyncio.create_task(door.move("new", forwarded))
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await door.readings(ANYBODY, readings(frame())) == [None]
            assert not await moving
        assert [topic for topic, _, _ in kafka.went] == ["vitals.readings"]

    asyncio.run(run())


def test_a_door_stays_while_what_it_gave_up_may_still_arrive(monkeypatch):
    async def run():
        kafka, asked = ListKafka(), []
        door = made(kafka)

        async def forwarded(wait_s):
            asked.append(wait_s)
            return True

        kafka.ends = [KafkaError(), KafkaError(), KafkaError()]
        with pytest.raises(NotStored):
            await door.readings(ANYBODY, readings(frame(seq=1)))
        assert not await door.move("new", forwarded)
        assert asked == []
        monkeypatch.setattr(door_file, "UNSURE_S", 0.0)
        assert await door.move("new", forwarded)

    asyncio.run(run())


def test_a_door_whose_topic_is_gone_goes_over_at_once_and_says_that_what_was_on_its_way_is_not_stored(
    monkeypatch,
):
    monkeypatch.setattr(door_file, "HELD_S_MAX", 0.05)

    async def run():
        kafka = ListKafka()
        door = made(kafka)
        kafka.flowing.clear()
        first = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=1))))
        await until(lambda: kafka.sending)
        assert await door.move("new", None)
        with pytest.raises(NotStored):
            await first
        kafka.busy.clear()
        kafka.flowing.set()
        assert await door.readings(ANYBODY, readings(frame(seq=1))) == [None]
        assert kafka.went[-1][0] == "new"

    asyncio.run(run())


def test_no_more_is_held_than_may_be_on_its_way():
    async def run():
        kafka, through = ListKafka(), asyncio.get_running_loop().create_future()
        door = made(kafka, gateway_records_max=2, gateway_client_share=1.0)

        async def forwarded(wait_s):
            return await through

        moving = asyncio.create_task(door.move("new", forwarded))
        await asyncio.sleep(0)
        held = [asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=n)))) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await door.readings(ANYBODY, readings(frame(seq=2)))
        through.set_result(True)
        assert await moving
        assert await asyncio.gather(*held) == [[None], [None]]
        assert door.room.records == 0

    asyncio.run(run())
