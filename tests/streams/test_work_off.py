"""Blocks are worked off turn by turn, and nothing escapes that would count a block as done."""

import asyncio
from types import SimpleNamespace

import pytest

from streams.lane.block import Block
from streams.lane.work_off import work_off


class Stream:
    """Faust's stream of one event, whose blocks are those of a fetch, turn by turn."""

    def __init__(self, turns):
        self.acked = 0
        self._turns = turns

    def noack(self):
        return self

    async def events(self):
        yield SimpleNamespace(value=SimpleNamespace(value=self._turns), ack=self._ack)

    def _ack(self):
        self.acked += 1


def block(partition, *offsets):
    records = [SimpleNamespace(offset=offset, timestamp=0) for offset in offsets]
    return Block("vitals.readings", partition, records)


def worked_off(turns, work, admit=None):
    failures, stream = [], Stream(turns)

    async def everything(block):
        return block.value

    asyncio.run(work_off(stream, admit or everything, work, failures.append))
    return stream, failures


def offsets_of(admitted):
    return [(block.partition, [record.offset for record in records]) for block, records in admitted]


def test_the_blocks_of_a_turn_are_worked_off_together_and_turns_in_order():
    seen = []

    async def work(admitted):
        seen.append(offsets_of(admitted))

    stream, failures = worked_off([[block(0, 1, 2), block(1, 5)], [block(0, 3)]], work)
    assert seen == [[(0, [1, 2]), (1, [5])], [(0, [3])]]
    assert (stream.acked, failures) == (1, [])


def test_what_is_not_admitted_is_not_worked_off():
    seen = []

    async def work(admitted):
        seen.append(offsets_of(admitted))

    async def only_partition_1(block):
        return block.value if block.partition == 1 else None

    worked_off([[block(0, 1), block(1, 5)], [block(0, 2)]], work, only_partition_1)
    assert seen == [[(1, [5])]]


def test_a_block_whose_records_came_before_is_still_next():
    seen = []

    async def work(admitted):
        seen.append(offsets_of(admitted))

    async def nothing_of_it(block):
        return []

    worked_off([[block(0, 1)]], work, nothing_of_it)
    assert seen == [[(0, [])]]


@pytest.mark.parametrize("failing", ["admit", "work"])
def test_what_fails_stops_the_process_and_no_later_block_is_worked_off(failing):
    seen = []

    async def work(admitted):
        seen.append(offsets_of(admitted))
        if failing == "work":
            raise ValueError("a fault")

    async def admit(block):
        if failing == "admit":
            raise ValueError("a fault")
        return block.value

    stream, failures = worked_off([[block(0, 1)], [block(0, 2)]], work, admit)
    assert failures == ["a block could not be worked off: ValueError('a fault')"]
    assert stream.acked == 0
    assert seen == ([[(0, [1])]] if failing == "work" else [])


def test_blocks_let_go_of_their_records_when_they_are_done():
    async def work(admitted):
        pass

    blocks = [block(0, 1)]
    worked_off([blocks], work)
    assert blocks[0].value == []
