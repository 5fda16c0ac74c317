"""What delivery remembers comes back from its changelog, and nothing counts as done before all of it has arrived."""

import asyncio
from types import SimpleNamespace

import pytest
from alert_of import alert_of
from delivery_world import NURSES, ROUTING

from agents.delivery.episode import Episode, decode_episode, encode_episode
from agents.delivery.episode_store import END_KEY, EpisodeStore, changes
from agents.delivery.escalation import Escalation
from agents.delivery.escalator import Escalator
from agents.delivery.metrics import DeliveryMetrics
from streams.config.routing_file import parse_routing
from streams.config.settings import Settings
from streams.contracts.deliveries import Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.partitions import partition_of
from streams.lane.block import Block


def episode(name="e1", position=5, **said):
    return Episode(
        name, "bed-1", "north", "spo2-low", "physiological", "high", f"{name}-0", 0, 1_000, position, **said
    )


@pytest.fixture
def store():
    def fail(reason):
        raise AssertionError(reason)

    return EpisodeStore(lambda: None, fail)


def batch(*records, partition=3):
    found = [
        SimpleNamespace(offset=offset, key=key, value=value, timestamp=0)
        for offset, (key, value) in enumerate(records)
    ]
    message = SimpleNamespace(
        partition=partition, offset=len(found) - 1, value=Block("changelog", partition, found)
    )
    return [SimpleNamespace(message=message)]


def test_what_was_written_comes_back_and_what_was_forgotten_does_not(store):
    episodes = {"e1": episode(), "e2": episode("e2", 7, steps=3)}
    written = [*changes(episodes, ["e1", "e2"]), (END_KEY, b"{}"), *changes({}, ["e1"])]
    store.apply_changelog_batch(batch(*written), None, None)
    assert store.state(3) == {"e2": episodes["e2"]}
    assert decode_episode(store["e2"]) == episodes["e2"]
    assert (len(store), list(store), "e2" in store, "e1" in store) == (1, ["e2"], True, False)


def test_of_two_records_the_one_counts_that_reaches_further(store):
    new, old = encode_episode(episode(position=9)), encode_episode(episode(position=8))
    store.apply_changelog_batch(batch((b"e1", new), (b"e1", old)), None, None)
    assert store.state(3)["e1"].position == 9


def test_a_damaged_record_stops_the_process(store):
    with pytest.raises(AssertionError, match="changelog of delivery, partition 3, offset 0"):
        store.apply_changelog_batch(batch((b"e1", b"{")), None, None)


def test_state_whose_changelog_cannot_be_read_is_decided_again_from_the_log(store):
    store.state(3)["e1"] = episode()
    store.give_up(3)
    assert store.resume_at({3: 100, 4: 50}, {}) == {3: 0, 4: 50}
    assert store.state(3) == {}
    assert store.resume_at({3: 100}, {}) == {3: 100}


class Broker:
    """Stands in for the publisher, the dead letters and the lane: what was sent, waited for and marked, in order."""

    def __init__(self):
        self.acts = []

    async def publish(self, topic, key, value, partition=None):
        self.acts.append((topic, value))

    async def publish_batch(self, topic, partition, records):
        self.acts.append((topic, [key for key, _ in records]))

    async def settled(self):
        self.acts.append("settled")

    def durable(self, *said):
        self.acts.append(("durable", *said))

    async def refuse(self, reject, topic, partition):
        self.acts.append(("refused", reject.reason))


def escalator(store, broker):
    async def ready():
        pass

    return Escalator(
        Settings(),
        store,
        "changelog",
        broker,
        broker,
        DeliveryMetrics(),
        lambda: Escalation(
            parse_routing(ROUTING, "r"), lambda patient, ward, role, now: NURSES[patient, role]
        ),
        ready,
        broker,
    )


def record(offset, value, key=b"bed-1"):
    return SimpleNamespace(offset=offset, key=key, value=value, timestamp=1_000_000 + offset)


def test_a_block_counts_as_done_after_milestones_and_then_what_is_remembered_have_arrived(store):
    broker, partition = Broker(), partition_of("bed-1", 8)
    told = Told(ward="north", told_ts_ms=1_000_000, alert=alert_of()).model_dump_json().encode()
    records = [
        record(1, told),
        record(2, b"{"),
        record(3, encode_tick(1_000_000), TICK_KEY),
        record(4, b'{"kind":"told"}'),
    ]
    asyncio.run(escalator(store, broker).take([(Block("log", partition, records), records)]))
    queued = [Delivery.model_validate_json(act[1]) for act in broker.acts if act[0] == "vitals.deliveries"]
    assert [(one.recipient, one.milestone) for one in queued] == [("n-1", "queued")] * 2
    assert [act if isinstance(act, str) else act[0] for act in broker.acts] == [
        *("vitals.deliveries", "vitals.deliveries", "refused", "refused", "settled"),
        *("changelog", "settled", "changelog", "settled", "durable"),
    ]
    assert broker.acts[5] == ("changelog", [b"e1"])
    assert broker.acts[7] == ("changelog", [END_KEY])
    assert broker.acts[-1] == ("durable", "vitals.escalations", partition, 5)
    assert store.state(partition)["e1"].position == 1


def test_time_that_changes_nothing_writes_nothing(store):
    broker, records = Broker(), [record(1, encode_tick(1_000_000), TICK_KEY)]
    asyncio.run(escalator(store, broker).take([(Block("log", 0, records), records)]))
    assert broker.acts == ["settled", ("durable", "vitals.escalations", 0, 2)]
