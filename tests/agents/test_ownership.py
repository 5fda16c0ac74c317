"""What the overview tells the watchdog, and which partitions it has read again."""

import asyncio
import time

import pytest
from lane_stand_in import StandInLane

from agents.health.metrics import Metrics
from agents.health.ownership import READ_AGAIN_S, Overview
from agents.health.watchdog import MEMBERSHIP, Watchdog
from streams.lane.protocol import Lag
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable


def overview_of(lane, dog, metrics=None, waiting_s=0.0):
    store = ColumnStore(lambda: PatientTable(("hr-high",)))
    if lane.ours:
        store.state(0).processed = 4
    return Overview(
        lane, "readings", ("commands", "wards"), store, metrics or Metrics(), dog, lambda: waiting_s
    )


@pytest.mark.parametrize(("owned", "is_member"), [((), True), ((0,), True), (None, False)])
def test_only_a_finished_rebalance_renews_the_membership_even_one_that_left_it_nothing(owned, is_member):
    dog = Watchdog(30.0, on_stall=lambda reason: None)
    asyncio.run(overview_of(StandInLane(owned), dog).refresh())
    assert (MEMBERSHIP in dog._signs) == is_member
    assert "event loop" in dog._signs


class Recovering(StandInLane):
    """One partition is judged, another is still recovered, and what runs along waits for both."""

    def __init__(self):
        super().__init__(owned=(0,))
        self.is_done = False

    def owned(self, topic=None):
        return super().owned(topic) if topic is None or self.is_done else None


def test_a_worker_is_ready_when_all_of_its_partitions_are_judged_though_some_are_before():
    metrics, lane, dog = Metrics(), Recovering(), Watchdog(30.0, on_stall=lambda reason: None)
    overview = overview_of(lane, dog, metrics)
    shown = []
    for lane.is_done in (False, True):
        asyncio.run(overview.refresh())
        names = ("vigil_ready", "vigil_partitions_assigned")
        shown.append(([metrics.registry.get_sample_value(name) for name in names], MEMBERSHIP in dog._signs))
    assert shown == [([0, 1], False), ([1, 1], True)]


def test_how_long_a_record_waits_for_the_broker_is_shown():
    metrics, dog = Metrics(), Watchdog(30.0, on_stall=lambda reason: None)
    asyncio.run(overview_of(StandInLane((0,)), dog, metrics, waiting_s=6.5).refresh())
    assert metrics.registry.get_sample_value("vigil_publish_waiting_seconds") == 6.5


class Behind(StandInLane):
    """One partition, of whose readings records wait from some offset on."""

    def __init__(self, is_stopped, waits=5):
        super().__init__(owned=(0,))
        self.is_stopped, self.waits, self.again = is_stopped, waits, []

    def lag(self, topic, partition, at=None):
        if topic == "commands":
            return None  # a shadow does not read them
        waits = self.waits if topic == "readings" else 0
        return Lag(at or 0, waits, self.is_stopped, 0)

    async def read_again(self, topic, partition):
        self.again.append((topic, partition))


def judged_nothing_for_long(monkeypatch, **how):
    """Let a partition stand still behind offset 4; return what is read again and what the watchdog reports."""
    stalled, now_s, lane = [], [time.monotonic()], Behind(**how)
    monkeypatch.setattr("agents.health.ownership.time.monotonic", lambda: now_s[0])
    dog = Watchdog(30.0, on_stall=stalled.append, clock_s=lambda: now_s[0])
    overview = overview_of(lane, dog)
    for _ in range(20):
        asyncio.run(overview.refresh())
        dog.check()
        now_s[0] += READ_AGAIN_S / 2
    return lane.again, stalled


def test_a_partition_that_stands_still_is_read_again_and_ends_the_worker(monkeypatch):
    again, stalled = judged_nothing_for_long(monkeypatch, is_stopped=False)
    assert again
    assert set(again) == {("readings", 0)}
    assert "judging of partition 0" in stalled[0]


def test_one_that_its_log_stops_is_left_alone_and_ends_no_worker(monkeypatch):
    assert judged_nothing_for_long(monkeypatch, is_stopped=True) == ([], [])


def test_one_that_has_judged_all_is_left_alone(monkeypatch):
    assert judged_nothing_for_long(monkeypatch, is_stopped=False, waits=0) == ([], [])


def test_a_checkpoint_is_as_old_as_the_last_one_or_where_there_is_none_as_the_partition_is_ours(monkeypatch):
    now_s = [1_000.0]
    monkeypatch.setattr("agents.health.ownership.time.monotonic", lambda: now_s[0])
    overview = overview_of(StandInLane(owned=(0,)), Watchdog(30.0, on_stall=lambda reason: None))

    def age_s():
        asyncio.run(overview.refresh())
        labels = {"partition": "0"}
        return overview._metrics.registry.get_sample_value("vigil_checkpoint_age_seconds", labels)

    assert age_s() == 0
    now_s[0] += 7
    assert age_s() == 7
    overview._store.partition(0).durable_s = now_s[0]
    now_s[0] += 3
    assert age_s() == 3


def test_a_partition_that_goes_elsewhere_is_watched_and_shown_no_more():
    dog, lane = Watchdog(30.0, on_stall=lambda reason: None), StandInLane(owned=(0,))
    overview = overview_of(lane, dog)
    asyncio.run(overview.refresh())
    assert "judging of partition 0" in dog._signs
    lane.ours = None
    asyncio.run(overview.refresh())
    assert "judging of partition 0" not in dog._signs
