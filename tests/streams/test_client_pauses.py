"""What the Kafka client is told of the partitions that nobody takes records of."""

import asyncio
import inspect

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from faust.transport.consumer import Consumer
from faust.types import TP

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.client_pauses import ClientPauses

READINGS, CHANGELOG = TopicPartition("readings", 0), TopicPartition("changelog", 0)


class FetcherOfClient:
    """Stands in for the client's fetcher: what it has fetched, and whether it was woken."""

    def __init__(self):
        self._records, self._wait_consume_future, self.woken = {}, "woken", 0

    def _notify(self, future):
        assert future == "woken"
        self.woken += 1


def with_client(test):
    async def run():
        consumer = AIOKafkaConsumer()
        consumer._fetcher = FetcherOfClient()
        try:
            test(consumer, consumer._fetcher)
        finally:
            consumer._fetcher = None
            await consumer.stop()

    asyncio.run(run())


def test_partitions_are_paused_and_resumed_as_faust_does():
    def test(consumer, fetcher):
        consumer.assign([READINGS, CHANGELOG])
        pauses = ClientPauses()
        for paused in ({READINGS}, {CHANGELOG}, set(), {READINGS, CHANGELOG}):
            pauses.follow(consumer, {TP(*tp) for tp in paused})
            assert consumer.paused() == paused

    with_client(test)


def test_one_that_is_paused_at_once_is_resumed_as_soon_as_nobody_wants_it_paused():
    def test(consumer, fetcher):
        consumer.assign([READINGS, CHANGELOG])
        pauses = ClientPauses()
        pauses.follow(consumer, set())
        pauses.pause(consumer, READINGS)
        assert consumer.paused() == {READINGS}
        pauses.follow(consumer, set())  # the time to leave it alone was over before anybody looked
        assert consumer.paused() == set()

    with_client(test)


def test_what_was_fetched_already_and_nobody_takes_holds_up_nothing():
    def test(consumer, fetcher):
        consumer.assign([READINGS, CHANGELOG])
        fetcher._records = {READINGS: "readings", CHANGELOG: "state"}
        ClientPauses().follow(consumer, {TP(*CHANGELOG)})
        assert fetcher._records == {READINGS: "readings"}
        assert fetcher.woken == 1

    with_client(test)


def test_the_client_is_told_once_and_again_after_an_assignment():
    def test(consumer, fetcher):
        pauses, paused = ClientPauses(), {TP(*CHANGELOG)}
        pauses.follow(consumer, paused)
        assert fetcher.woken == 0
        consumer.assign([READINGS, CHANGELOG])
        for _ in range(3):
            pauses.follow(consumer, paused)
        assert fetcher.woken == 1
        paused.clear()  # Faust changes its set in place
        pauses.follow(consumer, paused)
        assert (fetcher.woken, consumer.paused()) == (2, set())
        paused.add(TP(*CHANGELOG))
        consumer.unsubscribe()
        pauses.follow(consumer, paused)
        consumer.assign([READINGS, CHANGELOG])
        pauses.follow(consumer, paused)
        assert (fetcher.woken, consumer.paused()) == (3, {CHANGELOG})

    with_client(test)


def test_each_fetch_of_the_lane_has_the_client_follow():
    async def run():
        app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
        app.consumer.stop_flow()  # nothing is taken from the client itself
        client = AIOKafkaConsumer()
        client._fetcher = FetcherOfClient()
        client.assign([READINGS, CHANGELOG])
        try:
            for paused in ({READINGS}, {CHANGELOG}):
                app.consumer.resume_partitions({TP(*READINGS), TP(*CHANGELOG)})
                app.consumer.pause_partitions({TP(*tp) for tp in paused})
                assert await app.consumer._thread._fetch_records(client, set(), timeout=0) == {}
                assert client.paused() == paused
        finally:
            client._fetcher = None
            await client.stop()

    asyncio.run(run())


def test_faust_does_not_tell_the_client_itself_and_the_client_holds_back_a_nodes_fetch():
    """When this fails, `streams.lane.client_pauses` may have become needless."""
    assert "self._paused_partitions.update(tpset)" in inspect.getsource(Consumer.pause_partitions)
    for method in (Consumer.pause_partitions, Consumer.resume_partitions):
        assert ".pause(" not in inspect.getsource(method)
        assert ".resume(" not in inspect.getsource(method)
    text = inspect.getsource(Fetcher._get_actions_per_node)
    assert "backoff = record.calculate_backoff()" in text
    assert "if node_id in backoff_by_nodes:" in text
