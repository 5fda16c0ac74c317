"""Keeps one provider connected: builds a session, sees that it is lost, and builds another until it is there again."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
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
        """Mute and end it; blocks."""


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
        connected_s: when there was one last, or when the keeping began (the loop's time).
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
        self.connected_s = asyncio.get_running_loop().time()
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
            opening = self._executor.submit(self._open, self.at)
            try:
                session = await asyncio.wrap_future(opening)
            except NotConnected:
                self.at = None  # it may be elsewhere by now
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_S_MAX)
                continue
            except asyncio.CancelledError:
                opening.add_done_callback(
                    _abandon
                )  # the thread's own: it builds on, whatever is cancelled here
                raise
            wait_s = RETRY_S_FIRST
            try:
                await self._hold(session)
            except (
                Exception
            ) as error:  # a fault of ours, or the library's, in one session must not end the keeping
                logger.error("SDC: a session could not be held: %s", type(error).__name__)
            finally:
                self.connected = False
                self.connected_s = asyncio.get_running_loop().time()
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


def _abandon(opening: Future[Session]) -> None:
    """End what nobody waits for any more, in the thread that built it."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
