"""What the overview tells the watchdog about a worker's place in its group."""

import asyncio
from types import SimpleNamespace

import pytest

from agents.metrics import Metrics
from agents.overview import Overview
from agents.watchdog import MEMBERSHIP, Watchdog


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
