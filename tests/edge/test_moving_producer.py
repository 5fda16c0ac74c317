"""The producer that follows the readings: what it counts over two topics, and that nothing is sent in between."""

import threading
from typing import ClassVar

import pytest
from waiting import wait_until

from edge import moving_producer
from edge.moving_producer import MovingProducer
from streams.config.settings import Settings
from streams.contracts.layout import Step, first_layout
from streams.errors import BrokerUnreachable

FIRST = first_layout("vigil")
OPEN = FIRST.after(Step.PREPARE, 1, 2).after(Step.DRAIN, 2).after(Step.MOVE, 3).after(Step.OPEN, 4)


class FakeProducer:
    """A producer of one topic; what it took is on its way until it is acknowledged."""

    made: ClassVar[list] = []

    def __init__(self, settings, use, topic):
        self.topic, self.sent, self.acknowledged, self.failed, self.is_closed = topic, [], 0, 0, False
        self.made.append(self)

    @property
    def in_flight(self):
        return len(self.sent) - self.acknowledged - self.failed

    def oldest_s(self):
        return 0.0

    def send(self, key, value):
        self.sent.append(value)
        return value

    def close(self):
        self.is_closed = True


class Followed:
    """How the readings lie, as a test says."""

    def __init__(self, settings, layout):
        self.layout = layout

    def start(self):
        """Follow nothing."""

    end = start


@pytest.fixture
def world(monkeypatch):
    """A producer, and the answers to whether all is forwarded: each question waits for one."""
    answers, asked = [], threading.Semaphore(0)

    def are_forwarded(settings, layout, wait_s, since):
        asked.release()
        wait_until(lambda: answers, "an answer")
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    FakeProducer.made = []
    monkeypatch.setattr(moving_producer, "Producer", FakeProducer)
    monkeypatch.setattr(moving_producer, "FollowedLayout", Followed)
    monkeypatch.setattr(moving_producer, "read_layout", lambda settings: FIRST)
    monkeypatch.setattr(moving_producer, "are_forwarded", are_forwarded)
    monkeypatch.setattr(moving_producer, "LOOK_S", 0.01)
    monkeypatch.setattr(moving_producer, "AGAIN_S", 0.01)
    monkeypatch.setattr(moving_producer, "UNSURE_S", 0.0)
    with MovingProducer(Settings()) as producer:
        yield producer, answers, asked
        answers += [False] * 9  # whoever still waits may end


def test_frames_wait_until_those_before_have_arrived_and_are_forwarded_and_all_are_counted(world):
    producer, answers, asked = world
    (first,) = FakeProducer.made
    assert producer.send(b"k", b"1") is not None
    producer._followed.layout = OPEN
    assert asked.acquire(timeout=5)
    assert producer.send(b"k", b"2") is not None, "nobody is held while what lies there is still forwarded"
    answers.append(True)
    wait_until(lambda: producer.send(b"k", b"3") is None or first.sent.pop() is None, "frames to be held")
    assert producer.in_flight == 2
    first.acknowledged, first.failed = 1, 1
    assert asked.acquire(timeout=5)
    assert producer.send(b"k", b"3") is None
    answers.append(True)
    wait_until(lambda: first.is_closed, "the other topic")
    assert producer.send(b"k", b"3") is not None
    second = FakeProducer.made[-1]
    assert (first.topic, second.topic) == ("vitals.readings", "vitals.readings.g1")
    assert (first.sent, second.sent) == ([b"1", b"2"], [b"3"])
    assert (producer.acknowledged, producer.failed, producer.in_flight) == (1, 1, 1)


@pytest.mark.parametrize("answer", [False, BrokerUnreachable("no broker"), ValueError("a fault of ours")])
def test_what_cannot_be_forwarded_now_goes_on_the_old_way_and_is_tried_again(world, answer):
    producer, answers, asked = world
    producer._followed.layout = OPEN
    answers += [True, answer]
    assert asked.acquire(timeout=5)
    assert asked.acquire(timeout=5)
    wait_until(lambda: producer.send(b"k", b"1") is not None, "frames to go on")
    assert FakeProducer.made[0].sent == [b"1"]
    FakeProducer.made[0].acknowledged = 1
    answers += [True, True]
    wait_until(lambda: FakeProducer.made[0].is_closed, "another try")


def test_frames_go_on_the_old_way_as_soon_as_they_were_held_for_too_long(world, monkeypatch):
    monkeypatch.setattr(moving_producer, "HELD_S_MAX", 0.05)
    producer, answers, asked = world
    producer._followed.layout = OPEN
    answers.append(True)
    assert asked.acquire(timeout=5)
    assert asked.acquire(timeout=5)  # and nobody answers
    wait_until(lambda: producer.send(b"k", b"1") is not None, "frames to go on")
    answers.append(True)
    wait_until(lambda: FakeProducer.made[-1].is_closed, "the answer that comes too late")
    assert FakeProducer.made[0].is_closed is False


def test_frames_stay_while_one_that_failed_may_still_arrive(world, monkeypatch):
    monkeypatch.setattr(moving_producer, "UNSURE_S", 60.0)
    producer, answers, _ = world
    (first,) = FakeProducer.made
    producer.send(b"k", b"1")
    first.failed = 1
    producer._followed.layout = OPEN
    answers += [True] * 3
    wait_until(lambda: len(FakeProducer.made) > 2, "another try", 5.0)
    assert first.is_closed is False


def test_frames_go_over_at_once_where_their_topic_is_gone_and_what_was_on_its_way_counts_as_failed(world):
    producer, _, _ = world
    (first,) = FakeProducer.made
    producer.send(b"k", b"1")
    producer._followed.layout = OPEN.after(Step.FINISH, 5)
    wait_until(lambda: first.is_closed, "the other topic", 5.0)
    assert (producer.failed, producer.in_flight) == (1, 0)
