"""What was measured before: the seam to `edge/history`, asked in threads of its own, a bounded number at a time."""

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from clinical.vitals import SIGNALS
from edge.history.ledger import readings_folder
from edge.history.query import trend
from streams.errors import Busy
from streams.settings import Settings

THREADS: Final = 4
QUEUED_MAX: Final = 8
"""Questions that run or wait; one beyond it counts as late at once."""

Points = dict[str, list[tuple[int, float | None]]]
"""Readings by signal: time in ms and value in the signal's unit, None = attached without a reading."""


class History(Protocol):
    """Where readings are kept."""

    def trend(
        self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str] | None, step_s: float
    ) -> Points:
        """Return a patient's readings in steps of `step_s`, of these signals, None = of all."""


class KeptHistory:
    """The history that a process on this machine, or on the same disk, keeps."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def trend(
        self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str] | None, step_s: float
    ) -> Points:
        """Return the mean of each step; steps are of whole minutes where they may be that long."""
        step = math.ceil(step_s / 60) * 60 if step_s > 10 else math.ceil(step_s)
        names = [signal.name for signal in SIGNALS] if signals is None else list(signals)
        return trend(self._settings, patient, from_ts_ms, until_ts_ms, names, step)


def kept_history(settings: Settings) -> KeptHistory | None:
    """Return the history that the settings name, None where nobody has begun one."""
    return KeptHistory(settings) if readings_folder(settings).is_dir() else None


class AskedHistory:
    """Asks a history without holding up the board; without one it knows nothing."""

    def __init__(self, history: History | None) -> None:
        self._history = history
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="board-history")
        self._running = 0

    @property
    def is_kept(self) -> bool:
        """Whether there is a history at all."""
        return self._history is not None

    async def trend(
        self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str] | None, step_s: float
    ) -> Points:
        """Return a patient's readings; nothing where no history is kept.

        Raises:
            Busy: more is asked than may be.
        """
        if self._history is None:
            return {}
        if self._running >= QUEUED_MAX:
            raise Busy("history is asked more than it may be", 1.0)
        self._running += 1
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(
            self._pool, self._history.trend, patient, from_ts_ms, until_ts_ms, signals, step_s
        )
        asked.add_done_callback(self._ended)
        return await asyncio.shield(asked)  # a thread cannot be stopped: it counts until it ends

    def close(self) -> None:
        """Wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, asked: "asyncio.Future[Points]") -> None:
        self._running -= 1
        if not asked.cancelled():
            asked.exception()
