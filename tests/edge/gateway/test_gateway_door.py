"""The door over a Kafka that is a list: order, batches, refused records, producers that end, bounds."""

import asyncio
import contextlib
import json

import pytest
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, UnknownError
from door_world import PARTITIONS, ListKafka, made, readings
from gateway_world import ANYBODY, frame, until
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.gateway import door as door_file
from edge.gateway import lanes as lanes_file
from edge.gateway.accept import Sender
from edge.gateway.link import END_S_MAX
from edge.gateway.refiler import STORE_MS_MAX
from edge.gateway.room import BYTES_EACH, Room
from streams.errors import Busy, NotStored
from streams.partitions import partition_of
from streams.topics import ALERTS


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


def test_of_a_call_whose_beginning_was_not_stored_the_rest_is_not_sent():
    async def run():
        kafka = ListKafka()
        kafka.ends = [KafkaError()] * 3
        door = made(kafka)
        texts = [frame(seq=seq) for seq in range(100)]
        with pytest.raises(NotStored):
            await door.readings(ANYBODY, readings(*texts))
        # It would stand before the frames that its sender now sends again.
        assert kafka.log == {}
        assert await door.readings(ANYBODY, readings(*texts)) == [None] * 100
        (log,) = kafka.log.values()
        assert [value for _, value in log] == texts

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

    async def send_and_wait(self, topic, value, key):
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
