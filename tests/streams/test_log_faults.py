"""Faults of a partition's log: tried again with a bound, told when they last, over when the log was read past them."""

import logging

import pytest

from streams.lane.log_faults import (
    HELD_S_MAX,
    RETRY_S_FIRST,
    RETRY_S_MAX,
    TOLD_TRIES,
    Gone,
    LogFaults,
)

ONE, TWO = "one", "two"
WRONG = ValueError("a wrong checksum")


class World:
    def __init__(self):
        self.now_s, self.lost = 100.0, []
        self.faults = LogFaults(lambda: self.now_s)

    def fail(self, offset=7, error=WRONG, tp=ONE):
        self.faults.cannot_open(tp, offset, error)


def test_a_batch_that_cannot_be_opened_is_left_alone_for_longer_and_longer_up_to_a_bound():
    world, waits = World(), []
    for _ in range(9):
        world.fail()
        begun_s = world.now_s
        while ONE in world.faults.resting():
            world.now_s += RETRY_S_FIRST / 2
        waits.append(world.now_s - begun_s)
    assert waits[:3] == [RETRY_S_FIRST, 2 * RETRY_S_FIRST, 4 * RETRY_S_FIRST]
    assert max(waits) == waits[-1] == RETRY_S_MAX
    assert world.faults.stops(ONE)
    assert not world.faults.stops(TWO)


def test_no_number_of_tries_is_too_many():
    world = World()
    for _ in range(3_000):
        world.fail()
    assert world.faults.to_tell()[ONE].wait_s == RETRY_S_MAX


def test_one_damaged_response_is_logged_and_told_nobody():
    world = World()
    world.fail()
    assert world.faults.to_tell() == {}
    for _ in range(TOLD_TRIES - 1):
        world.fail()
    assert [(tp, fault.offset, fault.why) for tp, fault in world.faults.to_tell().items()] == [
        (ONE, 7, "a wrong checksum")
    ]


@pytest.mark.parametrize(("end", "is_over"), [(7, False), (8, True)])
def test_it_is_over_when_the_log_was_read_past_it_not_up_to_it(end, is_over):
    world = World()
    world.fail()
    world.faults.read(ONE, end)
    assert world.faults.stops(ONE) is not is_over


def test_another_batch_is_another_fault_with_tries_of_its_own():
    world = World()
    for offset in (7, 7, 9):
        world.fail(offset)
    assert world.faults.to_tell() == {}


def test_an_error_without_words_is_told_by_its_kind():
    world = World()
    for _ in range(TOLD_TRIES):
        world.fail(error=EOFError())
    assert world.faults.to_tell()[ONE].why == "EOFError"


def test_an_open_transaction_is_told_when_it_lasts_and_over_when_it_ends():
    world = World()
    world.faults.held(ONE, 5)
    world.now_s += HELD_S_MAX
    world.faults.held(ONE, 5)
    assert world.faults.stops(ONE)
    assert world.faults.to_tell() == {}
    world.now_s += 1
    assert "still open" in world.faults.to_tell()[ONE].why
    assert world.faults.resting() == frozenset()
    world.faults.held(ONE, 9)  # another one
    assert world.faults.to_tell() == {}
    world.faults.held(ONE, None)
    assert not world.faults.stops(ONE)


def test_no_transaction_says_that_a_damaged_batch_can_be_opened():
    world = World()
    world.fail()
    world.faults.held(ONE, None)
    world.faults.held(ONE, 3)
    world.fail()
    assert [fault.why for fault in world.faults.to_tell().values()] == ["a wrong checksum"]
    world.faults.held(TWO, 3)
    world.fail(tp=TWO)
    assert TWO in world.faults.resting()


def test_records_that_are_gone_are_an_error_once_with_their_offsets(caplog):
    world = World()
    with caplog.at_level(logging.ERROR):
        for first, end in ((5, 8), (5, 8), (9, 9), (5, 12)):
            world.lost.append(world.faults.gone(ONE, first, end))
    assert [gone for gone in world.lost if gone] == [Gone(ONE, 5, 8), Gone(ONE, 8, 12)]
    assert "one: records 5 to 7 were deleted before they were judged" in caplog.messages


def test_partitions_that_are_somebody_elses_are_forgotten():
    world = World()
    world.fail()
    world.faults.gone(ONE, 5, 8)
    world.faults.forget([ONE, TWO])
    assert not world.faults.stops(ONE)
    assert world.faults.gone(ONE, 5, 8) == Gone(ONE, 5, 8)
