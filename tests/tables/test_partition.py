"""A partition: all that is kept of it lives and ends with it, and what cannot happen to it stops the process."""

import asyncio
from dataclasses import dataclass, field

import pytest
from table_model import changelog, feed, judge, new_store, record

from streams.errors import PromiseBroken
from tables.partition import Partition
from tables.partition_life import Event, Life
from tables.patients import PatientTable


@dataclass
class Notes:
    """What a part keeps of a partition."""

    lines: list = field(default_factory=list)


def recovered(store, *numbers):
    asyncio.run(store.on_recovery_completed(changelog(*numbers), set()))


def life_of(store):
    return {number: partition.life for number, partition in store.partitions.items()}


def test_what_a_part_keeps_of_a_partition_is_the_same_each_time_and_ends_with_the_partition():
    partition = Partition(3, PatientTable(("hr-high",)))
    partition.of(Notes).lines.append("kept")
    assert partition.of(Notes).lines == ["kept"]
    partition.drop()
    assert partition.life is Life.GONE
    assert partition.of(Notes).lines == []


def test_what_cannot_happen_stops_the_process_and_changes_nothing():
    failures = []
    partition = Partition(3, PatientTable(("hr-high",)), failures.append)
    with pytest.raises(PromiseBroken, match="judge cannot happen while it is assigned"):
        partition.on(Event.JUDGE)
    assert failures == ["partition 3: judge cannot happen while it is assigned"]
    assert partition.life is Life.ASSIGNED


def test_a_store_leads_its_partitions_through_their_lives():
    store = new_store()
    store.assign([0, 1])
    feed(store, ("bed-1", record()))
    assert life_of(store) == {0: Life.RECOVERING, 1: Life.ASSIGNED}
    recovered(store, 0, 1)
    assert set(life_of(store).values()) == {Life.SEEKING}
    store.partition(0).on(Event.RESUME)
    store.revoke()
    store.assign([0])
    assert life_of(store) == {0: Life.ASSIGNED, 1: Life.HANDING_OVER}
    other = store.partition(1)
    recovered(store, 0)
    assert life_of(store) == {0: Life.SEEKING}
    assert other.life is Life.GONE


def test_a_partition_that_comes_back_remembers_nothing_of_before():
    store = new_store()
    store.assign([0])
    feed(store, ("bed-1", record()), offset=7)
    partition = store.partition(0)
    partition.durable, partition.end = 40, 9
    partition.dropped.add("bed-9")
    partition.of(Notes).lines.append("kept")
    store.revoke()
    recovered(store)
    store.assign([0])
    again = store.partition(0)
    assert (again.applied, again.durable, again.end, again.dropped) == (None, -1, -1, set())
    assert (len(again.table), again.of(Notes).lines) == (0, [])


def test_state_that_is_built_again_is_of_the_same_partition_and_leaves_the_others_alone():
    store = new_store()
    for number in (0, 1):
        judge(store.state(number), "bed-1", 10)
    partition = store.partition(0)
    store.build_again(0, 30)
    assert store.partition(0) is partition
    assert (len(store.state(0)), store.state(0).whole_from, store.state(0).partition) == (0, 30, 0)
    assert list(store.state(1).row_of) == ["bed-1"]


def test_a_partition_that_is_judged_already_is_left_alone_when_the_others_are_recovered():
    store = new_store()
    store.assign([0, 1])
    feed(store, ("bed-1", record("bed-1", position=10)), partition=0)
    store.recovered(0)
    store.partition(0).on(Event.RESUME)
    table = store.partition(0).table
    assert (life_of(store)[0], table.replay_until) == (Life.JUDGING, 10)
    table.processed = 30
    feed(store, ("bed-2", record("bed-2")), partition=1)
    recovered(store, 0, 1)
    assert life_of(store) == {0: Life.JUDGING, 1: Life.SEEKING}
    assert (table.replay_until, table.position[table.row_of["bed-1"]]) == (10, 10)


def test_a_partition_that_the_group_took_back_meanwhile_is_not_recovered_by_what_comes_late():
    store = new_store()
    store.assign([0])
    store.revoke()
    store.recovered(0)
    assert life_of(store) == {0: Life.HANDING_OVER}
