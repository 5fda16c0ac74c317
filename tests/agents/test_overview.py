"""What the overview tells the watchdog about a worker's place in its group."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from faust.types import TP

from agents.health.metrics import Metrics
from agents.health.ownership import READ_AGAIN_S, Overview
from agents.health.watchdog import MEMBERSHIP, Watchdog
from streams.lane.log_faults import LogFaults


class App:
    """What the overview asks of Faust."""

    def __init__(self, rebalancing, ready):
        self.rebalancing = rebalancing
        self.tables = SimpleNamespace(actives_ready=ready)
        self.consumer = SimpleNamespace(assignment=lambda: set())


@pytest.mark.parametrize(
    ("rebalancing", "ready", "is_member"),
    [(False, True, True), (True, True, False), (False, False, False), (True, False, False)],
)
def test_only_a_finished_rebalance_renews_the_membership_even_one_that_left_it_nothing(
    rebalancing, ready, is_member
):
    dog = Watchdog(30.0, on_stall=lambda reason: None)
    store = SimpleNamespace(recovery_s=0.0)
    overview = Overview(App(rebalancing, ready), "readings", "commands", "wards", store, Metrics(), dog)
    asyncio.run(overview.refresh())
    assert (MEMBERSHIP in dog._signs) == is_member
    assert "event loop" in dog._signs


READINGS = TP("readings", 0)


class Consumer:
    """One partition of the readings that holds 10 records, of which up to `stable` can be read."""

    def __init__(self, stable):
        self.faults, self.again = LogFaults(), []
        self._stable = stable

    def assignment(self):
        return {READINGS}

    def highwater(self, tp):
        return 10 if tp == READINGS else 0

    def stable_end(self, tp):
        return self._stable if tp == READINGS else 0

    def expected(self, tp):
        return None

    async def read_again(self, tp):
        self.again.append(tp)


class Table:
    processed, processed_append_ms, misplaced = 4, 1_000, ()

    def __len__(self):
        return 1


def judged_nothing_for_long(monkeypatch, stable, damaged=False):
    """Let a partition stand still behind offset 4; return the consumer and what the watchdog reports."""
    stalled, now_s, consumer = [], [time.monotonic()], Consumer(stable)
    monkeypatch.setattr("agents.health.ownership.time.monotonic", lambda: now_s[0])
    dog = Watchdog(30.0, on_stall=stalled.append, clock_s=lambda: now_s[0])
    app = App(rebalancing=False, ready=True)
    app.consumer = consumer
    store = SimpleNamespace(recovery_s=0.0, state=lambda partition: Table())
    overview = Overview(app, "readings", "commands", "wards", store, Metrics(), dog)
    if damaged:
        consumer.faults.cannot_open(READINGS, 5, ValueError("damaged"))
    for _ in range(20):
        asyncio.run(overview.refresh())
        dog.check()
        now_s[0] += READ_AGAIN_S / 2
    return consumer, stalled


def test_a_partition_that_stands_still_is_read_again_and_ends_the_worker(monkeypatch):
    consumer, stalled = judged_nothing_for_long(monkeypatch, stable=10)
    assert consumer.again
    assert "judging of partition 0" in stalled[0]
    assert not consumer.faults.stops(READINGS)


def test_one_that_a_damaged_batch_stops_is_left_alone_and_ends_no_worker(monkeypatch):
    consumer, stalled = judged_nothing_for_long(monkeypatch, stable=10, damaged=True)
    assert (consumer.again, stalled) == ([], [])


def test_one_that_an_open_transaction_holds_up_is_told_and_ends_no_worker(monkeypatch):
    consumer, stalled = judged_nothing_for_long(monkeypatch, stable=5)
    assert (consumer.again, stalled) == ([], [])
    assert consumer.faults.stops(READINGS)


def test_an_open_transaction_further_on_holds_up_nothing_yet(monkeypatch):
    consumer, stalled = judged_nothing_for_long(monkeypatch, stable=6)
    assert consumer.again
    assert stalled
