"""Bounds in place of values, for the judge of frames: which limits of their patients they settle.

A bound that settles any limit is a sample: its alarm is told of, and the signal is not lost. One that settles none is a
missing reading. Neither is ever a value: what is remembered of the signal is then that it was measured, NaN.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical.comparators import NUMBER, believed, settled, surest
from clinical.compiled_limits import CompiledLimits
from clinical.limits import NEVER
from clinical.vitals import COUNT
from streams.decoding.decoded import Frames
from tables.device_rows import DeviceRows

Rows = NDArray[np.int64]


class Said(NamedTuple):
    """Readings of n frames with what their bounds surely say, NaN where that is nothing: (n, signals) each."""

    values: NDArray[np.float64]
    comparator: NDArray[np.uint8] | None


def said_in(frames: Frames, chosen: Rows, values: NDArray[np.float64], limits: CompiledLimits) -> Said:
    """Return what frames say of limits, with one set of them or one for each frame.

    Args:
        frames: all frames of a batch.
        chosen: (n,) which of them.
        values: (n, signals) their readings, NaN where they have bounds.
        limits: the limits.
    """
    bounds = None if frames.bounds is None else frames.bounds.take(chosen)
    if bounds is None:  # as nearly always
        return Said(values, None)
    wide = bounds.among(frames.carried, np.arange(COUNT))
    comparator = believed(wide.comparator, wide.limit)
    sure = surest(comparator, wide.limit)
    counts = settled(limits, comparator, sure)
    comparator[~counts] = NUMBER
    return Said(np.where(counts, sure, values), comparator)


def of_bounded(frames: Frames, rows: Rows) -> NDArray[np.bool_] | None:
    """Return which frames, (n,), are of patients of whom any of them has a bound; None = of none, as nearly always.

    Compiled code knows no bounds: these patients are judged frame by frame, in their order, as NumPy does.
    """
    if frames.bounds is None:
        return None
    return np.isin(rows, rows[frames.bounds.comparator.any(axis=1)])


def bounded_runs(devices: DeviceRows, slots: NDArray[np.int32], signal: Rows) -> NDArray[np.bool_]:
    """Return of which rules, (n, rules), a bound was the last that a device said of the signal, and its run goes on.

    Args:
        devices: the devices.
        slots: (n,) their rows.
        signal: (rules,) the rules' signals.
    """
    value, value_ms = devices.value[slots][:, signal], devices.value_ms[slots][:, signal]
    found: NDArray[np.bool_] = np.isnan(value) & (value_ms != NEVER) & (devices.run_onset_ms[slots] != NEVER)
    return found
