"""Faust's transport and consumer of the live lane: what is fetched comes in blocks, what is durable is committed."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import WaitResults

from streams.lane.admission import Admission, Left
from streams.lane.block import Block, StandIn
from streams.lane.eager import Ended, begin
from streams.lane.early_start import EarlyStart
from streams.lane.fetching import FetchingConsumer
from streams.lane.lane import BlockScheduler, LanePlan
from streams.lane.leaving import Leaving
from streams.lane.protocol import Reader
from streams.lane.two_producers import TwoProducers

WAIT_PROCESSED_S_MAX: Final = 20.0
"""How long a handover waits for the block that the agent is working on."""

REBALANCING_WAIT_S: Final = 0.02
"""How long is waited for records while a rebalance goes on, before it is asked anew which partitions to read."""

logger = logging.getLogger(__name__)


class _ReadOffsets(defaultdict[TP, int | None]):
    """How far Faust has read each partition, to leave out what comes again: of the lane's nothing, see `admit`."""

    def __init__(self, lane: LanePlan) -> None:
        super().__init__(lambda: None)
        self._lane = lane

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._lane.topics else super().__getitem__(tp)


class BlockConsumer(driver.Consumer):
    """Consumer that delivers blocks and commits what was declared durable, at once and never more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane: LanePlan = self.transport.lane
        self.scheduler = BlockScheduler(self._lane)
        self._read_offset = _ReadOffsets(self._lane)
        self._readers: dict[str, Reader] = self.transport.readers
        self._admissions: dict[TP, Admission] = {}
        self.faults = self._lane.faults
        self.early = EarlyStart(self._begin_early, self.crash)
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

        That is the committed offset, or an earlier one where the recovered state does not reach so far. What has begun
        early goes on where it is.

        Faust's fetcher asks for it too, when the flow has stopped while it waited for records, which it then drops.
        State may be old or not there yet at that moment, so it is not asked: what comes next is read again.

        The flow stops first. After a recovery Faust lets it run, seeks, and then empties the agent's queue before
        it resumes: a block that came between the last two would be lost, and unnoticed if none follows it.
        """
        if self.flow_active:
            self.stop_flow()
        ends = self.early.ends
        if asyncio.current_task() is self._fetcher:
            await super().perform_seek()
            for tp in tuple(self._admissions):
                await self._rewind(tp)
            return
        await self.early.settled()
        await super().perform_seek()
        for tp in filter(self._has_begun, tuple(self._admissions)):
            await self._rewind(tp)
        lane_tps = [tp for tp in self._waiting() if tp.topic in self._lane.topics]
        if not lane_tps:
            return
        rebuilt = [tp for tp in lane_tps if tp.topic in self._lane.rebuilt]
        log_ends = await self.highwaters(*rebuilt) if rebuilt else {}
        earliest = await self._earliest(lane_tps)
        if self.early.ends != ends:
            return  # the group has taken back what was to begin, and what had begun
        earlier = self._begin(lane_tps, earliest, log_ends)
        if earlier:
            await self.seek_wait(earlier)

    async def _begin_early(self, numbers: Collection[int]) -> None:
        """Have partitions judged whose own state is whole, while others' is still read."""
        whole = {
            TP(topic, number) for topic in self._readers for number in numbers if self._begins_early(topic)
        }
        tps = sorted(self.assignment() & whole)
        if not tps:
            return
        # Of what is whole nothing more is read: it would be what this worker writes itself from now on.
        self.pause_partitions({TP(log, tp.partition) for log in self._lane.changelogs for tp in tps})
        self._committed_offset.update(await self._thread.seek_to_committed(tps))
        earliest = await self._earliest(tps)
        for tp in tps:
            if (recovered := self._readers[tp.topic].recovered) is not None:
                recovered(tp.partition)
        self._begin(tps, earliest, {})
        await self.seek_wait({tp: self._admissions[tp].expected for tp in tps})
        self.resume_partitions(tps)

    def _begins_early(self, topic: str) -> bool:
        return self._lane.is_judged(topic) and self._readers[topic].recovered is not None

    def _has_begun(self, tp: TP) -> bool:
        return tp.partition in self.early.begun and tp.topic in self._readers and self._begins_early(tp.topic)

    def begun_early(self, topic: str) -> frozenset[int]:
        """Return the partitions of a topic that are judged while others are still recovered."""
        return frozenset(
            tp.partition for tp in self.assignment() if tp.topic == topic and self._has_begun(tp)
        )

    def _waiting(self) -> list[TP]:
        """Return what is assigned and not judged yet."""
        return [tp for tp in self.assignment() if not self._has_begun(tp)]

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Seek what is not judged yet to what is committed; in changelogs nothing is."""
        tps = [tp for tp in self._waiting() if tp.topic not in self._lane.changelogs]
        committed: Mapping[TP, int | None] = await self._thread.seek_to_committed(tps)
        return committed

    async def _earliest(self, lane_tps: Collection[TP]) -> Mapping[TP, int | None]:
        """Return the first offset of lane partitions and of their changelogs."""
        changelogs = {TP(topic, tp.partition) for topic in self._lane.changelogs for tp in lane_tps}
        earliest: Mapping[TP, int | None] = await self.earliest_offsets(*lane_tps, *sorted(changelogs))
        return earliest

    def _begin(
        self, lane_tps: list[TP], earliest: Mapping[TP, int | None], ends: Mapping[TP, int | None]
    ) -> dict[TP, int]:
        """Expect the next block of each partition where its reader goes on; return those before what is committed."""
        committed = {tp: self._committed_offset[tp] or 0 for tp in lane_tps}
        begins = self._resume_at(committed, earliest)
        earlier: dict[TP, int] = {}
        for tp in lane_tps:
            begin, first = begins[tp], earliest.get(tp) or 0
            if tp in ends:
                begin = 0
                self._readers[tp.topic].begin_anew(tp.partition, committed[tp], ends[tp] or 0)
            elif committed[tp]:
                # A new group has judged nothing, and a state that is built anew begins where the log does.
                self._gone(tp, begin or committed[tp], first)
            self._admission(tp).begin(max(begin, first))
            if max(begin, first) < committed[tp]:
                earlier[tp] = max(begin, first)
        return earlier

    def _resume_at(self, committed: Mapping[TP, int], earliest: Mapping[TP, int | None]) -> dict[TP, int]:
        """Return where to read on: where the reader of a judged topic says, or at what is committed."""
        begins, changelogs = dict(committed), self._lane.changelogs
        for topic in filter(self._lane.is_judged, self._readers):
            ours = {tp.partition: offset for tp, offset in committed.items() if tp.topic == topic}
            whole = {p: max([earliest.get(TP(log, p)) or 0 for log in changelogs]) for p in ours}
            resumed = self._readers[topic].resume_at(ours, whole)
            begins |= {TP(topic, partition): offset for partition, offset in resumed.items()}
        return begins

    def _admission(self, tp: TP) -> Admission:
        """Return what is kept of a lane partition, which is made when it is asked for first."""
        if tp not in self._admissions:
            self._admissions[tp] = Admission(partial(self._gone, tp))
        return self._admissions[tp]

    def _gone(self, tp: TP, first: int, end: int) -> None:
        gone = self.faults.gone(tp, first, end)
        if gone is not None and tp.topic in self._readers:
            self._readers[tp.topic].gone(gone)

    async def admit(self, block: Block) -> Sequence[Any] | None:
        """Return the records of a block that comes next; None when it came before or others are missing.

        Those are then read again; see `streams.lane.admission`.
        """
        tp = TP(block.topic, block.partition)
        admission = self._admissions.get(tp)
        records = Left.OUT if admission is None else admission.admit(block)
        if records is Left.READ_AGAIN:
            await self.read_again(tp)
        return None if isinstance(records, Left) else records

    async def read_again(self, tp: TP) -> None:
        """Read a lane partition again from the first record that was not admitted."""
        if await self._rewind(tp):
            logger.warning(
                "%s: records before what was fetched are missing, read again from %s", tp, self.expected(tp)
            )

    async def _rewind(self, tp: TP) -> bool:
        """Go back to the record that is admitted next; return whether the partition is ours and has one."""
        expected = self.expected(tp)
        if expected is None or tp not in self.assignment():
            return False
        self._admissions[tp].rewound = self._thread.rewinds + 1
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
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if self.app.rebalancing:
            timeout = min(timeout, REBALANCING_WAIT_S)
            if not self._get_active_partitions():
                await asyncio.sleep(timeout)
                return None, None
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
        return FetchingConsumer(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

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
        admission = self._admissions.get(tp)
        return None if admission is None else admission.expected

    def mark_durable(self, tp: TP, offset: int) -> None:
        """Declare that everything below `offset` needs no replay; the next commit takes it."""
        if tp in self.assignment():
            self._admission(tp).declare(offset)

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
        for tp, admission in tuple(self._admissions.items()):
            if admission.durable is not None and (topics is None or tp in topics or tp.topic in topics):
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._lane.topics:
            offset: int | None = super()._new_offset(tp)
            return offset
        admission = self._admissions.get(tp)
        return None if admission is None else admission.durable

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Tell the readers what is theirs now, before its state is recovered."""
        for topic, reader in self._readers.items():
            reader.assign(sorted(tp.partition for tp in assigned if tp.topic == topic))
        await super().on_partitions_assigned(assigned, generation_id)
        self.early.assigned()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Hand over, then forget. A worker that ends is handing over already."""
        await self.early.end()
        if self.leaving.is_ending():
            await self.leaving.handed_over()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._admissions.pop(tp, None)
        self.faults.forget(revoked)

    async def wait_empty(self) -> None:
        """Let the agent finish its block, hand over what is not durable yet, and commit; once if the worker ends."""
        if self.leaving.has_handed_over:
            return
        await self.early.end()
        waited = 0.0
        while self._unacked_messages and waited < WAIT_PROCESSED_S_MAX:
            await self._wait_for_ack(timeout=1)
            self._clean_unacked_messages()
            waited += 1
        for reader in self._readers.values():
            await reader.hand_over()
        if (
            not await self.commit()
        ):  # it only waited for one that had begun before the handover, and may hold less
            await self.commit()
        self.leaving.note_handover()

    def close(self) -> None:
        """Go on: Faust would close the client here if the group is rebalanced while the worker hands over."""


class BlockTransport(driver.Transport):
    """Faust's Kafka transport with the block consumer and two producers."""

    Consumer = BlockConsumer
    Producer = TwoProducers

    def __init__(self, url: Any, app: Any, lane: LanePlan) -> None:
        super().__init__(url, app)
        self.lane = lane
        self.readers: dict[str, Reader] = {}
        """Who works off the topics of the lane; they say so before the app starts."""
