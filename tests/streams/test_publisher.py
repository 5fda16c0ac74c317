"""Publishing is known to have arrived, or the process stops."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import PromiseBroken
from streams.kafka import publisher as publishing
from streams.kafka.publisher import Publisher

ROOT = Path(__file__).resolve().parents[2]


class Broker:
    """Takes records and lets the test say when, and whether, they arrive."""

    def __init__(self):
        self.taken = []
        self.arrivals = []

    async def send(self, topic, key, value, partition, headers):
        self.taken.append((topic, key, value, partition, tuple(headers)))
        self.arrivals.append(asyncio.get_running_loop().create_future())
        return self.arrivals[-1]

    async def send_batch(self, topic, partition, records):
        return await self.send(topic, None, tuple(records), partition, ())


def with_publisher(test, timeout_s=5.0):
    """Run an asynchronous test with (publisher, broker, failures)."""

    async def run():
        broker, failures = Broker(), []
        await test(Publisher(broker.send, broker.send_batch, timeout_s, failures.append), broker, failures)

    asyncio.run(run())


def test_a_record_is_handed_over_as_given_and_outstanding_until_it_arrives():
    async def test(publisher, broker, failures):
        future = await publisher.publish("t", b"k", b"v", partition=1, headers=[("reason", b"x")])
        assert broker.taken == [("t", b"k", b"v", 1, (("reason", b"x"),))]
        assert (publisher.outstanding, future.done()) == (1, False)
        broker.arrivals[0].set_result("arrived")
        assert await future == "arrived"
        await asyncio.sleep(0)  # one turn, for the callback that counts
        assert publisher.outstanding == 0
        assert failures == []

    with_publisher(test)


def test_settled_waits_for_all_that_was_sent_before_and_not_for_what_comes_later():
    async def test(publisher, broker, _):
        await publisher.publish("t", b"k", b"1")
        await publisher.publish_batch("t", 0, [(b"k", b"2")])
        settled = asyncio.ensure_future(publisher.settled())
        await asyncio.sleep(0)
        await publisher.publish("t", b"k", b"3")
        broker.arrivals[0].set_result(0)
        await asyncio.sleep(0)
        assert not settled.done()
        broker.arrivals[1].set_result(1)
        await asyncio.wait_for(settled, 5)
        assert publisher.outstanding == 1

    with_publisher(test)


def test_settled_returns_at_once_when_nothing_is_on_its_way():
    async def test(publisher, *_):
        await asyncio.wait_for(publisher.settled(), 1)

    with_publisher(test)


def test_a_refused_record_is_a_failure_at_once_and_breaks_the_promise_of_who_waits():
    async def test(publisher, broker, failures):
        await publisher.publish("vitals.alerts", b"k", b"v")
        settled = asyncio.ensure_future(publisher.settled())
        await asyncio.sleep(0)
        broker.arrivals[0].set_exception(OSError("refused"))
        with pytest.raises(PromiseBroken, match="refused"):
            await settled
        assert len(failures) == 1
        assert "vitals.alerts" in failures[0]

    with_publisher(test)


def test_a_refused_batch_is_a_failure_too():
    async def test(publisher, broker, failures):
        future = await publisher.publish_batch("t", 0, [(b"k", b"v")])
        broker.arrivals[0].set_exception(OSError("refused"))
        with pytest.raises(OSError, match="refused"):
            await future
        await asyncio.sleep(0)
        assert len(failures) == 1

    with_publisher(test)


def test_records_that_do_not_arrive_in_time_break_the_promise():
    async def test(publisher, *_):
        await publisher.publish("t", b"k", b"v")
        with pytest.raises(PromiseBroken, match="1 records have not arrived"):
            await publisher.settled()

    with_publisher(test, timeout_s=0.01)


def test_beyond_the_bound_publishing_waits_for_arrivals(monkeypatch):
    monkeypatch.setattr(publishing, "OUTSTANDING_MAX", 2)

    async def test(publisher, broker, _):
        for _ in range(2):
            await publisher.publish("t", b"k", b"v")
        third = asyncio.ensure_future(publisher.publish("t", b"k", b"v"))
        await asyncio.sleep(0)
        assert len(broker.taken) == 2
        for arrival in broker.arrivals:
            arrival.set_result(0)
        await asyncio.wait_for(third, 5)
        assert len(broker.taken) == 3

    with_publisher(test)


def test_fail_stop_ends_the_process_at_once_with_its_own_code_and_says_why():
    code = (
        "import atexit, logging\n"
        "from streams.kafka.publisher import fail_stop\n"
        "logging.basicConfig()\n"
        "atexit.register(print, 'cleaned up')\n"
        "fail_stop('no alert may be lost')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (PromiseBroken.exit_code, "")
    assert "no alert may be lost" in ended.stderr
