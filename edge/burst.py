"""When each frame of a simulated ward is due: a steady rate with bursts, computed before anything is sent."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.errors import UsageError

FACTOR_MAX: Final = 1_000.0
TIME_S_MAX: Final = 86_400.0 * 365
BURSTS_MAX: Final = 1_000

_NUMBER: Final = r"(?:\d+(?:\.\d*)?|\.\d+)"
_BURST: Final = re.compile(rf"(?P<factor>{_NUMBER})@(?P<start>{_NUMBER})\+(?P<length>{_NUMBER})")


@dataclass(frozen=True, slots=True)
class Burst:
    """`factor` times the rate from `start_s` (counted from the run's start) for `length_s`."""

    factor: float
    start_s: float
    length_s: float

    @property
    def end_s(self) -> float:
        """The first moment after the burst, s."""
        return self.start_s + self.length_s


def parse_burst(text: str) -> Burst:
    """Read `FACTOR@START+SECONDS`, for example `5@10+3`: five times the rate from second 10 for 3 s.

    Raises:
        UsageError: names the part that is wrong.
    """
    match = _BURST.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"burst {text!r}: expected FACTOR@START+SECONDS, for example 5@10+3")
    burst = Burst(float(match["factor"]), float(match["start"]), float(match["length"]))
    if not 0 < burst.factor <= FACTOR_MAX:
        raise UsageError(
            f"burst {text!r}: factor {match['factor']} is not above 0 and at most {FACTOR_MAX:g}"
        )
    if burst.start_s > TIME_S_MAX:
        raise UsageError(f"burst {text!r}: start {match['start']} s is more than {TIME_S_MAX:g} s")
    if not 0 < burst.length_s <= TIME_S_MAX:
        raise UsageError(
            f"burst {text!r}: length {match['length']} s is not above 0 s and at most {TIME_S_MAX:g} s"
        )
    return burst


def check_bursts(bursts: Sequence[Burst]) -> tuple[Burst, ...]:
    """Return the bursts in order of time.

    Raises:
        UsageError: there are too many, or two of them overlap.
    """
    if len(bursts) > BURSTS_MAX:
        raise UsageError(f"{len(bursts)} bursts, at most {BURSTS_MAX} are supported")
    ordered = tuple(sorted(bursts, key=lambda burst: burst.start_s))
    for first, second in itertools.pairwise(ordered):
        if second.start_s < first.end_s:
            raise UsageError(
                f"bursts overlap: one ends at second {first.end_s:g}, the next starts at {second.start_s:g}"
            )
    return ordered


class Schedule:
    """The planned time of every frame: bed b's k-th frame has number n = k * beds + b, and n rises with time.

    The beds are spread evenly over the frame interval, so that a ward is a steady flow.
    """

    def __init__(self, beds: int, rate_hz: float, bursts: Sequence[Burst] = ()) -> None:
        """Plan `beds` beds at `rate_hz` frames a second each."""
        self.beds = beds
        self.rate_hz = rate_hz
        times_s, frames = [0.0], [0.0]  # frames of one bed up to each corner of the rate
        for burst in check_bursts(bursts):
            frames.append(frames[-1] + (burst.start_s - times_s[-1]) * rate_hz)
            frames.append(frames[-1] + burst.length_s * rate_hz * burst.factor)
            times_s += [burst.start_s, burst.end_s]
        self._corner_s = np.array(times_s)
        self._corner_frames = np.array(frames)

    def round_s(self, number: int) -> NDArray[np.float64]:
        """Return the planned time of every bed's `number`-th frame, s since the start, shape (beds,)."""
        due = number + np.arange(self.beds) / self.beds
        inside = np.interp(due, self._corner_frames, self._corner_s)
        after = self._corner_s[-1] + (due - self._corner_frames[-1]) / self.rate_hz
        planned: NDArray[np.float64] = np.where(due > self._corner_frames[-1], after, inside)
        return planned
