"""Publishing that is known to have arrived: every record is awaited, a failure stops the process."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NoReturn, Protocol

from streams.errors import PromiseBroken

OUTSTANDING_MAX: Final = 20_000
"""Records on their way to the broker; beyond it publishing waits."""

logger = logging.getLogger(__name__)


def fail_stop(reason: str) -> NoReturn:
    """Stop the process at once, without commit or clean-up: another worker takes over from the last checkpoint."""
    logger.critical("fail-stop: %s", reason)
    logging.shutdown()
    os._exit(PromiseBroken.exit_code)


class Sender(Protocol):
    """What the publisher needs of a producer: hand over a record, get a future of its arrival."""

    def __call__(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> Awaitable[Awaitable[Any]]:
        """Send one record."""


class BatchSender(Protocol):
    """Hand over records of one partition in as few batches as hold them, get the last offset when all arrived."""

    def __call__(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]
    ) -> Awaitable[Awaitable[int]]:
        """Send records, of which there is at least one."""


class Publisher:
    """Sends records and keeps count of those that have not arrived.

    Args:
        send: hands a record to the producer.
        send_batch: hands many records of one partition to the producer.
        timeout_s: how long `settled` waits for arrivals.
        on_failure: what to do when a record was refused; the default stops the process.
    """

    def __init__(
        self,
        send: Sender,
        send_batch: BatchSender,
        timeout_s: float,
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        self._send = send
        self._send_batch = send_batch
        self._timeout_s = timeout_s
        self._on_failure = on_failure
        self._outstanding: dict[asyncio.Future[Any], float] = {}
        """Records on their way and when each was sent, the oldest first."""

    @property
    def outstanding(self) -> int:
        """How many records have not arrived yet."""
        return len(self._outstanding)

    def waiting_s(self) -> float:
        """Return how long the oldest record has been on its way, 0 when none is."""
        sent_s = next(iter(self._outstanding.values()), None)
        return 0.0 if sent_s is None else time.monotonic() - sent_s

    async def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """Send a record; the future resolves when the broker has it."""
        if len(self._outstanding) >= OUTSTANDING_MAX:
            await self.settled()
        return self._watch(topic, await self._send(topic, key, value, partition, headers))

    async def publish_batch(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]
    ) -> asyncio.Future[int]:
        """Send records of one partition together; the future resolves to the offset of the last."""
        return self._watch(topic, await self._send_batch(topic, partition, records))

    def _watch(self, topic: str, arrival: Awaitable[Any]) -> asyncio.Future[Any]:
        future = asyncio.ensure_future(arrival)
        self._outstanding[future] = time.monotonic()
        future.add_done_callback(lambda done: self._arrived(topic, done))
        return future

    def _arrived(self, topic: str, future: asyncio.Future[Any]) -> None:
        self._outstanding.pop(future, None)
        if not future.cancelled() and (error := future.exception()) is not None:
            self._on_failure(f"a record for {topic} was not published: {error!r}")

    async def settled(self) -> None:
        """Wait until everything sent so far has arrived.

        Raises:
            PromiseBroken: it has not within the timeout, or the broker refused it.
        """
        waiting = tuple(self._outstanding)
        if not waiting:
            return
        done, late = await asyncio.wait(waiting, timeout=self._timeout_s)
        if late:
            raise PromiseBroken(f"{len(late)} records have not arrived within {self._timeout_s:g} s")
        for future in done:
            if (error := future.exception()) is not None:
                raise PromiseBroken(f"a record was not published: {error!r}")
