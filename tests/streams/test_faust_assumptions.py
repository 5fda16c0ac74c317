"""What faust-streaming 0.15.3 does that we rely on or work around, so that an upgrade that changes it is noticed.

A failure here is no fault of ours: read the note of the test, then decide whether the work-around may go.
"""

import asyncio
import gc
import inspect
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from types import SimpleNamespace

import faust
import pytest
from faust.events import Event
from faust.serializers.schemas import Schema
from faust.stores.base import Store
from faust.streams import Stream
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP
from faust.windows import HoppingWindow
from intervaltree import IntervalTree
from mode.threads import ServiceThread
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from streams.lane.app import FETCHES_BUFFERED

ONE = TP("vitals.readings", 0)
DEADLINE_S = 5.0
TURNS = 20
"""Of the event loop: more than closing an iterator takes."""


def new_app(**options):
    return faust.App("assumptions", broker="kafka://127.0.0.1:1", topic_disable_leader=True, **options)


def source(subject):
    return inspect.getsource(subject)


@pytest.mark.parametrize(
    ("package", "pinned"),
    [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")],
)
def test_the_versions_are_those_that_were_read_and_measured(package, pinned):
    assert version(package) == pinned


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (Consumer.ack, ["self", "message"]),
        (Consumer.commit, ["self", "topics", "start_new_transaction"]),
        (Consumer.getmany, ["self", "timeout"]),
        (Consumer.on_partitions_revoked, ["self", "revoked"]),
        (Consumer.perform_seek, ["self"]),
        (Consumer.resume_flow, ["self"]),
        (Consumer.stop_flow, ["self"]),
        (Consumer.track_message, ["self", "message"]),
        (Consumer.wait_empty, ["self"]),
        (Consumer._add_gap, ["self", "tp", "offset_from", "offset_to"]),
        (Consumer._clean_unacked_messages, ["self"]),
        (Consumer._filter_tps_with_pending_acks, ["self", "topics"]),
        (Consumer._new_offset, ["self", "tp"]),
        (Consumer._wait_for_ack, ["self", "timeout"]),
        (Consumer._wait_next_records, ["self", "timeout"]),
        (driver.Consumer._new_consumer_thread, ["self"]),
        (driver.Consumer._to_message, ["self", "tp", "record"]),
        (driver.Consumer.earliest_offsets, ["self", "partitions"]),
        (driver.Consumer.seek_wait, ["self", "partitions"]),
        (driver.Consumer.on_buffer_full, ["self", "tp"]),
        (driver.Consumer.on_buffer_drop, ["self", "tp"]),
        (driver.AIOKafkaConsumerThread._create_worker_consumer, ["self", "transport"]),
        (driver.AIOKafkaConsumerThread._seek_wait, ["self", "consumer", "partitions"]),
        (
            driver.AIOKafkaConsumerThread._fetch_records,
            ["self", "consumer", "active_partitions", "timeout", "max_records"],
        ),
        (driver.AIOKafkaConsumerThread.getmany, ["self", "active_partitions", "timeout"]),
        (driver.AIOKafkaConsumerThread.call_thread, ["self", "fun", "args", "kwargs"]),
        (ServiceThread._serve, ["self"]),
        (ServiceThread._gather_remaining_tasks, ["self"]),
        (ServiceThread.set_shutdown, ["self"]),
        (driver.Producer.send, ["self", "topic", "key", "value", "partition", "timestamp", "headers"]),
        (driver.Producer._ensure_producer, ["self"]),
        (DefaultSchedulingStrategy.iterate, ["self", "records"]),
        (Schema.loads_key, ["self", "app", "message"]),
        (Schema.loads_value, ["self", "app", "message"]),
        (Store.persisted_offset, ["self", "tp"]),
        (Store.set_persisted_offset, ["self", "tp", "offset"]),
        (Store.on_recovery_completed, ["self", "active_tps", "standby_tps"]),
        (Store.apply_changelog_batch, ["self", "batch", "to_key", "to_value"]),
        (Store.reset_state, ["self"]),
    ],
    ids=lambda subject: getattr(subject, "__qualname__", ""),
)
def test_what_we_override_or_call_takes_what_it_took(method, parameters):
    found = list(inspect.signature(method).parameters)
    optional = {"keyword", "kwargs", "loads", "serializer"}
    assert found[: len(parameters)] == parameters
    assert all(
        name in optional or inspect.signature(method).parameters[name].default is not inspect.Parameter.empty
        for name in found[len(parameters) :]
        if inspect.signature(method).parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )


def test_the_consumer_keeps_its_books_where_the_lane_looks():
    """The lane reads and clears these; a new name would make it keep books of its own beside Faust's."""
    text = source(Consumer.__init__)
    for name in ("_acked", "_committed_offset", "_read_offset", "_unacked_messages", "_waiting_for_ack"):
        assert f"self.{name} = " in text
    assert "self.scheduler = self.app.conf.ConsumerScheduler()" in text


def test_the_agents_buffer_asks_for_no_more_as_soon_as_one_fetch_waits():
    """It takes what comes all the same, so what bounds it is that the consumer is told."""
    queue = FlowControlQueue(maxsize=FETCHES_BUFFERED, flow_control=FlowControlEvent())
    told = []
    for number in range(2):
        queue.put_nowait_enhanced(
            number, on_pressure_high=lambda: told.append("full"), on_pressure_drop=lambda: told.append("drop")
        )
        assert told == ["full"] * number


def test_faust_does_not_look_up_when_a_full_buffer_has_room_again():
    """With nothing else to take it sleeps, and nothing wakes it; the lane waits for the room instead."""

    async def ignore(*_):
        return

    async def run():
        consumer = driver.Consumer(
            new_app().transport, callback=ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore
        )
        consumer._thread.thread_loop.close()  # made for its thread, which never starts
        consumer._thread = SimpleNamespace(assignment=lambda: {ONE})
        consumer._set_active_tps({ONE})
        consumer.on_buffer_full(ONE)
        slept = []

        async def sleep(seconds):
            consumer.on_buffer_drop(ONE)
            slept.append(seconds)

        consumer.sleep = sleep
        assert await consumer._wait_next_records(1.0) == ({}, {ONE})
        assert slept == [1]

    asyncio.run(run())


def test_what_mode_does_with_a_thread_is_what_its_stand_in_does():
    """`streams.lane.one_loop` is made in the thread's place: made with the service, started, and stopped at the end."""
    text = source(ServiceThread.start) + source(ServiceThread.stop) + source(ServiceThread._start_thread)
    for line in ("self._thread = self.Worker(self)", "self._thread.start()", "self._thread.stop()"):
        assert line in text
    assert "self.thread_loop.run_until_complete(self._serve())" in text
    assert "self.set_shutdown()" in text


class Books(Consumer):
    """Faust's consumer as far as it counts offsets."""

    def __init__(self):
        self._gap = defaultdict(IntervalTree)
        self._acked = defaultdict(list)
        self._acked_index = defaultdict(set)
        self._committed_offset = defaultdict(lambda: None)

    def acknowledge(self, *offsets):
        self._acked[ONE] += offsets
        self._acked_index[ONE].update(offsets)

    _commit = _getmany = _new_topicpartition = _seek = _to_message = earliest_offsets = None
    assignment = create_topic = highwater = highwaters = key_partition = position = None
    seek_to_committed = seek_wait = subscribe = topic_partitions = None


def books(committed=None):
    found = object.__new__(type("Books", (Books,), {"__abstractmethods__": frozenset()}))
    Books.__init__(found)
    found._committed_offset[ONE] = committed
    return found


@pytest.mark.parametrize(
    ("committed", "acked", "commits"),
    [
        (31, [32], 33),  # 31 is still being worked on
        (31, [33], None),
        (None, [1, 2, 3], 4),  # 0 is
        (0, [5, 6], 7),  # 0 to 4 are
    ],
)
def test_commits_overtake_records_in_work(committed, acked, commits):
    """Why the lane commits by declaration and not by acknowledgement."""
    consumer = books(committed)
    consumer.acknowledge(*acked)
    assert consumer._new_offset(ONE) == commits


def test_commits_stay_behind_blocks_though_all_are_acknowledged():
    """Why the lane keeps no gaps: a block looks like one, and each commit would advance by one block at most."""

    async def acknowledged():
        consumer = books(committed=1)
        for last in (99, 199, 299):
            await consumer._add_gap(ONE, last - 98, last)
            consumer.acknowledge(last)
        return consumer._new_offset(ONE)

    assert asyncio.run(acknowledged()) == 100


def test_no_gap_is_noted_after_a_first_record_at_offset_0():
    """Why the lane does not depend on gaps: after offset 0 they are not seen, and commits stick."""
    assert "if gap > 1 and r_offset:" in source(Consumer._drain_messages)


class Delivered:
    """A consumed message on its way through a stream."""

    def __init__(self, offset):
        self.topic, self.partition, self.offset, self.tp = ONE.topic, ONE.partition, offset, ONE
        self.tracked, self.refcount, self.acked = False, 1, False
        self.timestamp, self.timestamp_type, self.headers = 0, 0, {}
        self.generation_id = 0

    def ack(self, consumer, n=1):
        self.acked = True
        return True


async def deliver(count, work: Callable):
    """Let an agent's body work on a stream of `count` messages; return which are acknowledged after it raised."""
    app = new_app()
    app.consumer_generation_id = 0
    app._consumer = SimpleNamespace(
        _unacked_messages=set(),
        unacked=set(),
        _committed_offset=defaultdict(lambda: None),
        _acked=defaultdict(list),
        _acked_index=defaultdict(set),
        _n_acked=0,
        _waiting_for_ack=None,
    )
    app.flow_control.resume()
    channel = app.channel()
    stream = app.stream(channel)
    messages = [Delivered(offset) for offset in range(count)]
    for message in messages:
        await channel.put(Event(app, None, b"value", {}, message))
    with pytest.raises(ValueError, match="bug"):
        await asyncio.wait_for(work(stream), DEADLINE_S)
    gc.collect()  # the stream acknowledges when its iterator is closed
    for _ in range(TURNS):
        await asyncio.sleep(0)
    await stream.stop()
    return [message.acked for message in messages]


async def raise_at_once(stream):
    async for _ in stream:
        raise ValueError("bug")


def test_streams_run_in_their_compiled_form():
    """The acknowledgement is inlined there and passes by `Consumer.ack`."""
    pytest.importorskip(
        "faust._cython.streams", reason="Faust has no wheel for this platform and runs uncompiled"
    )
    assert "_c_aiter" in source(Stream.__aiter__)


def test_an_agent_that_raises_acknowledges_what_it_failed_on():
    """Why nothing may escape from our agent: what it cannot handle stops the process instead."""
    assert asyncio.run(deliver(3, raise_at_once)) == [True, False, False]


def test_take_acknowledges_the_whole_batch_that_an_agent_failed_on():
    """Why blocks are made below the agent and not with `take`."""

    async def work(stream):
        async for _ in stream.take(3, within=1.0):
            raise ValueError("bug")

    assert asyncio.run(deliver(3, work)) == [True, True, True]


def test_without_acknowledgement_an_agent_that_raises_acknowledges_nothing():
    """What our agent uses: it acknowledges each block itself, last of all."""

    async def work(stream):
        await raise_at_once(stream.noack().events())

    assert asyncio.run(deliver(3, work)) == [False, False, False]


def test_sending_to_a_topic_does_not_wait_for_the_broker():
    """Why alerts are awaited by a publisher of our own: the error is in a future that nobody must look at."""

    async def send():
        topic = new_app().topic("vitals.alerts", key_serializer="raw", value_serializer="raw")
        refused = asyncio.get_running_loop().create_future()
        refused.set_exception(OSError("refused"))

        async def hand_over(*_, **__):
            return refused

        async def producer():
            return SimpleNamespace(send=hand_over)

        topic._get_producer = producer
        arrival = await topic.send(key=b"k", value=b"v")
        with pytest.raises(OSError, match="refused"):
            await arrival

    asyncio.run(asyncio.wait_for(send(), DEADLINE_S))


def test_windows_of_tables_expire_by_the_wall_clock():
    """Why windows are ours, in event time: a frame that comes late would be swept away at once."""
    window = HoppingWindow(60, 10, expires=300)
    now = 1_000_000.0
    assert window.stale(window.ranges(now - 600)[-1][1], now)
    assert not window.stale(window.ranges(now + 3_600)[-1][1], now)
