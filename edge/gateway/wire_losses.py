"""What a protocol without acknowledgements has lost before it came: gaps in a sender's numbers, and in time."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, TypeVar

from streams.decoding.wire_frames import WireFrame

KNOWN_MAX: Final = 65_536
"""Counters and devices that are kept in mind; of those that nothing comes from the oldest is forgotten."""

INTERVALS: Final = 5
"""A device that was not heard for so many of its intervals was away: one gap."""


K = TypeVar("K")


def is_gap(last_ms: int, frame: WireFrame) -> bool:
    """Tell whether a device that was heard at `last_ms` before this frame was away in between."""
    return frame.event_ts_ms - last_ms > INTERVALS * frame.interval_ms


class Gaps:
    """Counts gaps; one for a protocol."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._times: OrderedDict[str, int] = OrderedDict()

    def by_number(self, source: str, numbers: Iterable[tuple[str, int]]) -> int:
        """Return how many numbers are missing before these of a source; a lower one than before begins anew."""
        missing = 0
        for counter, number in numbers:
            last = self._numbers.pop((source, counter), None)
            if last is not None and number > last:
                missing += number - last - 1
            _keep(self._numbers, (source, counter), number)
        return missing

    def by_time(self, frames: Iterable[WireFrame]) -> int:
        """Return before how many frames their devices were away."""
        gaps = 0
        for frame in frames:
            last_ms = self._times.pop(frame.device, None)
            gaps += last_ms is not None and is_gap(last_ms, frame)
            _keep(self._times, frame.device, max(frame.event_ts_ms, last_ms or 0))
        return gaps


def _keep(known: OrderedDict[K, int], key: K, value: int) -> None:
    known[key] = value
    if len(known) > KNOWN_MAX:
        known.popitem(last=False)
