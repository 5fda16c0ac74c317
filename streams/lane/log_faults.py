"""What is wrong with the log of a partition, as the consumer meets it, and when it is tried again.

A batch that cannot be opened (damaged, or of a codec that nobody here knows) and a transaction that stays open stop
their partition and no other: nothing behind them is read, and nothing is passed over. Records that were deleted before
they were judged stop nothing: they are gone.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

logger = logging.getLogger(__name__)

RETRY_S_FIRST: Final = 0.5
RETRY_S_MAX: Final = 15.0
"""Between two tries to open a batch: twice as long after each, up to a bound. Every try fetches the batch again."""

TOLD_TRIES: Final = 2
"""Tries after which people are told: one damaged response is mended by the next."""

HELD_S_MAX: Final = 10.0
"""A transaction may hold up what follows it for so long before people are told [M]; most last under a second."""


@dataclass(slots=True)
class Fault:
    """From `offset` on a partition cannot be read."""

    offset: int
    why: str
    since_s: float
    tries: int = 0
    wait_s: float = 0.0
    """Between the last try and the next."""
    retry_s: float = 0.0
    """When it is tried again; both times by the monotonic clock."""
    is_held: bool = False
    """By an open transaction: there is nothing to try."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The log does not have the records from `first` up to but not including `end`, and they were not judged."""

    tp: Any
    first: int
    end: int


class LogFaults:
    """The faults of the partitions of one consumer."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._faults: dict[Any, Fault] = {}
        self._gone_until: dict[Any, int] = {}

    def cannot_open(self, tp: Any, offset: int, error: Exception) -> int:
        """Note that the batch at an offset could not be opened, and leave it alone for a while; return the tries."""
        fault = self._faults.get(tp)
        if fault is None or fault.is_held or fault.offset != offset:
            fault = self._faults[tp] = Fault(offset, "", self._clock_s())
        fault.why = str(error) or type(error).__name__
        fault.wait_s = min(RETRY_S_MAX, 2 * fault.wait_s or RETRY_S_FIRST)
        fault.tries += 1
        fault.retry_s = self._clock_s() + fault.wait_s
        logger.warning(
            "%s: the batch at offset %s cannot be opened, tried again in %g s: %s",
            tp,
            offset,
            fault.wait_s,
            fault.why,
        )
        return fault.tries

    def read(self, tp: Any, end: int) -> None:
        """Note that a partition was read up to `end`."""
        fault = self._faults.get(tp)
        if fault is not None and end > fault.offset:
            del self._faults[tp]

    def held(self, tp: Any, offset: int | None) -> None:
        """Note that an open transaction lets nothing be read from an offset on; None = there is none."""
        fault = self._faults.get(tp)
        if fault is not None and not fault.is_held:
            return
        if offset is None:
            self._faults.pop(tp, None)
        elif fault is None or fault.offset != offset:
            why = f"a transaction that began at offset {offset} is still open"
            self._faults[tp] = Fault(offset, why, self._clock_s(), is_held=True)

    def gone(self, tp: Any, first: int, end: int) -> Gone | None:
        """Note that records were deleted before they were judged; return those that were not noted before."""
        first = max(first, self._gone_until.get(tp, first))
        if first >= end:
            return None
        self._gone_until[tp] = end
        logger.error("%s: records %s to %s were deleted before they were judged", tp, first, end - 1)
        return Gone(tp, first, end)

    def resting(self) -> frozenset[Any]:
        """Return the partitions that are not to be fetched now."""
        if not self._faults:
            return frozenset()
        now_s = self._clock_s()
        return frozenset(tp for tp, fault in self._faults.items() if fault.retry_s > now_s)

    def stops(self, tp: Any) -> bool:
        """Whether a partition stands still through a fault of its log, and not through us."""
        return tp in self._faults

    def to_tell(self) -> dict[Any, Fault]:
        """Return the faults that have lasted for so long that people are told."""
        now_s = self._clock_s()
        return {
            tp: fault
            for tp, fault in self._faults.items()
            if (now_s - fault.since_s > HELD_S_MAX if fault.is_held else fault.tries >= TOLD_TRIES)
        }

    def forget(self, tps: Iterable[Any]) -> None:
        """Forget partitions that are somebody else's now."""
        for tp in tps:
            self._faults.pop(tp, None)
            self._gone_until.pop(tp, None)
