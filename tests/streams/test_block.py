"""How what a fetch brought is divided into turns, each of blocks that are worked off at once."""

from itertools import pairwise

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from lane_model import READINGS, Record

from streams.lane.block import turns
from streams.lane.fetched import Stretch

fetches = st.dictionaries(
    st.integers(0, 9).map(lambda partition: TP(READINGS, partition)),
    st.integers(0, 30).map(lambda n: Stretch([Record(offset) for offset in range(n)], 0, n + 2)),
    min_size=1,
)
limits = st.integers(1, 40)


@given(fetches, limits)
def test_every_record_is_worked_off_once_and_in_order(fetched, records_max):
    found = {tp: [] for tp in fetched}
    for turn in turns(fetched, records_max):
        for block in turn:
            found[TP(block.topic, block.partition)] += block.value
    assert found == fetched


@given(fetches, limits)
def test_blocks_cover_all_that_was_read_each_where_the_one_before_it_ended(fetched, records_max):
    blocks = [block for turn in turns(fetched, records_max) for block in turn]
    for tp, stretch in fetched.items():
        mine = [block for block in blocks if block.partition == tp.partition]
        assert [block.first for block in mine] == [stretch.first, *(b.offset + 1 for b in mine[:-1])]
        assert mine[-1].offset == stretch.end - 1
        assert len(mine) == max(1, -(-len(stretch) // records_max))


@given(fetches, limits)
def test_a_turn_has_one_block_of_a_partition_and_no_more_records_than_are_judged_at_once(
    fetched, records_max
):
    for turn in turns(fetched, records_max):
        partitions = [block.partition for block in turn]
        assert turn
        assert len(set(partitions)) == len(partitions)
        assert sum(len(block.value) for block in turn) <= records_max


@given(fetches, limits)
def test_as_much_as_may_be_is_worked_off_at_once(fetched, records_max):
    for turn, following in pairwise(turns(fetched, records_max)):
        records = sum(len(block.value) for block in [*turn, following[0]])
        assert records > records_max or following[0].partition in {block.partition for block in turn}


@given(fetches, limits)
def test_partitions_take_turns_block_by_block(fetched, records_max):
    found = [
        (block.first // records_max, block.partition)
        for turn in turns(fetched, records_max)
        for block in turn
    ]
    place = {tp.partition: i for i, tp in enumerate(fetched)}
    assert found == sorted(found, key=lambda one: (one[0], place[one[1]]))


@given(fetches, st.integers(1, 9))
def test_blocks_remember_how_often_the_lane_had_been_rewound(fetched, rewinds):
    assert {block.rewinds for turn in turns(fetched, 5, rewinds) for block in turn} == {rewinds}
