"""The door over a Kafka that is a list: order, batches, refused records, producers that end, bounds."""

import asyncio
import contextlib
import json

import pytest
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from gateway_world import ANYBODY, frame, until
from hypothesis import given, settings
from hypothesis import strategies as st
from list_kafka import PARTITIONS, ListKafka, made, readings

from edge.gateway import door as door_file
from edge.gateway.accept import Sender
from edge.gateway.room import BYTES_EACH, Room
from streams.contracts.partitions import partition_of
from streams.errors import Busy, NotStored


def test_a_frame_goes_to_its_patients_partition_as_it_came():
    async def run():
        kafka = ListKafka()
        texts = [frame(patient=f"bed-{n}", device=f"mon-{n}", seq=n) for n in range(50)]
        assert await made(kafka).readings(ANYBODY, readings(*texts)) == [None] * 50
        found = {value: (key, partition) for partition, log in kafka.log.items() for key, value in log}
        assert found == {
            text: (f"bed-{n}".encode(), partition_of(f"bed-{n}", PARTITIONS)) for n, text in enumerate(texts)
        }

    asyncio.run(run())


def test_a_frame_that_names_nobody_or_whose_sender_may_not_name_is_filed_by_its_device():
    async def run():
        kafka = ListKafka()
        tied = Sender("mon-a", ("mon-a",))
        bare = frame().replace(b'"patient": "bed-1", ', b"")
        assert await made(kafka).readings(tied, readings(bare, frame(seq=8))) == [None, None]
        (log,) = kafka.log.values()
        assert [key for key, _ in log] == [b"~device/mon-a"] * 2
        written = [json.loads(value) for _, value in log]
        assert [(one["patient"], one["seq"]) for one in written] == [
            ("~device/mon-a", 7),
            ("~device/mon-a", 8),
        ]
        assert written[0].keys() == json.loads(frame()).keys()

    asyncio.run(run())


def test_a_device_of_others_is_refused_and_its_neighbours_are_taken():
    async def run():
        kafka = ListKafka()
        sender = Sender("ward", ("mon-*",), names_patients=True)
        texts = [frame(seq=1), frame(device="pump-1"), frame(seq=2)]
        found = await made(kafka).readings(sender, readings(*texts))
        assert [one and one.reason for one in found] == [None, "foreign-device", None]
        assert [value for log in kafka.log.values() for _, value in log] == [texts[0], texts[2]]

    asyncio.run(run())


def test_what_comes_while_a_batch_is_on_its_way_goes_together_afterwards():
    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka)
        calls = [asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=seq)))) for seq in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        kafka.flowing.set()
        await asyncio.gather(*calls)
        assert sum(kafka.batches) == 10
        assert len(kafka.batches) <= 2
        (log,) = kafka.log.values()
        assert [json.loads(value)["seq"] for _, value in log] == list(range(10))

    asyncio.run(run())


def test_a_call_that_does_not_fit_one_batch_is_cut_and_answered_once():
    async def run():
        kafka = ListKafka()
        texts = [frame(seq=seq) for seq in range(200)]
        assert await made(kafka).readings(ANYBODY, readings(*texts)) == [None] * 200
        (log,) = kafka.log.values()
        assert [value for _, value in log] == texts
        assert len(kafka.batches) > 5

    asyncio.run(run())


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=6), min_size=1, max_size=5))
def test_only_records_that_the_broker_does_not_want_are_refused_and_order_stays(calls):
    async def run():
        kafka = ListKafka()
        kafka.too_large = 300
        door = made(kafka)
        number = iter(range(1_000))
        texts = [
            [
                frame(patient=f"bed-{bed}", device=f"mon-{bed}", seq=next(number))[:-1]
                + (b" " * 300 if large else b"")
                + b"}"
                for bed, large in call
            ]
            for call in calls
        ]
        answers = await asyncio.gather(*(door.readings(ANYBODY, readings(*call)) for call in texts))
        for call, answer in zip(texts, answers, strict=True):
            assert [one and one.reason for one in answer] == [
                "refused-by-kafka" if len(text) > 300 else None for text in call
            ]
        for log in kafka.log.values():
            seqs = [json.loads(value)["seq"] for _, value in log]
            assert seqs == sorted(seqs)
        assert sum(map(len, kafka.log.values())) == sum(len(t) <= 300 for call in texts for t in call)

    asyncio.run(run())


def test_a_producer_that_has_ended_is_replaced_and_the_batch_sent_again():
    async def run():
        kafka = ListKafka()
        kafka.ends = [OutOfOrderSequenceNumber(), KafkaError()]
        assert await made(kafka).readings(ANYBODY, readings(frame())) == [None]
        assert kafka.now == 2
        kafka.ends = [KafkaError()] * 9
        with pytest.raises(NotStored, match="send it again"):
            await made(kafka).readings(ANYBODY, readings(frame()))

    asyncio.run(run())


def test_without_an_acknowledgement_it_is_not_stored_and_what_waits_is_let_go(monkeypatch):
    monkeypatch.setattr(door_file, "ACK_S_MAX", 0.1)

    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka)
        calls = [asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=0))))]
        await until(lambda: kafka.busy)
        calls += [
            asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=seq)))) for seq in range(1, 5)
        ]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, NotStored) for one in found)
        assert (door.room.records, door.room.bytes) == (0, 0)
        kafka.flowing.set()
        monkeypatch.setattr(door_file, "ACK_S_MAX", 10.0)
        assert await door.readings(ANYBODY, readings(frame(seq=9))) == [None]
        (log,) = kafka.log.values()
        # What was with the producer arrives; what nobody waits for any more is not sent.
        assert [json.loads(value)["seq"] for _, value in log] == [0, 9]

    asyncio.run(run())


def test_while_kafka_stands_still_nothing_more_is_taken_in(monkeypatch):
    monkeypatch.setattr(door_file, "STALLED_S", 0.05)

    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka)
        first = asyncio.create_task(door.readings(ANYBODY, readings(frame())))
        await until(lambda: not door.flows())
        with pytest.raises(Busy) as told:
            await door.readings(ANYBODY, readings(frame(seq=8)))
        assert told.value.kafka
        kafka.flowing.set()
        assert await first == [None]
        assert door.flows()
        assert await door.readings(ANYBODY, readings(frame(seq=8))) == [None]

    asyncio.run(run())


def test_one_sender_fills_its_share_and_others_still_find_room():
    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka, gateway_records_max=10, gateway_client_share=0.5)
        other = Sender("other", ("*",), names_patients=True)
        calls = [asyncio.create_task(door.readings(ANYBODY, readings(*[frame(seq=s)] * 5))) for s in range(1)]
        await asyncio.sleep(0)
        with pytest.raises(Busy) as told:
            await door.readings(ANYBODY, readings(frame(seq=9)))
        assert not told.value.kafka
        calls.append(asyncio.create_task(door.readings(other, readings(*[frame(seq=10)] * 5))))
        await asyncio.sleep(0)
        with pytest.raises(Busy) as told:
            await door.readings(Sender("third", ("*",)), readings(frame(seq=11)))
        assert told.value.kafka
        kafka.flowing.set()
        await asyncio.gather(*calls)
        assert door.room.records == 0

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30), st.integers(0, 5_000)), max_size=40))
def test_room_is_never_overfilled_and_all_of_it_comes_back(asked):
    room = Room(60, 20_000, 0.5)
    taken = []
    for sender, records, size_bytes in asked:
        with contextlib.suppress(Busy):
            taken.append((sender, records, room.take(sender, records, size_bytes)))
        assert room.records <= 60
        assert room.bytes <= 20_000
    assert room.bytes >= room.records * BYTES_EACH
    for one in taken:
        room.give_back(*one)
    assert (room.records, room.bytes, room._of) == (0, 0, {})


def test_new_partitions_are_followed():
    async def run():
        kafka = ListKafka()
        door = made(kafka)
        await door.readings(ANYBODY, readings(frame()))
        kafka.brokers_partitions = 9
        door.look_at_partitions()
        kafka.log.clear()
        await door.readings(ANYBODY, readings(frame()))
        assert list(kafka.log) == [partition_of("bed-1", 9)]

    asyncio.run(run())


def test_stopping_lets_arrive_what_is_on_its_way_and_gives_up_the_rest():
    async def run():
        kafka = ListKafka()
        kafka.flowing.clear()
        door = made(kafka)
        call = asyncio.create_task(door.readings(ANYBODY, readings(frame())))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(door.stop(5))
        await asyncio.sleep(0)
        kafka.flowing.set()
        await stopping
        assert await call == [None]
        kafka.flowing.clear()
        call = asyncio.create_task(door.readings(ANYBODY, readings(frame(seq=8))))
        await asyncio.sleep(0)
        await door.stop(0.05)
        with pytest.raises(NotStored):
            await call

    asyncio.run(run())
