"""A reading as a number: charted letters by their place, what no sensor can report as none."""

import math

from clinical.vitals import ACVPU, INDEX, SIGNALS


def as_number(signal: str, value: object) -> float:
    """Return a frame's value of `signal` in its unit, NaN where it is no valid reading."""
    if isinstance(value, str):
        value = ACVPU.find(value) if value else -1
    if not isinstance(value, int | float):
        return math.nan
    bounds = SIGNALS[INDEX[signal]]
    return float(value) if bounds.low <= value <= bounds.high else math.nan
