"""Notices a partition that stands still though it has more records, and reads it again."""

import time
from collections.abc import Callable
from typing import Any, Final

from faust.types import TP

from clinical.limits import NEVER

READ_AGAIN_S: Final = 5.0
"""A partition that stands still for so long though it has more records is read again: a block may have been lost
on the way to the agent when a rebalance ended, with none behind it that would show the hole."""


class Standstill:
    """Looks after partitions whose progress is what is admitted of them; `consumer` returns the app's."""

    def __init__(self, consumer: Callable[[], Any]) -> None:
        self._consumer = consumer
        self._seen: dict[TP, tuple[int, float]] = {}

    async def look_after(self, tp: TP) -> None:
        """Read records again that were lost on the way to their agent."""
        consumer = self._consumer()
        expected, now_s = consumer.expected(tp), time.monotonic()
        if expected is None:  # not ours, or a topic that this worker does not read
            self._seen.pop(tp, None)
            return
        stable = consumer.stable_end(tp)
        is_held = stable <= expected < (consumer.highwater(tp) or 0)
        consumer.faults.held(tp, stable if is_held else None)
        if stable <= expected or consumer.faults.stops(tp):
            self._seen.pop(tp, None)
            return
        before, since_s = self._seen.get(tp, (NEVER, now_s))
        if before != expected:
            self._seen[tp] = (expected, now_s)
        elif now_s - since_s > READ_AGAIN_S:
            self._seen[tp] = (expected, now_s)
            await consumer.read_again(tp)
