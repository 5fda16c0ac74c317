"""Faust's transport and consumer of the live lane: what is fetched comes in blocks, what is durable is committed."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import WaitResults

from streams.lane.admission import Admission, Left
from streams.lane.block import Block, StandIn
from streams.lane.checksums import check_in_hardware
from streams.lane.client_pauses import ClientPauses
from streams.lane.eager import Ended, begin
from streams.lane.fetched import FetchedResults, Opening
from streams.lane.lane import BlockScheduler, Fetched, Lane
from streams.lane.leaving import Leaving
from streams.lane.one_loop import LoopConsumer
from streams.lane.whole_responses import gather_large_responses

WAIT_PROCESSED_S_MAX: Final = 20.0
"""How long a handover waits for the block that the agent is working on."""

RECOVERY_WAIT_MS: Final = 5
"""How long the broker holds an empty fetch while state is recovered. A node answers one fetch at a time, and the last
one for the changelogs, which brings nothing, would hold up the readings for as long as that."""

STATE_TRIES_MAX: Final = 4
"""Tries to open a batch of the changelog, 3.5 s in all: meanwhile the worker judges nothing."""

logger = logging.getLogger(__name__)


class _Consumer(LoopConsumer):
    """Faust's consumer with our bound on how long the broker holds an empty fetch (Faust fixes 1.5 s)."""

    rewinds = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pauses = ClientPauses()

    async def on_start(self) -> None:
        """Connect, and see to it that a worker that ends does not join again."""
        await super().on_start()
        self.consumer.leaving.keep_out(self._ensure_consumer()._coordinator)

    async def _fetch_records(self, consumer: aiokafka.AIOKafkaConsumer, *args: Any, **kwargs: Any) -> Fetched:
        fetcher, lane = consumer._fetcher, self.transport.lane
        if not isinstance(fetcher._records, FetchedResults):
            compacted = lane.changelogs | lane.rebuilt
            opening = Opening(lane.in_blocks, self._note_fault, lane.stamp, compacted, lane.raw)
            fetcher._records = FetchedResults(opening, fetcher._records)
        fetcher._fetch_max_wait_ms = RECOVERY_WAIT_MS if self.app.in_recovery else lane.fetch_wait_ms
        self._pauses.follow(consumer, self.consumer._paused_partitions | lane.faults.resting())
        fetched = Fetched(await super()._fetch_records(consumer, *args, **kwargs))
        for tp, stretches in fetched.items():
            if tp.topic in lane.in_blocks:
                (fetched[tp],) = stretches
                lane.faults.read(tp, fetched[tp].end)
        fetched.rewinds = self.rewinds
        return fetched

    def _note_fault(self, tp: TP, offset: int, error: Exception) -> None:
        """Let a fault of the log stop its partition; a state is given up after some tries, for all others wait for it.

        A recovery ends where the changelog does, so it is told that it is there.
        """
        lane, recovery = self.transport.lane, self.app.tables.recovery
        tries = lane.faults.cannot_open(tp, offset, error)
        # At once: who waits for records would be sent the same batch again, as often as the broker can.
        self._pauses.pause(self._ensure_consumer(), tp)
        if tp.topic in lane.changelogs and tries >= STATE_TRIES_MAX and tp in recovery.active_highwaters:
            lane.give_up_state(tp.partition)
            recovery.active_offsets[tp] = recovery.active_highwaters[tp]

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self.rewinds += 1  # first: nothing is fetched between this and the seek, which waits for nothing
        await super()._seek_wait(consumer, partitions)

    def stable_end(self, tp: TP) -> int | None:
        """Return the last stable offset of a partition as the broker said with what it sent; None = not yet."""
        stable: int | None = self._ensure_consumer().last_stable_offset(tp)
        return stable

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        gather_large_responses()
        consumer = super()._create_worker_consumer(transport)
        check_in_hardware(consumer)
        consumer._isolation_level = (
            "read_committed"  # Faust asks for it only where it has transactions of its own
        )
        consumer._fetch_max_wait_ms = transport.lane.fetch_wait_ms
        transport.lane.watch_client(consumer._client)
        return consumer


class _ReadOffsets(defaultdict[TP, int | None]):
    """How far Faust has read each partition, to leave out what comes again: of the lane's nothing, see `admit`."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lambda: None)
        self._lane = lane

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._lane.topics else super().__getitem__(tp)


class BlockConsumer(driver.Consumer):
    """Consumer that delivers blocks and commits what was declared durable, at once and never more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane: Lane = self.transport.lane
        self.scheduler = BlockScheduler(self._lane)
        self._read_offset = _ReadOffsets(self._lane)
        self._durable: dict[TP, int] = {}
        self.faults = self._lane.faults
        self._admission = Admission(self.faults.gone)
        self._expected, self._rewound = self._admission.expected, self._admission.rewound
        self._fetcher: asyncio.Task[Any] | None = None
        self._room = asyncio.Event()
        """Set while the agent that judges has room for another fetch."""
        self._room.set()
        self.leaving = Leaving(lambda: self.app.should_stop)

    def _to_message(self, tp: TP, record: Any) -> Any:
        message = super()._to_message(tp, record)
        if isinstance(record, StandIn):
            message.value = record
        return message

    def on_buffer_full(self, tp: TP) -> None:
        """Take nothing more for now of a topic; while readings wait to be judged, of none.

        Faust would go on with the other topics, wait up to a second for one of their records, and not look up when the
        agent has room again: readings would be judged, and alerts told, as much later.
        """
        if self._lane.is_judged(tp.topic):
            self._room.clear()
            return
        for each in self._together(tp):
            super().on_buffer_full(each)

    def on_buffer_drop(self, tp: TP) -> None:
        """Take records of the topic again."""
        if self._lane.is_judged(tp.topic):
            self._room.set()
            return
        for each in self._together(tp):
            super().on_buffer_drop(each)

    def _together(self, tp: TP) -> list[TP]:
        """Return what stops at once: a fetch brings all partitions of a lane topic as one event."""
        if tp.topic not in self._lane.topics:
            return [tp]
        return [each for each in self.assignment() if each.topic == tp.topic]

    async def perform_seek(self) -> None:
        """Seek to where judging goes on, and expect the next block of each lane partition to begin there.

        That is the committed offset, or an earlier one where the recovered state does not reach so far.

        Faust's fetcher asks for it too, when the flow has stopped while it waited for records, which it then drops.
        State may be old or not there yet at that moment, so it is not asked: what comes next is read again.

        The flow stops first. After a recovery Faust lets it run, seeks, and then empties the agent's queue before
        it resumes: a block that came between the last two would be lost, and unnoticed if none follows it.
        """
        if self.flow_active:
            self.stop_flow()
        await super().perform_seek()
        if asyncio.current_task() is self._fetcher:
            for tp in tuple(self._expected):
                await self._rewind(tp)
            return
        lane_tps = [tp for tp in self.assignment() if tp.topic in self._lane.topics]
        if not lane_tps:
            return
        earliest = await self.earliest_offsets(*lane_tps)
        committed = {tp: self._committed_offset[tp] or 0 for tp in lane_tps}
        judged = {tp: offset for tp, offset in committed.items() if self._lane.is_judged(tp.topic)}
        resume_at = await self._lane.resume_at({tp.partition: offset for tp, offset in judged.items()})
        rebuilt = [tp for tp in lane_tps if tp.topic in self._lane.rebuilt]
        ends = await self.highwaters(*rebuilt) if rebuilt else {}
        for tp in lane_tps:
            begin, first = resume_at[tp.partition] if tp in judged else committed[tp], earliest.get(tp) or 0
            if tp in ends:
                begin = 0
                self._lane.begin_anew(tp.partition, committed[tp], ends[tp] or 0)
            elif committed[tp]:
                # A new group has judged nothing, and a state that is built anew begins where the log does.
                self.faults.gone(tp, begin or committed[tp], first)
            self._expected[tp] = max(begin, first)
            self._rewound.pop(tp, None)
        earlier = {tp: self._expected[tp] for tp in lane_tps if self._expected[tp] < committed[tp]}
        if earlier:
            await self.seek_wait(earlier)

    async def admit(self, block: Block) -> Sequence[Any] | None:
        """Return the records of a block that comes next; None when it came before or others are missing.

        Those are then read again; see `streams.lane.admission`.
        """
        tp = TP(block.topic, block.partition)
        records = self._admission.admit(tp, block)
        if records is Left.READ_AGAIN:
            await self.read_again(tp)
        return None if isinstance(records, Left) else records

    async def read_again(self, tp: TP) -> None:
        """Read a lane partition again from the first record that was not admitted."""
        if await self._rewind(tp):
            logger.warning(
                "%s: records before what was fetched are missing, read again from %s",
                tp,
                self._expected.get(tp),
            )

    async def _rewind(self, tp: TP) -> bool:
        """Go back to the record that is admitted next; return whether the partition is ours and has one."""
        expected = self._expected.get(tp)
        if expected is None or tp not in self.assignment():
            return False
        self._rewound[tp] = self._thread.rewinds + 1
        await self.seek_wait({tp: expected})
        return True

    async def _wait_next_records(self, timeout: float) -> Any:
        self._fetcher = asyncio.current_task()
        if not self._room.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._room.wait()
            except TimeoutError:
                return None, None  # Faust asks again, unless it ends
        return await super()._wait_next_records(timeout)

    async def wait_first(self, *waits: Any, timeout: float | None = None) -> WaitResults:
        """Return the first that ends, at once if that is the first of them: Faust hands messages on in this way.

        With room in the agent's buffer nobody has to wait, and Faust would make four tasks to find that out.
        """
        first, *others = waits
        if asyncio.iscoroutine(first) and not self.should_stop:
            begun = begin(first)
            if isinstance(begun, Ended):
                for other in filter(asyncio.iscoroutine, others):
                    other.close()
                return WaitResults([first], [begun.value], stopped=False)
            first = begun
        return await super().wait_first(first, *others, timeout=timeout)

    async def sleep(self, n: float) -> None:
        """Let others run; Faust asks for a sleep of 0 before each fetch, and would make a task for it."""
        if n:
            await super().sleep(n)
        else:
            await asyncio.sleep(0)

    def _new_consumer_thread(self) -> Any:
        return _Consumer(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    def committed(self, tp: TP) -> int:
        """Return the offset that is committed as far as this consumer knows, 0 where there is none."""
        return self._committed_offset.get(tp) or 0

    def stable_end(self, tp: TP) -> int:
        """Return up to where a partition can be read at the moment: an open transaction holds up what follows it."""
        end: int = self.highwater(tp) or 0
        stable = self._thread.stable_end(tp)
        return end if stable is None or stable < 0 else min(end, stable)

    def expected(self, tp: TP) -> int | None:
        """Return the offset of a lane partition that is admitted next, None when the partition is not ours."""
        return self._expected.get(tp)

    def mark_durable(self, tp: TP, offset: int) -> None:
        """Declare that everything below `offset` needs no replay; the next commit takes it."""
        if tp in self.assignment():
            self._durable[tp] = max(offset, self._durable.get(tp, 0))

    def ack(self, message: Any) -> bool:
        """Note that the agent is done with a block. Says nothing about its effects: see `mark_durable`."""
        if message.topic not in self._lane.topics:
            return bool(super().ack(message))
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        waiting = self._waiting_for_ack
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self._lane.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in tuple(self._durable):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._lane.topics:
            offset: int | None = super()._new_offset(tp)
            return offset
        return self._durable.get(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Hand over, then forget. A worker that ends is handing over already."""
        if self.leaving.is_ending():
            await self.leaving.handed_over()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._durable.pop(tp, None)
            self._admission.forget(tp)
        self.faults.forget(revoked)

    async def wait_empty(self) -> None:
        """Let the agent finish its block, hand over what is not durable yet, and commit; once if the worker ends."""
        if self.leaving.has_handed_over:
            return
        waited = 0.0
        while self._unacked_messages and waited < WAIT_PROCESSED_S_MAX:
            await self._wait_for_ack(timeout=1)
            self._clean_unacked_messages()
            waited += 1
        await self._lane.handover()
        if (
            not await self.commit()
        ):  # it only waited for one that had begun before the handover, and may hold less
            await self.commit()
        self.leaving.note_handover()

    def close(self) -> None:
        """Go on: Faust would close the client here if the group is rebalanced while the worker hands over."""


class _WatchedProducer(driver.Producer):
    def _new_producer(self, transactional_id: str | None = None) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        self.transport.lane.watch_client(producer.client)
        return producer


class BlockTransport(driver.Transport):
    """Faust's Kafka transport with the block consumer."""

    Consumer = BlockConsumer
    Producer = _WatchedProducer

    def __init__(self, url: Any, app: Any, lane: Lane) -> None:
        super().__init__(url, app)
        self.lane = lane
