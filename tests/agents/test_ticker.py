"""The ticker: one tick a second into every partition that is ours, in turns."""

import asyncio
import json

from agents.ticker import TURNS, Ticker
from streams.contracts.frame import TICK_KEY, Tick
from streams.kafka.publisher import Publisher


class World:
    """A ticker that writes to a list, at a time and for partitions that the test sets."""

    def __init__(self):
        self.sent, self.owned, self.now_s = [], [], 1_700_000_000.25

    async def _send(self, topic, key, value, partition, headers):
        self.sent.append((topic, partition, key, value))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    def turns(self):
        """Let the ticker take all turns of a second; return what it wrote in each."""
        written = []

        async def run():
            publisher = Publisher(self._send, None, 5.0)
            ticker = Ticker(publisher, "vitals.readings", lambda: self.owned, lambda: self.now_s)
            for _ in range(TURNS):
                self.sent.clear()
                await ticker.tick()
                written.append(list(self.sent))

        asyncio.run(run())
        return written

    def tick(self):
        """Return what the ticker writes in a second."""
        return [sent for turn in self.turns() for sent in turn]


def test_every_owned_partition_gets_one_tick_with_the_time_of_now():
    world = World()
    world.owned = [5, 2]
    sent = world.tick()
    assert [(topic, partition, key) for topic, partition, key, _ in sent] == [
        ("vitals.readings", 2, TICK_KEY),
        ("vitals.readings", 5, TICK_KEY),
    ]
    for *_, value in sent:
        assert Tick.model_validate_json(value).tick_ts_ms == 1_700_000_000_250


def test_a_worker_that_owns_nothing_writes_nothing():
    assert World().tick() == []


def test_partitions_are_asked_for_anew_at_every_tick():
    world = World()
    world.owned = [0, 1]
    assert [partition for _, partition, _, _ in world.tick()] == [0, 1]
    world.owned, world.now_s = [1], world.now_s + 1
    ((_, partition, _, value),) = world.tick()
    assert (partition, json.loads(value)) == (1, {"tick_ts_ms": 1_700_000_001_250})


def test_partitions_take_turns_within_the_second():
    world = World()
    world.owned = range(3 * TURNS)
    assert [[partition for _, partition, _, _ in turn] for turn in world.turns()] == [
        [turn, turn + TURNS, turn + 2 * TURNS] for turn in range(TURNS)
    ]


def test_a_worker_whose_partitions_are_far_apart_writes_no_more_of_them_at_once():
    world = World()
    world.owned = [TURNS * k for k in range(TURNS)]
    assert [len(turn) for turn in world.turns()] == [1] * TURNS
