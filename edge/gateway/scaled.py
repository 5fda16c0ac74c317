"""Takes a running gateway over when the readings were given more partitions, to the generation that is written to."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from edge.gateway.door import KafkaDoor
from edge.gateway.refiling import Refiling
from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.contracts.topics import READINGS
from streams.kafka.followed_layout import FollowedLayout
from streams.kafka.hop_ends import are_forwarded
from streams.kafka.layout_log import laid_out

AHEAD_S_MAX: Final = 3.0
"""For what was written up to now to be forwarded, while senders go on: they are held for the rest alone."""

LOOK_S: Final = 1.0
AGAIN_S: Final = 5.0
"""Before another attempt, where workers do not forward or the brokers do not answer."""

logger = logging.getLogger(__name__)


class Scaled:
    """Follows how the readings lie, and goes where they are written to; `start` it once, `close` ends it.

    Args:
        settings: of the generation that is written to at the start.
        layout: as it was read then.
    """

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self._settings = settings
        self._followed = FollowedLayout(settings, layout)
        self._refiling = Refiling(settings)
        self._next_s = float("-inf")

    def start(self) -> None:
        """Begin to follow and to re-file."""
        self._followed.start()
        self._refiling.start()

    def close(self) -> None:
        """End; waits for the thread that re-files."""
        self._followed.end()
        self._refiling.close()

    async def go_over(self, door: KafkaDoor) -> None:
        """Look for ever whether the door is to be taken over: a task of its own, since it may take its time."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look(door)

    async def look(self, door: KafkaDoor) -> None:
        """Take the door over, if it is time to. What went wrong is told, and tried again."""
        layout = self._followed.layout
        if layout.written.number == self._settings.generation or time.monotonic() < self._next_s:
            return
        try:
            moved = await self._move(layout, door)
        except Exception as error:  # of the brokers, mostly; who gave up here would stay behind for good
            logger.warning("not going over to other readings yet: %r", error)
            moved = False
        if not moved:
            self._next_s = time.monotonic() + AGAIN_S

    async def _move(self, layout: Layout, door: KafkaDoor) -> bool:
        settings, since = laid_out(self._settings, layout, writes=True), self._settings.generation
        topic = settings.topic(READINGS)

        async def forwarded(wait_s: float) -> bool:
            return await _aside(partial(are_forwarded, settings, layout, wait_s, since))

        if since not in {each.number for each in layout.generations}:
            await door.move(topic, None)
        elif not (await forwarded(AHEAD_S_MAX) and await door.move(topic, forwarded)):
            logger.warning("readings are still written to generation %d: not all of it is forwarded", since)
            return False
        logger.info("readings are written to generation %d now", settings.generation)
        self._settings = settings
        await asyncio.to_thread(self._refiling.close)
        self._refiling = Refiling(settings)
        self._refiling.start()
        return True


async def _aside(ask: Callable[[], bool]) -> bool:
    """Ask in a thread that ends with the process: one of asyncio's would hold up the end of a gateway that stops."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bool] = loop.create_future()

    def settle(found: bool, error: Exception | None) -> None:
        if answer.done():
            return  # nobody waits any more
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def run() -> None:
        found, failed = False, None
        try:
            found = ask()
        except Exception as error:  # told where it is waited for
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=run, name="gateway-scaled", daemon=True).start()
    return await answer
