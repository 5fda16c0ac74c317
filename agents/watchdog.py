"""The watchdog: a thread that stops the process when the event loop or the judging is stuck.

Faust only logs a stuck agent, and its consumer thread keeps the partitions meanwhile. Stopping hands them over.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from streams.publisher import fail_stop

DRAIN_S_MAX: Final = 28.0
"""From the signal to the end of a worker that drains, which takes a few seconds unless something is stuck. Less than
the 30 s after which service managers and orchestrators kill without a word."""


class Watchdog:
    """Watches signs of life; each names what it proves and is renewed by `alive`.

    Args:
        stall_s_max: how old a sign may grow.
        on_stall: what to do then; the default stops the process.
        clock_s: a monotonic clock.
    """

    def __init__(
        self,
        stall_s_max: float,
        on_stall: Callable[[str], None] = fail_stop,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stall_s_max = stall_s_max
        self._on_stall = on_stall
        self._clock_s = clock_s
        self._signs: dict[str, float] = {}
        self._drain_since_s: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vigil-watchdog", daemon=True)

    def alive(self, sign: str) -> None:
        """Renew a sign of life."""
        self._signs[sign] = self._clock_s()

    def forget(self, sign: str) -> None:
        """Stop expecting a sign of life."""
        self._signs.pop(sign, None)

    def draining(self) -> None:
        """Note that the worker was told to end: from here on only the drain's own bound counts."""
        if self._drain_since_s is None:
            self._drain_since_s = self._clock_s()

    def check(self) -> None:
        """Report a drain that is stuck, or else the first sign that is too old."""
        now = self._clock_s()
        if self._drain_since_s is not None:
            if now - self._drain_since_s > DRAIN_S_MAX:
                self._on_stall(f"the drain has not come to an end within {DRAIN_S_MAX:g} s")
            return
        for sign, renewed in tuple(self._signs.items()):
            if now - renewed > self._stall_s_max:
                self._on_stall(f"{sign}: no sign of life for {now - renewed:.0f} s")
                return

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Cease to watch."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self._stall_s_max / 10)):
            self.check()
