"""What agents and the lane say to each other: what a reader answers by default, and when a partition can go on."""

import asyncio

import pytest

from streams.lane.protocol import Lag, Reader


async def nothing(admitted):
    """Take nothing."""


def test_a_reader_that_keeps_no_state_goes_on_at_what_is_committed():
    committed = {0: 5, 3: 0}
    assert Reader("commands", nothing).resume_at(committed, {0: 0, 3: 0}) == committed


def test_a_reader_that_keeps_no_state_has_nothing_to_hand_over():
    assert asyncio.run(Reader("commands", nothing).hand_over()) is None


@pytest.mark.parametrize(
    ("records", "is_stopped", "can_go_on"),
    [(0, False, False), (3, False, True), (3, True, False), (0, True, False)],
)
def test_a_partition_can_go_on_where_records_wait_that_the_log_lets_through(records, is_stopped, can_go_on):
    assert Lag(7, records, is_stopped, 7).can_go_on is can_go_on
