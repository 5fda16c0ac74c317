"""The ways into the partitions of the readings: one batch at a time in each, and what comes meanwhile is the next.

That keeps the order of every key, and batches grow with the load without anybody waiting for one to fill.
"""

import asyncio
import logging
import time
from collections import deque
from typing import Final

from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

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

    @property
    def given_up(self) -> bool:
        """Nobody waits for it any more, or it is not stored: its sender sends all of it again, in its order."""
        return self.settled.done() or bool(self.failed)


Share = tuple[Call, list[Record]]
"""Records of one call for one partition."""


class Lane:
    """One partition's way into Kafka."""

    def __init__(self, lanes: "Lanes", partition: int) -> None:
        self._lanes, self._partition = lanes, partition
        self._waiting: deque[Share] = deque()
        self.task: asyncio.Task[None] | None = None

    def put(self, call: Call, records: list[Record]) -> None:
        """Take records in; their call is told when they have arrived."""
        self._waiting.append((call, records))
        if self.task is None:
            self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        under_way = self._lanes.under_way
        try:
            while self._waiting:
                under_way[self._partition] = time.monotonic()
                await self._send_next()
                under_way.pop(self._partition, None)
        finally:
            under_way.pop(self._partition, None)
            self.task = None
            for call, _ in self._waiting:
                call.settle("the gateway stops")
            self._waiting.clear()

    async def _send_next(self) -> None:
        """Send one batch of what waits. Whatever happens, each of its calls is told."""
        shares: list[Share] = []
        failed = "the gateway stops"
        try:
            async with asyncio.timeout(DELIVER_S_MAX):
                failed = await self._deliver(shares)
        except TimeoutError:
            failed = "Kafka has not acknowledged it"
            self._lanes.link.retire(self._lanes.link.producer())
        except (KafkaError, VigilError) as error:
            failed = f"Kafka did not take it: {type(error).__name__}"
        finally:
            for call, _ in shares:
                call.settle(failed)

    async def _deliver(self, shares: list[Share]) -> str:
        link, topic = self._lanes.link, self._lanes.topic
        batch = link.batch()
        self._fill(batch, shares)
        for _ in range(TRIES_MAX):
            if not shares:
                return ""
            producer = link.producer()
            try:
                await link.send(batch, topic, self._partition)
                return ""
            except REFUSED as error:
                # The sequence numbers of a producer that keeps them have a hole now; its next batch would fail.
                await link.replace(producer)
                return await self._apart(shares, error)
            except Exception as error:  # whatever it is, this producer will do no more
                logger.warning("a batch was not taken: %s", type(error).__name__)
                await link.replace(producer)
            batch = link.batch()
            for _, records in shares:
                _append(batch, records)
        return "Kafka has not acknowledged it"

    def _fill(self, batch: object, shares: list[Share]) -> None:
        """Move what waits into the batch, oldest first, until it is full; a share may be cut in two."""
        waiting = self._waiting
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


def _append(batch: object, records: list[Record]) -> int:
    """Put records into a batch and return how many it took; the broker stamps them anyway."""
    append = batch.append  # type: ignore[attr-defined]
    now_ms = time.time_ns() // 1_000_000
    for count, (key, value) in enumerate(records):
        if append(timestamp=now_ms, key=key, value=value) is None:
            return count
    return len(records)


class Lanes:
    """All partitions of one topic.

    Attributes:
        under_way: when the batch of a partition began its way (monotonic, s), the oldest first.
    """

    def __init__(self, link: Link, topic: str) -> None:
        self.link, self.topic = link, topic
        self.under_way: dict[int, float] = {}
        self._lanes: dict[int, Lane] = {}

    def put(self, call: Call, shares: dict[int, list[Record]]) -> None:
        """Send each partition its share."""
        for partition, records in shares.items():
            lane = self._lanes.get(partition)
            if lane is None:
                lane = self._lanes[partition] = Lane(self, partition)
            lane.put(call, records)

    def oldest_s(self, now_s: float) -> float:
        """Return how long the oldest batch has been on its way at `now_s` (monotonic), s; 0 without any."""
        return now_s - next(iter(self.under_way.values()), now_s)

    async def stop(self, wait_s: float) -> None:
        """Let what is on its way arrive, at most so long; the rest is told that it is not stored."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=wait_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=wait_s)
