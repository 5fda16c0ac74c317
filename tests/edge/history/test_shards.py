"""Which readings the history keeps of several generations, and what it calls their partitions."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from edge.history.shards import generations_of, shard_of, without_copies
from streams.config.settings import Settings
from streams.contracts.layout import PARTITIONS_MAX, Step, first_layout
from streams.contracts.origin import Origin, with_origin

ONE = first_layout("vigil")
PREPARED = ONE.after(Step.PREPARE, 1, 2)
MOVED = PREPARED.after(Step.DRAIN, 2).after(Step.MOVE, 3)
SETTLED = MOVED.after(Step.OPEN, 4).after(Step.FINISH, 5)


def record(offset, *origins):
    headers = []
    for origin in origins:
        headers = with_origin(headers, Origin(*origin))
    return SimpleNamespace(offset=offset, headers=headers)


def kept(records, read=(), positions=()):
    return [one.offset for one in without_copies(records, read, dict(positions))]


def test_readings_that_were_never_scaled_have_their_partitions_own_numbers():
    assert [shard_of(0, partition) for partition in range(3)] == [0, 1, 2]
    assert shard_of(0, PARTITIONS_MAX - 1) + 1 == shard_of(1, 0)


def test_generations_are_read_from_when_they_are_judged_until_they_are_removed():
    names = [list(generations_of(Settings(), layout).items()) for layout in (ONE, PREPARED, MOVED, SETTLED)]
    first, second = ("vitals.readings", 0), ("vitals.readings.g1", 1)
    assert names == [[first], [first], [first, second], [second]]


def test_a_copy_of_a_reading_that_is_there_to_be_read_is_left_out():
    assert kept([record(0), record(1, (0, 1, 7)), record(2)], read=[0, 1]) == [0, 2]


def test_a_copy_of_a_reading_that_is_gone_is_left_out_only_where_that_was_kept():
    copies = [record(0, (0, 1, 6)), record(1, (0, 1, 7)), record(2, (0, 0, 6))]
    assert kept(copies, read=[1], positions={shard_of(0, 1): 7}) == [1, 2]


def test_a_copy_of_a_copy_is_left_out_where_either_place_before_was_kept():
    copies = [record(at, (0, 1, at), (1, 5, at + 10)) for at in range(4)]
    assert kept(copies, read=[2], positions={shard_of(0, 1): 2}) == [2, 3]
    assert kept(copies, read=[2], positions={shard_of(1, 5): 12}) == [2, 3]
    assert kept(copies, read=[1, 2], positions={}) == []
    assert kept(copies, read=[2], positions={}) == [0, 1, 2, 3]


@given(st.data())
def test_each_reading_is_kept_once_whenever_generations_are_removed_and_the_history_reads(data):
    """Three generations of one partition; each reading is written to one of them and forwarded to the others behind."""
    written = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=12))
    logs = [[], [], []]
    for number, first in enumerate(written):
        origins = []
        for generation in range(first, 3):
            logs[generation].append((number, tuple(origins)))
            origins.append((generation, 0, len(logs[generation]) - 1))
    positions, counts = {}, [0] * len(written)

    def read(generations):
        before = dict(positions)
        for generation in generations:
            shard = shard_of(generation, 0)
            begin = positions.get(shard, 0)
            records = [record(at, *origins) for at, (_, origins) in enumerate(logs[generation])][begin:]
            for one in without_copies(records, generations, before):
                counts[logs[generation][one.offset][0]] += 1
                positions[shard] = one.offset + 1

    for generations in data.draw(st.sampled_from(READS)):
        read(generations)
        read(generations)  # and again, as after a restart
    assert counts == [1] * len(written)


READS = (
    [[0, 1, 2], [2]],
    [[0, 1, 2], [1, 2], [2]],
    [[1, 2], [2]],
    [[2]],
)
"""Which generations are there when the history reads; what it read before others were removed, it read to the end."""
