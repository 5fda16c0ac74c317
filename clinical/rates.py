"""Two signals that measure one thing: heart rate and pulse rate that agree, and are both beyond, are one alarm.

The rule that names the other signal in `told_by` waits while that one's alarm is announced. As soon as they differ,
one of them is lost, or the other's alarm is over, it is told like any other.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clinical.compiled_limits import CompiledLimits
from clinical.lifecycle import is_announced
from clinical.masks import some
from clinical.sensors import DISAGREE_AGE_MS, DISAGREE_SHARE

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def agree(
    hr: Floats, pulse: Floats, older_ms: Times, lost: Bools, now_ms: int | Times, interval_ms: Times
) -> Bools:
    """Return where heart rate and pulse, both of now, are the same, (n,).

    Args:
        hr: (n,) last valid heart rate, beats a minute, NaN = none.
        pulse: (n,) last valid pulse rate.
        older_ms: (n,) when the older of both came, negative = one never did.
        lost: (n,) whether one of them has had no valid reading since.
        now_ms: the present, one time or (n,).
        interval_ms: (n,) announced interval of the patient's frames.
    """
    fresh = (older_ms >= 0) & (now_ms - older_ms <= np.maximum(DISAGREE_AGE_MS, 2 * interval_ms))
    close: Bools = np.abs(hr - pulse) <= DISAGREE_SHARE * np.fmax(hr, pulse)
    return fresh & ~lost & close


SameRate = Callable[[], Bools]
"""Returns (n,) whether both signals agree; asked only where an alarm hangs on it."""


def suppressed_by_rate(limits: CompiledLimits, state: NDArray[np.uint8], same_rate: SameRate) -> Bools:
    """Return which alarms of shape (n, rules) the announced one of another signal suppresses."""
    announced = is_announced(state) & limits.telling
    if not some(announced):
        return np.zeros(state.shape, np.bool_)
    agreed = announced & same_rate()[:, None]
    found: Bools = (agreed.astype(np.float32) @ limits.tells) > 0
    return found
