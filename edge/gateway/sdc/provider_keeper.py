"""Keeps one provider connected: builds a session, sees that it is lost, and builds another until it is there again."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Protocol

from edge.gateway.sdc.provider_session import NotConnected, Whereabouts

LOOK_S: Final = 0.25
RETRY_S_FIRST: Final = 0.5
RETRY_S_MAX: Final = 3.0
"""Between two tries. With a try's `ANSWER_S_MAX` and a search it stays below the 15 s in which readings come again."""

logger = logging.getLogger(__name__)


class Session(Protocol):
    """A connection, as it is kept."""

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The names of the provider's certificate."""

    def is_lost(self, silence_s_max: float) -> bool:
        """Tell whether it must be built anew."""

    def mute(self) -> None:
        """Hand nothing over any more."""

    def close(self) -> None:
        """End it; blocks."""


class ProviderKeeper:
    """Keeps one provider.

    Args:
        open_session: connects, in a thread; raises NotConnected.
        admits: tells whether a provider with these certificate names may send.
        silence_s_max: a session without a report for so long is lost.
        executor: where what blocks is done.

    Attributes:
        at: where the provider was found last, None while it is looked for.
        connected: whether there is a session.
    """

    def __init__(
        self,
        open_session: Callable[[Whereabouts], Session],
        admits: Callable[[tuple[str, ...]], bool],
        silence_s_max: float,
        executor: Executor,
    ) -> None:
        self._open, self._admits = open_session, admits
        self._silence_s_max, self._executor = silence_s_max, executor
        self.at: Whereabouts | None = None
        self.connected = False
        self._came = asyncio.Event()
        self._closing: set[asyncio.Future[None]] = set()

    def found(self, at: Whereabouts) -> None:
        """Note where it is, if it is looked for."""
        if self.at is None:
            self.at = at
            self._came.set()

    async def run(self) -> None:
        """Keep it, until cancelled."""
        wait_s = RETRY_S_FIRST
        while True:
            await self._came.wait()
            self._came.clear()
            assert self.at is not None
            loop = asyncio.get_running_loop()
            opening = loop.run_in_executor(self._executor, self._open, self.at)
            try:
                session = await opening
            except NotConnected:
                self.at = None  # it may be elsewhere by now
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_S_MAX)
                continue
            except asyncio.CancelledError:
                opening.add_done_callback(_abandon)
                raise
            wait_s = RETRY_S_FIRST
            try:
                await self._hold(session)
            finally:
                self.connected = False
                self.at = None
                self._close(session)

    async def _hold(self, session: Session) -> None:
        """Return when the session is lost, or is not one that may send."""
        if not self._admits(session.certificate_names):
            session.mute()
            await asyncio.sleep(RETRY_S_MAX)
            return
        self.connected = True
        logger.info("SDC: a provider is connected")
        # The library tells nobody of a loss, so there is nothing to wait for.
        while not session.is_lost(self._silence_s_max):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        logger.warning("SDC: a provider is lost and looked for")

    def _close(self, session: Session) -> None:
        """End a session beside what goes on: a dead provider keeps whoever says goodbye to it waiting."""
        session.mute()
        closing = asyncio.get_running_loop().run_in_executor(self._executor, session.close)
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _abandon(opening: asyncio.Future[Session]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().mute()
