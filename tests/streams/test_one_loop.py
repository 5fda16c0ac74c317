"""Faust's consumer in the worker's own loop: it starts, answers, fails and ends there."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from streams.config.settings import Settings
from streams.lane.app import create_app

DEADLINE_S = 10


class Client:
    """Stands in for aiokafka's consumer."""

    def __init__(self, fault=None, fault_at_end=None):
        self.fault, self.fault_at_end = fault, fault_at_end
        self.started_in = self.loop = None
        self.stopped = False
        self._coordinator = SimpleNamespace(_do_rejoin_group=None)
        self._fetcher = SimpleNamespace(_records={})

    async def start(self):
        if self.fault is not None:
            raise self.fault
        self.started_in, self.loop = threading.current_thread(), asyncio.get_running_loop()

    async def stop(self):
        if self.fault_at_end is not None:
            raise self.fault_at_end
        self.stopped = True


def with_consumer(client, test):
    async def run():
        app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
        consumer = app.consumer._thread
        consumer._create_consumer = lambda loop: client
        await asyncio.wait_for(test(consumer), DEADLINE_S)

    asyncio.run(run())


def test_it_runs_in_the_loop_that_starts_it_and_ends_without_ending_others():
    client = Client()

    async def test(consumer):
        threads = threading.active_count()
        other = asyncio.ensure_future(asyncio.sleep(DEADLINE_S))
        await consumer.start()
        assert client.started_in is threading.current_thread()
        assert client.loop is asyncio.get_running_loop()
        assert threading.active_count() == threads
        assert await consumer.call_thread(asyncio.sleep, 0, "said") == "said"
        await consumer.stop()
        assert client.stopped
        await asyncio.sleep(0)
        assert not other.done()
        other.cancel()

    with_consumer(client, test)


def test_what_is_called_may_be_an_ordinary_function_and_may_fail():
    async def test(consumer):
        assert await consumer.call_thread(max, 1, 2) == 2
        with pytest.raises(ValueError, match="literal"):
            await consumer.call_thread(int, "x")

    with_consumer(Client(), test)


def test_what_was_begun_goes_on_when_whoever_asked_for_it_is_cancelled():
    async def test(consumer):
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def commit():
            begun.set()
            await go_on.wait()
            done.set()

        asking = asyncio.ensure_future(consumer.call_thread(commit))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go_on.set()
        await done.wait()

    with_consumer(Client(), test)


def test_a_fetch_is_asked_for_as_the_thread_would_and_ends_when_it_is_cancelled():
    async def test(consumer):
        asked, ended = [], asyncio.Event()

        async def fetch(*args, **options):
            asked.append((args, options))
            try:
                await asyncio.sleep(DEADLINE_S)
            finally:
                ended.set()

        consumer._fetch_records = fetch
        consumer._consumer = client = Client()
        fetching = asyncio.ensure_future(consumer.getmany({"tp"}, 0.5))
        await asyncio.sleep(0)
        fetching.cancel()
        await ended.wait()
        assert asked == [((client, {"tp"}), {"timeout": 0.5})]

    with_consumer(Client(), test)


def test_a_broker_that_refuses_fails_the_start_and_nobody_waits_for_its_end(capsys):
    async def test(consumer):
        with pytest.raises(ConnectionError, match="refused"):
            await consumer.start()
        await consumer.stop()

    with_consumer(Client(ConnectionError("refused")), test)
    assert "refused" in capsys.readouterr().err


def test_a_failure_while_it_ends_is_logged_and_nobody_waits_for_its_end(caplog):
    async def test(consumer):
        await consumer.start()
        await consumer.stop()

    with_consumer(Client(fault_at_end=OSError("gone")), test)
    assert "gone" in caplog.text
