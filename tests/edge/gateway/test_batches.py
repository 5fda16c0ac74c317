"""Messages of MQTT: what of them is stored, what becomes a dead letter, and how each is acknowledged."""

import asyncio
import json

import pytest
from gateway_world import ANYBODY, RecordingDoor, frame

from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.mqtt import batches as module
from edge.gateway.mqtt.batches import LETTER_BYTES_MAX, Batches
from edge.gateway.mqtt.session import Message
from edge.gateway.mqtt.topic_map import TopicMap
from streams.contracts.topics import DEAD_LETTERS
from streams.errors import Busy, NotStored

TOPICS = TopicMap([("vitals/{device}/frames", ANYBODY), ("box/+", ANYBODY)])
TOPIC = "vitals/mon-a/frames"


def settled(door, *messages, topics=TOPICS, metrics=None):
    """Return the acknowledgements of messages, each (topic, payload)."""
    counted = (metrics or GatewayMetrics()).protocol("mqtt")
    given = [Message(mid, topic, payload) for mid, (topic, payload) in enumerate(messages, 1)]
    return asyncio.run(Batches(door, counted).settle(given, topics.route))


def letters_of(door):
    """Return key, value and reason of each dead letter."""
    assert {topic for topic, *_ in door.stored} <= {DEAD_LETTERS}
    return [(key, value) for _, key, value in door.stored]


@pytest.mark.parametrize(
    ("payload", "frames"),
    [
        (frame(seq=1), 1),
        (json.dumps(json.loads(frame(seq=1)), indent=1).encode(), 1),
        (frame(seq=1) + b"\n", 1),
        (frame(seq=1) + b"\n" + frame(seq=2) + b"\n", 2),
        (b"[" + frame(seq=1) + b"," + frame(seq=2) + b"]", 2),
    ],
)
def test_a_message_is_one_frame_or_an_array_or_a_frame_a_line(payload, frames):
    door = RecordingDoor()
    assert settled(door, (TOPIC, payload)) == [(1, 0)]
    assert len(door.given) == frames
    assert not door.stored


def test_a_device_that_is_left_out_is_that_of_the_topic():
    door = RecordingDoor()
    assert settled(door, (TOPIC, b'{"event_ts_ms":1000,"boot":1,"seq":2,"hr":60}')) == [(1, 0)]
    (reading,) = door.given
    assert (reading.frame.device, reading.raw) == ("mon-a", None)


def test_a_device_that_is_left_out_where_the_topic_has_none_is_refused():
    door = RecordingDoor()
    assert settled(door, ("box/7", b'{"event_ts_ms":1000,"boot":1,"seq":2,"hr":60}')) == [(1, 0x99)]
    assert not door.given
    assert letters_of(door)


def test_a_device_sends_only_for_itself():
    door = RecordingDoor()
    payload = frame(device="mon-b")
    assert settled(door, (TOPIC, payload)) == [(1, 0x87)]
    assert not door.given
    assert letters_of(door) == [(TOPIC.encode(), payload)]


def test_what_the_door_refuses_is_a_dead_letter_too():
    door = RecordingDoor()
    assert settled(door, ("box/7", frame(device="foreign"))) == [(1, 0x87)]
    assert letters_of(door) == [(b"box/7", frame(device="foreign"))]


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("elsewhere", frame(), 0x90),
        (TOPIC, b"hello", 0x99),
        (TOPIC, b"", 0x99),
        (TOPIC, b"[]", 0x99),
        (TOPIC, b"[1", 0x99),
        (TOPIC, frame(hr="x"), 0x99),
        (TOPIC, b"\xff\xfe", 0x99),
        (TOPIC, b'{"x":"' + b"y" * 100_000 + b'"}', 0x97),
    ],
)
def test_what_is_refused_is_acknowledged_with_a_reason_and_kept(topic, payload, code):
    door, metrics = RecordingDoor(), GatewayMetrics()
    assert settled(door, (topic, payload), metrics=metrics) == [(1, code)]
    assert not door.given
    assert letters_of(door) == [(topic.encode(), payload[:LETTER_BYTES_MAX])]
    counted = next(iter(metrics.refused.collect())).samples
    assert sum(one.value for one in counted if one.name.endswith("_total")) == 1


def test_of_a_message_of_which_a_part_is_refused_the_rest_is_stored_and_it_is_taken():
    door = RecordingDoor()
    lines = b"\n".join([frame(seq=1), b'{"x":}', frame(seq=3)])
    assert settled(door, (TOPIC, lines)) == [(1, 0)]
    assert [one.frame.seq for one in door.given] == [1, 3]
    assert letters_of(door) == [(TOPIC.encode(), b'{"x":}')]


def test_messages_of_one_client_go_through_the_door_together_in_their_order():
    door = RecordingDoor()
    assert settled(door, *((TOPIC, frame(seq=seq)) for seq in range(5))) == [(mid, 0) for mid in range(1, 6)]
    assert [one.frame.seq for one in door.given] == list(range(5))
    assert len(door.senders) == 1


def test_each_client_stands_for_its_own_topics():
    ward, lab = Sender("ward", ("mon-*",)), Sender("lab", ("*",))
    topics = TopicMap([("w/{device}", ward), ("l/{device}", lab)])
    door = RecordingDoor()
    settled(door, ("w/mon-a", frame()), ("l/mon-a", frame()), ("w/mon-a", frame(seq=8)), topics=topics)
    assert door.senders == [ward, lab]


def test_a_message_without_numbers_is_the_same_reading_when_it_comes_again():
    payload = b'{"device":"mon-a","event_ts_ms":1000,"hr":60}'
    doors = [RecordingDoor(), RecordingDoor()]
    for door in doors:
        settled(door, (TOPIC, payload))
    first, again = (door.given[0].frame for door in doors)
    assert first == again
    assert first.boot == 0


def test_a_message_of_qos_0_is_stored_and_not_acknowledged():
    door = RecordingDoor()
    counted = GatewayMetrics().protocol("mqtt")
    assert asyncio.run(Batches(door, counted).settle([Message(0, TOPIC, frame())], TOPICS.route)) == []
    assert len(door.given) == 1


@pytest.mark.parametrize("error", [Busy("no room", 0.01), NotStored("silence")])
def test_what_kafka_does_not_take_is_tried_again_and_then_acknowledged(error):
    door = RecordingDoor()
    door.raises = [error]
    assert settled(door, (TOPIC, frame())) == [(1, 0)]
    assert len(door.given) == 1
    assert len(door.senders) == 2


def test_what_kafka_does_not_take_for_long_is_not_acknowledged(monkeypatch):
    monkeypatch.setattr(module, "HOLD_S_MAX", 0.1)
    door = RecordingDoor()
    door.raises = [Busy("no room", 0.01)] * 100
    with pytest.raises(Busy):
        settled(door, (TOPIC, frame()))
    assert not door.given


def test_a_client_does_not_wait_for_room_that_another_one_has_not(monkeypatch):
    monkeypatch.setattr(module, "HOLD_S_MAX", 2.0)

    class OneAfterTheOther(RecordingDoor):
        async def readings(self, sender, readings, wait_s=None):
            if sender.name == "ward" and not self.given:
                raise Busy("no room", 0.01)
            return await super().readings(sender, readings, wait_s)

    topics = TopicMap([("w/{device}", Sender("ward", ("*",))), ("l/{device}", Sender("lab", ("*",)))])
    door = OneAfterTheOther()
    assert settled(door, ("w/mon-a", frame()), ("l/mon-a", frame()), topics=topics) == [(1, 0), (2, 0)]
    assert [one.name for one in door.senders] == ["lab", "ward"]


def test_of_many_dead_letters_no_more_than_the_bound_are_on_their_way():
    class Slow(RecordingDoor):
        now = most = 0

        async def store(self, topic, key, value, headers=()):
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            await super().store(topic, key, value, headers)

    door, empty = Slow(), b"\n".join([b"{}"] * 10_000)
    assert settled(door, (TOPIC, empty)) == [(1, 0x99)]
    assert (len(door.stored), door.most) == (10_000, module.LETTERS_AT_ONCE)


def test_a_dead_letter_that_finds_no_room_is_tried_again_alone():
    class Crowded(RecordingDoor):
        async def store(self, topic, key, value, headers=()):
            if self.raises:
                raise self.raises.pop(0)
            await super().store(topic, key, value, headers)

    door = Crowded()

    async def scenario():
        counted = GatewayMetrics().protocol("mqtt")
        given = [Message(1, TOPIC, b"one"), Message(2, TOPIC, b"two")]
        door.raises = [Busy("no room", 0.01)]
        return await Batches(door, counted).settle(given, TOPICS.route)

    assert asyncio.run(scenario()) == [(1, 0x99), (2, 0x99)]
    assert sorted(value for _, value in letters_of(door)) == [b"one", b"two"]


def test_a_reader_that_fails_on_a_message_holds_up_no_other(caplog):
    def read(payload, device):
        raise ValueError("quotes a patient")

    door = RecordingDoor()
    topics = TopicMap([("vitals/{device}/frames", ANYBODY)], [("odd/#", ANYBODY, read)])
    assert settled(door, ("odd/1", b"x"), (TOPIC, frame(seq=1)), topics=topics) == [(1, 0x83), (2, 0)]
    assert letters_of(door) == [(b"odd/1", b"x")]
    assert "patient" not in caplog.text
