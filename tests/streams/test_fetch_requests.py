"""What the lane's client asks the broker for, and the names by which aiokafka and Faust decide it."""

import asyncio
import inspect
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from faust.transport.drivers import aiokafka as driver

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.fetch_requests import hold_empty_fetches


def workers_client(**settings):
    """Return the consumer of a worker as it is before it connects."""

    async def run():
        app = create_app(Settings(brokers="127.0.0.1:1", **settings))
        consumer = app.consumer._thread._create_worker_consumer(app.transport)
        await consumer.stop()
        return consumer

    return asyncio.run(run())


@pytest.mark.parametrize("wait_ms", [20, 250])
def test_the_broker_holds_an_empty_fetch_for_as_long_as_the_settings_say(wait_ms):
    assert workers_client(fetch_wait_ms=wait_ms)._fetch_max_wait_ms == wait_ms


def test_a_worker_reads_what_is_committed():
    assert workers_client()._isolation_level == "read_committed"
    start = inspect.getsource(AIOKafkaConsumer.start)
    assert "isolation_level=self._isolation_level" in start  # set before it starts, or it comes too late


def test_the_consumers_thread_fixes_how_long_the_broker_holds_an_empty_fetch():
    """When this fails, `streams.lane.fetch_requests` may have become needless."""
    made = inspect.getsource(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert "fetch_max_wait_ms=1500" in made
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in inspect.getsource(AIOKafkaConsumer.start)


def test_a_client_that_runs_asks_for_another_wait_with_its_next_fetch():
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(_fetch_max_wait_ms=250))
    hold_empty_fetches(consumer, 5)
    assert consumer._fetcher._fetch_max_wait_ms == 5
    assert "self._fetch_max_wait_ms" in inspect.getsource(Fetcher._get_actions_per_node)
