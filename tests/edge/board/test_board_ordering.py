"""Commands that a page asks about again by their id are answered from what is known, and sent once."""

import asyncio
import threading

import pytest

from edge.board.ordering import KNOWN_MAX, SENDING_MAX, Desk
from edge.order_sending import make_order
from streams.config.settings import Settings
from streams.contracts.command import Answer
from streams.contracts.people import Person
from streams.errors import Busy

NURSE = Person(id="n1", role="nurse", wards=("*",))


def answer_to(order_id, patient="p1"):
    return Answer(
        id=order_id,
        patient=patient,
        command="pause",
        outcome="accepted",
        reason="done",
        offset=1,
        append_ts_ms=1,
    )


def asked(desk, order):
    return asyncio.run(desk.order(order, NURSE, wait_s=0.2))


def test_an_answer_that_came_after_its_time_is_there_when_the_page_asks_again():
    desk = Desk(Settings(brokers="127.0.0.1:1"), partitions=1)
    desk.answered([answer_to("late")])
    found = asked(desk, make_order("pause", NURSE, id="late", patient="p1"))
    assert found is not None
    assert (found.id, found.outcome) == ("late", "accepted")


def test_the_answer_about_another_patient_is_not_told():
    desk = Desk(Settings(brokers="127.0.0.1:1"), partitions=1)
    desk.answered([answer_to("late", "p2")])
    desk._sending = asyncio.Semaphore(0)  # nothing is sent in this test
    with pytest.raises(Busy, match="not sent"):
        asked(desk, make_order("pause", NURSE, id="late", patient="p1"))


def test_a_command_that_never_came_to_the_producer_is_said_not_to_be_sent_and_one_that_did_may_take_effect():
    sent = threading.Event()

    class Producing:
        def send(self, *_):
            sent.set()
            return Taken()

    class Taken:
        def get(self, timeout):
            return None

    desk = Desk(Settings(brokers="127.0.0.1:1"), partitions=1)
    desk._producer = Producing()
    assert asked(desk, make_order("pause", NURSE, id="one", patient="p1")) is None
    assert sent.is_set()
    free = threading.Event()
    busy = [desk._threads.submit(free.wait, 10) for _ in range(SENDING_MAX)]
    with pytest.raises(Busy, match="not sent"):
        asked(desk, make_order("pause", NURSE, id="two", patient="p1"))
    free.set()
    assert all(each.result() for each in busy)


def test_so_many_answers_are_remembered_and_no_more():
    desk = Desk(Settings(brokers="127.0.0.1:1"), partitions=1)
    desk.answered([answer_to(str(number)) for number in range(KNOWN_MAX + 7)])
    assert len(desk._known) == KNOWN_MAX
