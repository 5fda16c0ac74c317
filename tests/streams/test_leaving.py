"""A worker that ends while its group is rebalanced: it hands over first, then leaves, and joins no more."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.types import TP
from lane_model import answer, durable

from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.lane import leaving
from streams.lane.app import create_app
from streams.lane.leaving import Leaving

ONE = TP(READINGS, 0)


class Coordinator:
    """aiokafka's coordinator, as far as it takes part, writing down what happens."""

    def __init__(self, log):
        self.log = log
        self._closing = asyncio.get_running_loop().create_future()

    async def _do_rejoin_group(self, subscription):
        self.log.append(f"join {subscription}")
        return True

    async def _maybe_leave_group(self):
        self.log.append("leave")


@pytest.fixture
def app():
    return create_app(Settings(brokers="127.0.0.1:1", group="vigil"))


def with_log(app, log):
    """Have the app's consumer write down what it does."""

    async def handover():
        log.append("handover")

    async def commit(*_):
        log.append("commit")
        return True

    consumer = app.consumer
    answer(consumer, hand_over=handover)
    consumer.commit = commit
    return consumer


async def turns():
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_worker_that_goes_on_joins_again():
    async def run():
        log = []
        coordinator = Coordinator(log)
        Leaving(lambda: False).keep_out(coordinator)
        assert await coordinator._do_rejoin_group("all") is True
        assert log == ["join all"]

    asyncio.run(run())


def test_one_that_ends_leaves_when_it_has_handed_over_and_comes_back_when_all_is_closed():
    async def run():
        log = []
        coordinator, ending = Coordinator(log), Leaving(lambda: True)
        ending.keep_out(coordinator)
        asked = asyncio.ensure_future(coordinator._do_rejoin_group("all"))
        await turns()
        assert (log, asked.done()) == ([], False)
        ending.note_handover()
        await turns()
        assert (log, asked.done()) == (["leave"], False)
        coordinator._closing.set_result(None)
        assert await asked is False
        assert log == ["leave"]

    asyncio.run(run())


def test_the_wait_for_one_that_does_not_get_on_has_a_bound(monkeypatch):
    monkeypatch.setattr(leaving, "LEAVE_S_MAX", 0.01)

    async def run():
        log = []
        coordinator = Coordinator(log)
        Leaving(lambda: True).keep_out(coordinator)
        assert await coordinator._do_rejoin_group("all") is False
        assert log == ["leave"]

    asyncio.run(run())


def test_a_handover_of_a_worker_that_goes_on_is_not_its_last(app):
    async def run():
        log = []
        consumer = with_log(app, log)
        await consumer.wait_empty()
        await consumer.wait_empty()
        assert log == ["handover", "commit"] * 2
        assert not consumer.leaving.has_handed_over

    asyncio.run(run())


def test_a_worker_that_ends_hands_over_once_because_all_is_others_then(app):
    async def run():
        log = []
        consumer = with_log(app, log)
        app._stopped.set()
        await consumer.wait_empty()
        await consumer.wait_empty()
        assert log == ["handover", "commit"]

    asyncio.run(run())


def test_partitions_that_are_revoked_while_the_worker_ends_are_kept_until_it_has_handed_over(app):
    async def run():
        consumer = with_log(app, [])
        consumer._admission(ONE).declare(7)
        app._stopped.set()
        revoked = asyncio.ensure_future(consumer.on_partitions_revoked({ONE}))
        await turns()
        assert (revoked.done(), durable(consumer)) == (False, {ONE: 7})
        await consumer.wait_empty()
        await revoked
        assert durable(consumer) == {}

    asyncio.run(run())


def test_faust_still_closes_the_client_when_partitions_go_while_it_ends_and_ours_goes_on(app, monkeypatch):
    async def run():
        closed = []
        consumer = app.consumer
        monkeypatch.setattr(consumer._thread, "close", lambda: closed.append("ours"))
        app._stopped.set()
        await app._on_partitions_revoked({ONE})
        await app._on_partitions_assigned({ONE})
        assert closed == []
        monkeypatch.setattr(type(consumer), "close", lambda self: closed.append("Faust's"))
        await app._on_partitions_revoked({ONE})
        await app._on_partitions_assigned({ONE})
        assert closed == ["Faust's"] * 2  # else streams/lane/leaving.py may go

    asyncio.run(run())


def test_aiokafka_joins_by_the_method_that_is_kept_out_and_takes_no_for_an_answer():
    async def run():
        coordinator = GroupCoordinator.__new__(GroupCoordinator)
        coordinator._subscription = SimpleNamespace(subscribed_pattern=None, fetcher_idle_time=0.0)
        coordinator._performed_join_prepare, coordinator._heartbeat_task = True, None
        coordinator._max_poll_interval = 300.0
        coordinator._closing = asyncio.get_running_loop().create_future()
        coordinator._closing.set_result(None)
        coordinator.generation, coordinator.reset_generation = -1, lambda: None
        ending = Leaving(lambda: True)
        ending.note_handover()
        ending.keep_out(coordinator)
        assert await coordinator.ensure_active_group(None, None) is None

    asyncio.run(run())


def test_the_clients_coordinator_is_kept_out_from_the_start(app):
    async def run():
        log, thread = [], app.consumer._thread
        client = SimpleNamespace(
            _coordinator=Coordinator(log), _fetcher=SimpleNamespace(_records={}), start=turns, stop=turns
        )
        thread._create_consumer = lambda loop: client
        await thread.start()
        app._stopped.set()
        app.consumer.leaving.note_handover()
        client._coordinator._closing.set_result(None)
        assert await client._coordinator._do_rejoin_group("all") is False
        assert log == ["leave"]
        await thread.stop()

    asyncio.run(run())
