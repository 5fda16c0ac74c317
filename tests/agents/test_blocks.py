"""Which blocks of a fetch are worked off at once."""

from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from agents.blocks import together
from streams.block import Block

RECORDS_MAX = 10


def block(partition, records):
    return Block("readings", partition, [SimpleNamespace(offset=i, timestamp=0) for i in range(records)])


blocks = st.lists(st.builds(block, st.integers(0, 3), st.integers(1, RECORDS_MAX + 2)))


@given(blocks)
def test_every_block_is_worked_off_once_and_in_order(found):
    assert [one for chosen in together(found, RECORDS_MAX) for one in chosen] == found


@given(blocks)
def test_what_is_worked_off_at_once_is_of_different_partitions_and_not_more_than_a_block_holds(found):
    for chosen in together(found, RECORDS_MAX):
        partitions = [one.partition for one in chosen]
        assert len(set(partitions)) == len(partitions)
        assert len(chosen) == 1 or sum(len(one.value) for one in chosen) <= RECORDS_MAX


@given(blocks)
def test_as_much_as_may_be_is_worked_off_at_once(found):
    for chosen, following in pairwise(together(found, RECORDS_MAX)):
        records = sum(len(one.value) for one in [*chosen, following[0]])
        assert records > RECORDS_MAX or following[0].partition in {one.partition for one in chosen}
