"""The ways into the partitions of the readings: one batch at a time in each, and what comes meanwhile is the next.

That keeps the order of every key, and batches grow with the load without anybody waiting for one to fill.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from edge.gateway.link import Link
from streams.errors import VigilError

Record = tuple[bytes, bytes]
"""Key and value."""

REFUSED: Final = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    CorruptRecordException,
)
"""What the broker says of a batch of which it does not want a record; nothing of the batch is in the log.

Not UnknownError, which is also a fault of the broker's own: that may be over the next time.
"""

TRIES_MAX: Final = 3
"""For a batch whose producer ended; each time another producer has it."""

DELIVER_S_MAX: Final = 12.0
"""For a batch, all tries: then its producer is ended and with it the batch. It was filed by what was known, and what
arrived any later would be missed by the re-filing (`refiler.STORE_MS_MAX`)."""

NOT_ACKNOWLEDGED: Final = "Kafka has not acknowledged it"

logger = logging.getLogger(__name__)


class Call:
    """What one call has on its way: settled when every share of it is.

    Attributes:
        settled: done when nothing is on its way any more, or when the caller waits no longer.
        failed: why Kafka is not known to have all of it; empty = it has, but for what is `refused`.
        refused: records that the broker does not want, by identity.
    """

    __slots__ = ("failed", "left", "refused", "settled")

    def __init__(self, shares: int) -> None:
        self.left = shares
        self.settled = asyncio.get_running_loop().create_future()
        self.failed = ""
        self.refused: list[Record] = []

    def settle(self, failed: str = "") -> None:
        """Note that one share is on its way no more."""
        self.left -= 1
        self.failed = self.failed or failed
        if self.left == 0 and not self.settled.done():
            self.settled.set_result(None)

    async def wait(self, wait_s: float) -> None:
        """Wait until it is settled, at most so long; then it has failed."""
        # Not asyncio.timeout: that takes twice the time, and every message waits here.
        late = self.settled.get_loop().call_later(wait_s, self._give_up, wait_s)
        try:
            await self.settled
        finally:
            late.cancel()

    def _give_up(self, wait_s: float) -> None:
        if not self.settled.done():
            self.failed = f"{NOT_ACKNOWLEDGED} within {wait_s:g} s"
            self.settled.set_result(None)

    @property
    def given_up(self) -> bool:
        """Nobody waits for it any more, or it is not stored: its sender sends all of it again, in its order."""
        return self.settled.done() or bool(self.failed)


Share = tuple[Call, list[Record]]
"""Records of one call for one partition."""


class Lane:
    """One partition's way into Kafka.

    A batch that the producer takes at once, as it nearly always does, needs no task: what becomes of it calls back.
    One that it does not take, or that fails, is sent by a task.

    Attributes:
        busy: a batch is on its way, or about to be.
    """

    def __init__(self, lanes: "Lanes", partition: int) -> None:
        self._lanes, self._partition = lanes, partition
        self._waiting: deque[Share] = deque()
        self._shares: list[Share] = []
        self._producer: AIOKafkaProducer | None = None
        self._trying: asyncio.Task[str] | None = None
        self.busy = False

    def put(self, call: Call, records: list[Record]) -> None:
        """Take records in; their call is told when they have arrived."""
        self._waiting.append((call, records))
        if self.busy:
            return
        self.busy = True
        if self._lanes.under_way:
            # Under load, what this turn of the event loop brings goes together; one alone need not wait for that.
            asyncio.get_running_loop().call_soon(self._send_next)
        else:
            self._send_next()

    def give_up(self) -> None:
        """Wait no longer for the batch that is on its way, and see that it does not arrive later."""
        if self._producer is not None:
            self._lanes.link.retire(self._producer)
        self._leave()

    def stop(self) -> None:
        """Wait no longer for anything."""
        self._let_go("the gateway stops")
        self._leave()

    def _leave(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
        elif self._shares:
            self._end(NOT_ACKNOWLEDGED)

    def _let_go(self, failed: str) -> None:
        for call, _ in self._waiting:
            call.settle(failed)
        self._waiting.clear()

    def _send_next(self) -> None:
        """Send one batch of what waits. Whatever happens, each of its calls is told."""
        link = self._lanes.link
        if self._waiting:
            try:
                self._producer, batch = link.producer(), link.batch()
            except VigilError as error:
                self._let_go(_not_taken(error))
            else:
                self._fill(batch)
        if not self._shares:
            self.busy = False
            self._lanes.rested.set()
            return
        self._lanes.begin(self._partition)
        handed = link.hand_over(batch, self._lanes.topic, self._partition)
        if handed is None:
            self._begin_tries(None)
        else:
            handed.add_done_callback(partial(self._arrived, self._shares))

    def _arrived(self, shares: list[Share], handed: asyncio.Future[Any]) -> None:
        """Take in what the producer says of a batch that it took at once."""
        error = handed.exception()
        if shares is not self._shares:
            return  # given up meanwhile
        if error is None:
            self._end("")
        else:
            self._begin_tries(handed)

    def _begin_tries(self, handed: asyncio.Future[Any] | None) -> None:
        self._trying = asyncio.create_task(self._try(handed))
        self._trying.add_done_callback(self._tried)

    def _tried(self, trying: asyncio.Task[str]) -> None:
        self._trying = None
        if trying.cancelled():
            self._end(NOT_ACKNOWLEDGED)
        else:
            error = trying.exception()
            self._end(trying.result() if error is None else _not_taken(error))

    def _end(self, failed: str) -> None:
        """Tell the calls of a batch what became of it, and go on with what has come meanwhile."""
        shares, self._shares = self._shares, []
        self._lanes.end(self._partition)
        if failed:
            self._lanes.unsure_s = time.monotonic()
        for call, _ in shares:
            call.settle(failed)
        self._send_next()

    async def _try(self, handed: asyncio.Future[Any] | None) -> str:
        """Send until it has arrived, the first time if none has been `handed` over; return why it has not."""
        link, topic, producer = self._lanes.link, self._lanes.topic, self._producer
        sending: Awaitable[Any] | None = handed
        for _ in range(TRIES_MAX):
            if sending is None:
                self._producer, batch = link.producer(), link.batch()
                for _, records in self._shares:
                    _append(batch, records)
                sending = link.send(batch, topic, self._partition)
            producer = self._producer
            try:
                await sending
                return ""
            except REFUSED as error:
                # The sequence numbers of a producer that keeps them have a hole now; its next batch would fail.
                await link.replace(producer)
                return await self._apart(self._shares, error)
            except Exception as error:  # whatever it is, this producer will do no more
                logger.warning("a batch was not taken: %s", type(error).__name__)
                await link.replace(producer)
            sending = None
        return NOT_ACKNOWLEDGED

    def _fill(self, batch: BatchBuilder) -> None:
        """Move what waits into the batch, oldest first, until it is full; a share may be cut in two."""
        waiting, shares = self._waiting, self._shares
        while waiting:
            call, records = waiting.popleft()
            if call.given_up:
                call.settle()
                continue
            taken = _append(batch, records)
            if taken == len(records):
                shares.append((call, records))
                continue
            if taken:
                call.left += 1
                shares.append((call, records[:taken]))
            waiting.appendleft((call, records[taken:]))
            return

    async def _apart(self, shares: list[Share], error: KafkaError) -> str:
        """Send again, in halves, what was refused together; one record that is refused alone is told."""
        records = [(call, record) for call, found in shares for record in found]
        pending = [records]
        while pending:
            part = pending.pop()
            if part is not records:
                producer, batch = self._lanes.link.producer(), self._lanes.link.batch()
                _append(batch, [record for _, record in part])
                try:
                    await self._lanes.link.send(batch, self._lanes.topic, self._partition)
                    continue
                except REFUSED:
                    await self._lanes.link.replace(producer)
            if len(part) == 1:
                part[0][0].refused.append(part[0][1])
            else:
                half = len(part) // 2
                pending += [part[half:], part[:half]]  # the first half is sent first: the order stays
        return ""


def _not_taken(error: BaseException) -> str:
    return f"Kafka did not take it: {type(error).__name__}"


def _append(batch: BatchBuilder, records: list[Record]) -> int:
    """Put records into a batch and return how many it took; the broker stamps them anyway."""
    append = batch.append
    now_ms = time.time_ns() // 1_000_000
    for count, (key, value) in enumerate(records):
        if append(timestamp=now_ms, key=key, value=value) is None:
            return count
    return len(records)


class Lanes:
    """All partitions of one topic.

    Attributes:
        under_way: when the batch of a partition began its way (monotonic, s), the oldest first.
        rested: set when a lane has nothing on its way any more.
        unsure_s: when a batch was last given up that may arrive all the same (monotonic, s).
    """

    def __init__(self, link: Link, topic: str) -> None:
        self.link, self.topic = link, topic
        self.under_way: dict[int, float] = {}
        self.rested = asyncio.Event()
        self.unsure_s = float("-inf")
        self._lanes: dict[int, Lane] = {}
        self._looking: asyncio.TimerHandle | None = None

    def put(self, call: Call, shares: dict[int, list[Record]]) -> None:
        """Send each partition its share."""
        for partition, records in shares.items():
            lane = self._lanes.get(partition)
            if lane is None:
                lane = self._lanes[partition] = Lane(self, partition)
            lane.put(call, records)

    def begin(self, partition: int) -> None:
        """Note that a batch begins its way; beyond `DELIVER_S_MAX` it is given up."""
        self.under_way[partition] = time.monotonic()
        if self._looking is None:  # one timer for all: nearly every batch has arrived long before
            self._look_in(DELIVER_S_MAX)

    def end(self, partition: int) -> None:
        """Note that a partition's batch is on its way no more."""
        self.under_way.pop(partition, None)

    def _look_in(self, wait_s: float) -> None:
        self._looking = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _look(self) -> None:
        """Give up what has been on its way for too long."""
        self._looking = None
        now_s = time.monotonic()
        for partition, began_s in tuple(self.under_way.items()):
            left_s = began_s + DELIVER_S_MAX - now_s
            if left_s > 0:
                self._look_in(left_s)
                return
            self._lanes[partition].give_up()

    def oldest_s(self, now_s: float) -> float:
        """Return how long the oldest batch has been on its way at `now_s` (monotonic), s; 0 without any."""
        return now_s - next(iter(self.under_way.values()), now_s)

    async def stop(self, wait_s: float) -> None:
        """Let what is on its way arrive, at most so long; the rest is told that it is not stored."""
        if not await self.rest(wait_s):
            for lane in self._lanes.values():
                lane.stop()
            await self.rest(wait_s)

    async def rest(self, wait_s: float) -> bool:
        """Wait until nothing is on its way, at most so long; tell whether that came."""
        try:
            async with asyncio.timeout(wait_s):
                while any(lane.busy for lane in self._lanes.values()):
                    self.rested.clear()
                    await self.rested.wait()
        except TimeoutError:
            return False
        return True
