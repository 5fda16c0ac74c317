"""What the lane's consumer does about batches that cannot be opened: of its topics, and of a recovery."""

import asyncio
from types import SimpleNamespace

from aiokafka.consumer.fetcher import FetchResult
from fetched_log import batch, fetched, summed
from lane_model import LOG, ONE, TWO

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.fetching import STATE_TRIES_MAX, FetchingConsumer
from streams.lane.leaving import Leaving
from streams.lane.protocol import Reader

DAMAGED = ValueError("a wrong checksum")


class World:
    """The consumer's part that talks to the broker, without one; its app recovers a changelog up to offset 9."""

    def __init__(self):
        app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
        self.lane, self.given_up, self.paused = app.transport.lane, [], []
        readers = {ONE.topic: Reader("judge", None, give_up=self.given_up.append)}
        self.recovery = SimpleNamespace(active_highwaters={LOG: 9}, active_offsets={LOG: 3})
        self.thread = object.__new__(FetchingConsumer)
        self.thread.transport = SimpleNamespace(lane=self.lane, readers=readers)
        self.thread.app = SimpleNamespace(rebalancing=True, tables=SimpleNamespace(recovery=self.recovery))
        self.thread.consumer = SimpleNamespace(
            flow_active=False, _paused_partitions={TWO}, leaving=Leaving(lambda: False)
        )
        self.thread._pauses = SimpleNamespace(
            follow=lambda client, paused: self.paused.append(paused),
            pause=lambda client, tp: self.stopped.append(tp),
        )
        self.stopped = []
        self.client = SimpleNamespace(
            _fetcher=SimpleNamespace(_records={}), _coordinator=SimpleNamespace(_do_rejoin_group=None)
        )
        self.thread._ensure_consumer = lambda: self.client
        self.thread._install(self.client)

    def fetch(self):
        asyncio.run(self.thread._fetch_records(self.client, set()))


def test_a_partition_that_cannot_be_opened_is_not_fetched_for_a_while_and_others_are():
    world = World()
    world.fetch()
    damaged = summed(batch(7, [1])[0])
    damaged[20] ^= 1
    result = FetchResult(
        ONE, assignment=None, partition_records=fetched(bytes(damaged), 7, crcs=True), backoff=0
    )
    world.client._fetcher._records[ONE] = result
    assert list(result._partition_records) == []
    assert world.stopped == [ONE]  # at once: the client asks for more while somebody waits for records
    world.fetch()
    assert world.paused == [{TWO}, {TWO, ONE}]
    assert world.given_up == []


def test_a_state_that_cannot_be_opened_is_given_up_after_some_tries_so_that_the_recovery_ends():
    world = World()
    for _ in range(STATE_TRIES_MAX):
        assert (world.given_up, world.recovery.active_offsets) == ([], {LOG: 3})
        world.thread._note_fault(LOG, 4, DAMAGED)
    assert (world.given_up, world.recovery.active_offsets) == ([0], {LOG: 9})


def test_readings_are_never_given_up_and_a_changelog_only_while_it_is_recovered():
    world = World()
    world.recovery.active_highwaters = {}
    for tp in (ONE, LOG):
        for _ in range(2 * STATE_TRIES_MAX):
            world.thread._note_fault(tp, 4, DAMAGED)
    assert world.given_up == []
    assert world.recovery.active_offsets == {LOG: 3}
