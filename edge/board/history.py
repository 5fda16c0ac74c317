"""What was measured before: the seam to `edge/history`, asked in threads of its own, a bounded number at a time."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from streams.config.settings import Settings
from streams.errors import Busy

THREADS: Final = 4
QUEUED_MAX: Final = 8
"""Questions that run or wait; one beyond it counts as late at once."""

STEPS_S: Final = (10, 60, 900)
"""Lengths of steps, s: those that are kept for longer than every reading."""

POINTS_MAX: Final = 2_880
"""Of one signal: two days by the minute, a month by quarter hours."""

Points = dict[str, list[tuple[int, float | None]]]
"""Readings by signal: time in ms and value in the signal's unit, None = attached without a reading."""


Trend = Callable[[Settings, str, int, int, Sequence[str], int], Points]
"""Asked with the settings, a patient, from and until when in ms, signals and the length of a step in s, which is one of
`STEPS_S`; returns the mean of each step, None for one without a reading."""


def step_of(span_ms: int) -> int:
    """Return the step of a trend over so long, s: the shortest of which `POINTS_MAX` are enough."""
    return next((step for step in STEPS_S if span_ms <= step * 1000 * POINTS_MAX), STEPS_S[-1])


def _always() -> bool:
    return True


class AskedHistory:
    """Asks a history without holding up the board; without one it knows nothing.

    Args:
        settings: say where it is kept.
        trend: reads it; None where none is kept.
        is_there: tells whether one is kept by now; asked, in a thread, with each question until it is.
    """

    def __init__(
        self, settings: Settings, trend: Trend | None, is_there: Callable[[], bool] = _always
    ) -> None:
        self._settings = settings
        self._trend = trend
        self._is_there = is_there
        self._is_found = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="board-history")
        self._running = 0

    @property
    def is_kept(self) -> bool:
        """Whether there was a history when it was last asked; one that begins later is found by the next question."""
        return self._is_found

    async def trend(self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str]) -> Points:
        """Return a patient's readings in steps that fit the time; nothing where no history is kept.

        Raises:
            Busy: more is asked than may be.
        """
        if self._trend is None:
            return {}
        if self._running >= QUEUED_MAX:
            raise Busy("history is asked more than it may be", 1.0)
        self._running += 1
        loop = asyncio.get_running_loop()
        step_s = step_of(until_ts_ms - from_ts_ms)
        said = self._settings, patient, from_ts_ms, until_ts_ms, signals, step_s
        asked = loop.run_in_executor(self._pool, self._read, self._trend, *said)
        asked.add_done_callback(self._ended)
        return await asyncio.shield(asked)  # a thread cannot be stopped: it counts until it ends

    def _read(self, trend: Trend, *said: Any) -> Points:
        """Called in a thread: a disk may not answer."""
        self._is_found = self._is_found or self._is_there()
        return trend(*said) if self._is_found else {}

    def close(self) -> None:
        """Wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, asked: "asyncio.Future[Points]") -> None:
        self._running -= 1
        if not asked.cancelled():
            asked.exception()
