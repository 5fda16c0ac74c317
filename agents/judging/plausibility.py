"""What no working sensor reports is no reading: frames without it, and a list of what is left."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clinical.masks import every, some
from clinical.vitals import ABSENT, PLAUSIBLE_HIGH, PLAUSIBLE_LOW
from streams.decoding.decoded import Frames


@dataclass(slots=True)
class Readings:
    """The plausible readings of n frames, one after the other: arrays of shape (m,).

    `invalid` tells which frames carry a signal without a valid reading, (n,); None where none does.
    """

    frame: NDArray[np.int64]
    signal: NDArray[np.int64]
    value: NDArray[np.float64]
    invalid: NDArray[np.bool_] | None = None


def plausible(frames: Frames) -> tuple[Frames, Readings]:
    """Return the frames with NaN for what no working sensor reports, and the readings that are left."""
    values, carried = frames.values, frames.carried
    believed = (values >= PLAUSIBLE_LOW.take(carried)) & (values <= PLAUSIBLE_HIGH.take(carried))
    if every(believed):  # as nearly always: the same signals in every frame, all with readings
        frame = np.arange(len(values)).repeat(len(carried))
        signal = carried[np.newaxis].repeat(len(values), axis=0).reshape(-1)
        return frames, Readings(frame, signal, values.reshape(-1))
    invalid = ~believed & (values != ABSENT)
    frame, column = np.nonzero(believed)
    readings = Readings(frame, carried[column], values[believed])
    if some(invalid):
        frames = replace(frames, values=np.where(invalid, np.nan, values))
        readings.invalid = invalid.any(axis=1)
    return frames, readings
