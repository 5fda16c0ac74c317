"""Depth times duration, and time violated more than not: violations that no single delay tells of.

The area is the sum over a run of (depth outside the limit x time), each sample's depth counting until the next
sample, in signal unit x ms: a shallow violation may last longer than a deep one before it is an alarm. Source: the
method of US patent 5,865,736 (integral of limit minus saturation over time; bedside oximeters sell it with 10, 25, 50
or 100 %s [M]). An alternative to a rule's fixed delay; with both, whichever is reached first starts the alarm.

The excess is the time for which the signal was violated minus the time for which it was not, never below 0 and never
above the rule's own: what is violated most of the time, though never for a whole delay, is told of. Our choice [M].
"""

import numpy as np
from numpy.typing import NDArray

from clinical.compiled_limits import CompiledLimits

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def depth(low: Floats, high: Floats, value: Floats) -> Floats:
    """Return how far each value is outside its limits, 0 inside or missing; shapes that broadcast."""
    present = np.isfinite(value)
    reading = np.where(present, value, 0.0)
    outside = np.maximum(low - reading, reading - high)
    return np.where(present, np.maximum(outside, 0.0), 0.0)


def grown(area: Floats, depth_before: Floats, elapsed_ms: Times, running: NDArray[np.bool_]) -> Floats:
    """Return the areas at the present sample, (n, rules), in signal unit x ms.

    Args:
        area: the areas at the previous sample.
        depth_before: how far outside the previous sample was.
        elapsed_ms: time since the previous sample.
        running: whether a run is under way; a run that begins with this sample has no area yet.
    """
    return np.where(running, area + depth_before * elapsed_ms, 0.0)


def is_due(limits: CompiledLimits, late: NDArray[np.bool_], area: Floats) -> NDArray[np.bool_]:
    """Return whether a violating sample is an alarm, (n, rules).

    Args:
        limits: the rules.
        late: (n, rules), whether the rule's delay is over.
        area: the run's area so far, signal unit x ms.
    """
    by_area = (area >= limits.integral) | (late & (limits.delay_ms > 0))
    return np.where(np.isinf(limits.integral), late, by_area)


def excess_after(
    limits: CompiledLimits, excess_ms: Floats, elapsed_ms: Times, violated: NDArray[np.bool_]
) -> Floats:
    """Return the excess at the present sample, (n, rules), ms.

    Args:
        limits: the rules.
        excess_ms: the excess at the previous sample.
        elapsed_ms: time since then, of which no more than the rule's gap counts as violated.
        violated: whether the last valid sample broke the limit, and its run goes on.
    """
    after = np.where(violated, excess_ms + np.minimum(elapsed_ms, limits.gap_ms), excess_ms - elapsed_ms)
    return np.clip(after, 0.0, np.where(np.isinf(limits.excess_ms), 0.0, limits.excess_ms))
