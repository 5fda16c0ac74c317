"""Faust's Kafka consumer in the worker's own event loop, instead of one that runs in a thread of its own.

With two threads every block crosses from one loop to the other and back, and whichever thread lets go of the
interpreter's lock, as each write to a socket does, waits until the other one gives it back. The worker has nothing to
do while it waits for records and the consumer nothing while it judges, so one loop does the same with less.
A loop that is stuck sends no heartbeats either: its partitions go to another worker, as they should.

What this relies on in faust-streaming 0.15.3 and mode 0.7.1 is held by tests/streams/test_one_loop.py.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import maybe_async

logger = logging.getLogger(__name__)


class _Task:
    """Stands in for the thread that mode starts a service in: it runs as a task of the loop that starts it."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the service run; a failure of it reaches the worker through `service.crash`."""
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        try:
            await self._service._serve()
        except Exception:  # the worker is told of a crash, but not of a failure while the consumer ends
            logger.exception("Faust's Kafka consumer ended")
            self._service.set_shutdown()

    def stop(self) -> None:
        """Nothing to join: the service has ended when it is told so."""


class LoopConsumer(driver.AIOKafkaConsumerThread):
    """Faust's consumer "thread" without a thread: its methods run where they are called."""

    Worker = _Task

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call what would run in the thread; like there, it goes on when whoever called it is cancelled."""
        return await asyncio.shield(asyncio.ensure_future(maybe_async(fun(*args, **kwargs))))

    async def getmany(self, active_partitions: Any, timeout: float) -> Any:
        """Return all that was fetched; a wait for records may be cancelled, and loses none by that."""
        return await self._fetch_records(self._ensure_consumer(), active_partitions, timeout=timeout)

    async def _gather_remaining_tasks(self) -> None:
        """Mode cancels all tasks of a thread's loop when the thread ends; those of this loop are not ours."""
