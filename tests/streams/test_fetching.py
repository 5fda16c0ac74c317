"""What the lane's consumer asks the brokers while partitions come and go; faults of the log are in test_lane_faults."""

import asyncio
from types import SimpleNamespace

import pytest
from lane_model import LOG, ONE, TWO

from streams.lane.fetching import REBALANCING_HOLD_MS, FetchingConsumer


class Client:
    """An aiokafka consumer: what is committed, and where it was sought to."""

    def __init__(self, committed):
        self.offsets, self.sought, self.asking, self.together = committed, {}, 0, 0

    async def committed(self, tp):
        self.asking += 1
        self.together = max(self.together, self.asking)
        await asyncio.sleep(0)
        self.asking -= 1
        return self.offsets.get(tp)

    def seek(self, tp, offset):
        self.sought[tp] = offset


def consumer_over(client, **app):
    consumer = object.__new__(FetchingConsumer)
    consumer._ensure_consumer = lambda: client
    consumer.app = SimpleNamespace(**app)
    return consumer


def test_committed_offsets_are_asked_for_at_once_and_sought_where_there_are_any():
    client = Client({ONE: 40, TWO: 0})
    found = asyncio.run(consumer_over(client).seek_to_committed([ONE, TWO, LOG]))
    assert found == {ONE: 40, TWO: 0, LOG: None}
    assert client.sought == {ONE: 40}
    assert client.together == 3


@pytest.mark.parametrize(("rebalancing", "held_ms"), [(True, REBALANCING_HOLD_MS), (False, 250)])
def test_no_fetch_holds_up_what_is_asked_of_a_broker_until_all_partitions_are_judged(
    rebalancing, held_ms, monkeypatch
):
    """A broker answers one request of a client after the other, and judging cannot begin without offsets."""
    held = []
    monkeypatch.setattr("streams.lane.fetching.hold_empty_fetches", lambda _, wait_ms: held.append(wait_ms))

    async def fetched(*_, **__):
        return {}

    monkeypatch.setattr("streams.lane.one_loop.LoopConsumer._fetch_records", fetched)
    consumer = consumer_over(None, rebalancing=rebalancing)
    lane = SimpleNamespace(fetch_wait_ms=250, in_blocks=(), faults=SimpleNamespace(resting=set))
    consumer.transport = SimpleNamespace(lane=lane)
    consumer.consumer = SimpleNamespace(_paused_partitions=set())
    consumer._pauses = SimpleNamespace(follow=lambda *_: None)
    asyncio.run(consumer._fetch_records(None))
    assert held == [held_ms]
