"""From the SDC library's threads to the event loop: a bounded queue that never makes a thread wait."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from edge.gateway.sdc.state_copies import StateReport

REPORTS_MAX: Final = 5_000
"""Reports that wait for the loop: seconds of a busy ward, for the loop is never held up for longer."""


class Handover:
    """Hands reports over.

    Args:
        loop: where they are taken.
        take: called in the loop with whose report it is and the report.
        lost: called in the loop with how many did not fit.
        reports_max: how many wait.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        take: Callable[[str, StateReport], None],
        lost: Callable[[int], None],
        reports_max: int = REPORTS_MAX,
    ) -> None:
        self._loop, self._take, self._tell_lost, self._max = loop, take, lost, reports_max
        self._waiting: deque[tuple[str, StateReport]] = deque()
        self._lock = threading.Lock()
        self._called = False
        self._lost = 0

    def offer(self, epr: str, report: StateReport) -> None:
        """Hand a report over, from any thread; where there is no room, the oldest makes room and is counted."""
        with self._lock:
            if len(self._waiting) >= self._max:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append((epr, report))
            if self._called:
                return
            self._called = True
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # the loop has ended, and with it the gateway
            return

    def _drain(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            lost, self._lost = self._lost, 0
            self._called = False
        if lost:
            self._tell_lost(lost)
        for epr, report in waiting:
            self._take(epr, report)
