"""What the watcher outside calls lost: no beat, judging that is behind, and beats that nothing else bears out."""

import re

import pytest

from edge.watching.signs import NOTHING, Bounds, Signs
from streams.contracts.patient_state import Heartbeat

BOUNDS = Bounds(silent_s=10.0, behind_s=30.0, canary_s=40.0, commit_s=10.0)


def a_beat(partition=1, **more):
    known = {"partition": partition, "worker": "w-1", "sent_ts_ms": 50_000, "judged_ts_ms": 49_000}
    return Heartbeat(**(known | {"lag": 0, "open_alarms": 0, "waiting_s": 0} | more))


class World:
    """Two partitions in which all is well, second by second, but for what a test leaves out."""

    def __init__(self):
        self.signs = Signs((1, 0), 0.0, BOUNDS)
        self.now_s = 0
        self.end = self.judged = 1_000

    def run(self, seconds, *, beats=True, ticks=True, judges=True, looks=True, sings=True):
        for _ in range(seconds):
            self.now_s += 1
            self.end += ticks
            if judges and self.now_s % 10 == 0:
                self.judged = self.end
            if beats and self.now_s % 2 == 0:
                self.signs.beat(a_beat(), self.now_s)
            if looks and self.now_s % 2 == 0:
                self.signs.looked(1, self.end, self.judged, self.now_s)
            if sings and self.now_s % 10 == 0:
                self.signs.sang(1, 0.1, self.now_s)
            self.signs.beat(a_beat(0), self.now_s)
            self.signs.looked(0, self.now_s, self.now_s, self.now_s)
            self.signs.sang(0, 0.1, self.now_s)
        return self.signs.lost(self.now_s)


@pytest.mark.parametrize(
    ("heard_s", "beat", "why"),
    [
        (95.0, {"lag": 3}, ""),
        (90.1, {"lag": 0}, ""),
        (90.0, {"lag": 0}, "no heartbeat for 10 s, the last was of w-1"),
        (99.0, {"judged_ts_ms": 20_000}, "judging is 30 s behind"),
        (99.0, {"waiting_s": 31.0}, "a record waits for the broker for 31 s"),
    ],
)
def test_a_partition_is_lost_when_it_does_not_beat_or_is_behind(heard_s, beat, why):
    world = World()
    world.run(94)
    world.signs.beat(a_beat(**beat), heard_s)
    assert world.signs.lost(100.0) == ({1: why} if why else {})


def test_a_partition_that_was_never_heard_is_lost_after_the_bound():
    assert Signs((0,), 80.0, BOUNDS).lost(89.9) == {}
    assert Signs((0,), 80.0, BOUNDS).lost(100.0) == {0: "no heartbeat for 20 s"}


def test_a_partition_that_is_judged_is_not_lost_however_long_it_is_watched():
    world = World()
    assert all(world.run(1) == {} for _ in range(2_000))


@pytest.mark.parametrize(
    ("missing", "within_s", "says"),
    [
        ({"judges": False}, 52, "records that were there 40 s ago are not judged"),
        ({"ticks": False, "judges": False}, 32, "no tick has come into the readings for [0-9]+ s"),
        ({"sings": False}, 42, "its canary's alert has not come back for [0-9]+ s"),
        ({"looks": False}, 32, "the brokers have not said for [0-9]+ s how far the readings are judged"),
    ],
)
def test_heartbeats_over_a_worker_that_is_stopped_are_not_believed(missing, within_s, says):
    world = World()
    assert world.run(100) == {}
    lost = world.run(within_s, **missing)
    assert list(lost) == [1]
    assert lost[1].startswith("it beats, but ")
    assert re.search(says, lost[1])
    assert world.run(60) == {}


def test_heartbeats_over_a_worker_that_never_judged_are_not_believed():
    world = World()
    lost = world.run(52, judges=False, sings=False)
    assert "are not judged" in lost[1]


def test_a_group_that_is_not_the_workers_is_told_apart():
    world = World()
    world.judged = NOTHING
    assert "is it the workers' own (--group)?" in world.run(52, judges=False)[1]


def test_without_any_canary_none_is_missed():
    signs = Signs((0,), 0.0, BOUNDS)
    for now_s in range(200):
        signs.beat(a_beat(0), now_s)
        signs.looked(0, now_s, now_s, now_s)
    assert signs.lost(200) == {}


def test_a_canary_that_comes_as_late_as_judging_may_be_says_nothing():
    world = World()
    world.run(20)
    for _ in range(5):
        world.run(10, sings=False)
        world.signs.sang(1, 30.0, world.now_s)
    assert "canary" in world.signs.lost(world.now_s)[1]


def test_a_partition_that_does_not_exist_is_not_invented_by_a_beat():
    signs = Signs((0,), 0.0, BOUNDS)
    signs.beat(a_beat(7), 1.0)
    signs.looked(7, 1, 1, 1.0)
    signs.sang(7, 0.1, 1.0)
    assert signs.lost(5.0) == {}
