"""The watchdog: a thread that stops the process when the event loop or the judging is stuck.

Faust only logs a stuck agent, and its consumer keeps the partitions for as long as the loop runs. Stopping hands
them over.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from streams.kafka.publisher import fail_stop

DRAIN_S_MAX: Final = 28.0
"""From the signal to the end of a worker that drains, which takes a few seconds unless something is stuck. Less than
the 30 s after which service managers and orchestrators kill without a word."""

DRAIN_SLOW_S: Final = 12.0
"""A drain that takes this long says in the log what it waits for, while it goes on: enough for one commit that times
out and is tried again."""

MEMBERSHIP: Final = "membership in the group"
"""Sign that is renewed while partitions are assigned and recovered, and by every block that a recovery reads."""

MEMBERSHIP_S_MAX: Final = 60.0
"""For a start or a rebalance without recovering anything: a rebalance waits at most two session timeouts for the
slowest member. Faust starts its timers after the first recovery and waits for ever for a broker that says nothing."""

logger = logging.getLogger(__name__)


class Watchdog:
    """Watches signs of life; each names what it proves and is renewed by `alive`.

    Args:
        stall_s_max: how old a sign may grow that has no bound of its own.
        on_stall: what to do then; the default stops the process.
        clock_s: a monotonic clock.

    What is given to `start` says what the process waits for; it is asked before `on_stall` is called, and once in a
    slow drain.
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
        self._describe: Callable[[], str] = str
        self._signs: dict[str, tuple[float, float]] = {}
        self._drain_since_s: float | None = None
        self._is_slow_drain_told = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vigil-watchdog", daemon=True)

    def alive(self, sign: str, within_s: float | None = None) -> None:
        """Renew a sign of life, and expect the next within `within_s`, or else `stall_s_max`."""
        self._signs[sign] = self._clock_s(), self._stall_s_max if within_s is None else within_s

    def member(self) -> None:
        """Note that joining the group makes progress, or is done."""
        self.alive(MEMBERSHIP, max(MEMBERSHIP_S_MAX, self._stall_s_max))

    def forget(self, sign: str) -> None:
        """Stop expecting a sign of life."""
        self._signs.pop(sign, None)

    def draining(self) -> None:
        """Note that the worker was told to end: from here on only the drain's own bound counts."""
        if self._drain_since_s is None:
            self._drain_since_s = self._clock_s()

    def check(self) -> None:
        """Report a drain that is slow or stuck, or else the first sign that is too old."""
        now = self._clock_s()
        if self._drain_since_s is not None:
            self._check_drain(now - self._drain_since_s)
            return
        for sign, (renewed, within_s) in tuple(self._signs.items()):
            if now - renewed > within_s:
                self._stalled(f"{sign}: no sign of life for {now - renewed:.0f} s")
                return

    def _check_drain(self, lasts_s: float) -> None:
        if lasts_s > DRAIN_S_MAX:
            self._stalled(f"the drain has not come to an end within {DRAIN_S_MAX:g} s")
        elif lasts_s > DRAIN_SLOW_S and not self._is_slow_drain_told:
            self._is_slow_drain_told = True
            logger.warning("the drain has taken %.0f s so far:\n%s", lasts_s, self._where())

    def _stalled(self, reason: str) -> None:
        logger.critical("%s:\n%s", reason, self._where())
        self._on_stall(reason)

    def _where(self) -> str:
        try:
            return self._describe()
        except (
            Exception
        ) as error:  # the loop runs on meanwhile; nothing may keep the process from being stopped
            return repr(error)

    def start(self, describe: Callable[[], str]) -> None:
        """Begin to watch; the worker is about to join its group. `describe` says what the process waits for."""
        self._describe = describe
        self.member()
        self._thread.start()

    def stop(self) -> None:
        """Cease to watch."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self._stall_s_max / 10)):
            self.check()
