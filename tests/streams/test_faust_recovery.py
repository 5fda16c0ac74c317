"""What faust-streaming 0.15.3 does when it flushes and recovers that we work around; see test_faust_assumptions.

A failure here is no fault of ours: read the note of the test, then decide whether the work-around may go.
"""

import asyncio
import inspect
from collections import defaultdict, deque
from types import SimpleNamespace

import faust
import pytest
from faust.exceptions import ProducerSendError
from faust.tables.recovery import Recovery
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from mode.utils.queues import FlowControlEvent, FlowControlQueue

ONE = TP("vigil-patients-changelog", 0)
DEADLINE_S = 5.0


def buffered(publish):
    """Return a running buffer of the producer whose topic sends with `publish`, and a record for it."""

    async def start():
        buffer = ProducerBuffer(loop=asyncio.get_running_loop())
        buffer.app = faust.App("assumptions", broker="kafka://127.0.0.1:1")
        await buffer.start()
        channel = SimpleNamespace(publish_message=publish)
        return buffer, SimpleNamespace(message=SimpleNamespace(channel=channel))

    return start()


def test_flushing_the_producers_buffer_gives_up_and_the_commit_goes_on():
    """Why nothing of ours goes through that buffer: not the changelog, not alerts."""

    async def flush():
        hold = asyncio.Event()

        async def publish(*_, **__):
            await hold.wait()

        buffer, record = await buffered(publish)
        for _ in range(10):
            buffer.put(record)
        await asyncio.wait_for(buffer.flush(), DEADLINE_S)
        left = buffer.size
        hold.set()
        await buffer.flush()
        await buffer.stop()
        return left

    assert asyncio.run(flush()) >= 9


def test_one_record_that_cannot_be_sent_crashes_the_producers_buffer():
    """Another reason to stay out of it: every later record waits for ever."""

    async def crash():
        async def publish(*_, **__):
            raise ProducerSendError("too large")

        buffer, record = await buffered(publish)
        buffer.put(record)
        await asyncio.wait_for(buffer._crashed.wait(), DEADLINE_S)
        return buffer.crashed

    assert asyncio.run(crash())


class Changelog:
    """A table as recovery sees it; what it is given is kept."""

    recovery_buffer_size = 1

    def __init__(self, count, refuse=()):
        self.given, self.count, self.refuse = [], count, refuse
        self.is_full = asyncio.Event()

    async def on_changelog_event(self, event):
        return

    def apply_changelog_batch(self, batch):
        for event in batch:
            self.given.append((event.message.tp, event.message.offset))
            if len(self.given) == self.count:
                self.is_full.set()
            if self.given[-1] in self.refuse:
                raise ValueError("damaged")


async def recover(records, count, refuse=()):
    """Feed (partition, offset) to recovery's loop, which knows `ONE`; return the first `count` that reach a table."""
    table = Changelog(count, refuse)
    queue = asyncio.Queue()
    for tp, offset in records:
        queue.put_nowait(SimpleNamespace(message=SimpleNamespace(tp=tp, offset=offset)))
    recovery = SimpleNamespace(
        tables=SimpleNamespace(changelog_queue=queue, standbys_ready=True),
        tp_to_table={ONE: table},
        active_tps={ONE},
        standby_tps=set(),
        active_offsets={},
        standby_offsets={},
        buffers=defaultdict(list),
        buffer_sizes={},
        _active_events_received_at={},
        _standby_events_received_at={},
        _processing_times=deque(),
        _last_active_event_processed_at=None,
        num_samples_required_for_estimate=1,
        _standbys_span=None,
        signal_recovery_end=asyncio.Event(),
        in_recovery=True,
        need_recovery=lambda: True,
        standby_remaining_total=lambda: 1,
        should_stop=False,
    )
    task = asyncio.ensure_future(Recovery._slurp_changelogs.fun(recovery))
    await asyncio.wait_for(table.is_full.wait(), DEADLINE_S)
    task.cancel()
    return table.given


def test_recovery_applies_records_of_an_unknown_changelog_to_the_table_before_it():
    """Why there is one table: with two, records could end in the wrong one."""
    records = [(ONE, 1), (TP("unknown", 0), 1), (ONE, 2)]
    assert asyncio.run(recover(records, count=3)) == records


def test_recovery_goes_on_with_a_log_line_when_a_table_refuses_a_record():
    """Why the store stops the process by itself on a damaged record: raised, it is swallowed, again and again."""
    records = [(ONE, 1), (ONE, 2)]
    assert asyncio.run(recover(records, count=2, refuse={(ONE, 1)})) == [(ONE, 1), (ONE, 1)]


def test_recovery_reads_up_to_the_end_that_the_broker_names():
    """Why a checkpoint ends with a record in a batch of its own: the embedded broker names another end."""
    assert "await consumer.highwaters(*tps)" in inspect.getsource(Recovery._build_highwaters)
    assert "value - 1" in inspect.getsource(Recovery._build_highwaters)


@pytest.mark.parametrize("resume", [Recovery.on_recovery_completed, Recovery._resume_streams])
def test_the_flow_is_resumed_after_the_seek_and_after_the_agents_queue_was_emptied(resume):
    """Why seeking stops the flow in the lane: else a block would be lost between the seek and the emptying."""
    text = inspect.getsource(resume)
    seek, clear, go = (
        text.index(step) for step in ("perform_seek()", "flow_control.resume()", "consumer.resume_flow()")
    )
    assert seek < clear < go
    assert "stop_flow" not in text


def test_resuming_the_flow_control_empties_the_queue():
    async def resume():
        control = FlowControlEvent()
        queue = FlowControlQueue(flow_control=control, clear_on_resume=True)
        control.resume()
        await queue.put("block")
        control.suspend()
        control.resume()
        return queue.qsize()

    assert asyncio.run(resume()) == 0
