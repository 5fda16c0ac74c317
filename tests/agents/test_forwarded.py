"""When a tick may be written while readings are forwarded: once all that came before has come through."""

from types import SimpleNamespace

from kafka import TopicPartition

from agents.forwarded import Forwarded, through
from streams.config.settings import Settings
from streams.contracts.layout import Step, first_layout

SCALED = first_layout("vigil")
for step in (Step.PREPARE, Step.DRAIN, Step.MOVE, Step.OPEN) * 2:
    SCALED = SCALED.after(step, 5, 2)
SETTINGS = Settings(partitions=2)
FIRST, SECOND = "vitals.readings", "vitals.readings.g1"


def at(offset):
    return SimpleNamespace(offset=offset)


def test_what_came_since_the_look_before_may_still_be_on_its_way():
    old, new = TopicPartition(FIRST, 0), TopicPartition(FIRST, 1)
    assert through({old: 7, new: 7}, {old: at(7), new: at(6)}) == {old}
    assert through({old: 7}, {old: at(9)}) == {old}


def test_nothing_has_come_through_before_there_were_two_looks_or_where_nothing_was_committed():
    tp = TopicPartition(FIRST, 0)
    assert through({}, {tp: at(7)}) == frozenset()
    assert through({tp: 0}, {}) == frozenset()


def test_a_partition_waits_for_each_that_it_came_from_and_for_no_other():
    found = Forwarded(SETTINGS, SCALED)
    assert not any(found.allows(partition) for partition in range(8))
    found._through = frozenset(
        {
            TopicPartition(FIRST, 0),
            TopicPartition(SECOND, 0),
            TopicPartition(SECOND, 1),
            TopicPartition(SECOND, 2),
        }
    )
    assert [partition for partition in range(8) if found.allows(partition)] == [0, 2, 4, 6]


def test_with_one_generation_a_tick_waits_for_nothing():
    assert Forwarded(SETTINGS, first_layout("vigil")).allows(1)
    settled = Forwarded(SETTINGS, SCALED)
    settled.end()
    assert settled.allows(1)
