"""Score charts as band tables: readings to points, points to a total, a lower bound where inputs lack, a band.

What all scores share; each score's chart stands in a file of its own, `clinical.scores` lists them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.masks import some

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HALF_UP_SLACK: Final = 1e-6
"""Above the error of float64 in a reading, far below a step: 35.05 counts as the half it is written as."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Points of one parameter: a reading, in chart steps, up to and including `upto[i]` scores `points[i]`.

    `points` has one entry more than `upto`, for what lies above the last edge.
    """

    step: float
    upto: tuple[int, ...]
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of n patients; every array has shape (n,) but `points`.

    `missing_count` counts the parameters whose points are unknown. `total` is NaN when there is any;
    `lower_bound` is the sum of what is known and equals `total` otherwise. `highest_single` is the most points of
    one known parameter, `band` the position in the score's levels that the lower bound reaches: a partial score
    may understate the risk, never overstate it. `points` has one column a parameter, NaN = unknown.
    """

    total: Floats
    lower_bound: Floats
    missing_count: NDArray[np.int64]
    highest_single: NDArray[np.int64]
    band: NDArray[np.uint8]
    points: Floats


def in_steps(values: Floats, step: float) -> Floats:
    """Return readings in whole chart steps, rounded half up; what is not finite stays NaN."""
    present = np.isfinite(values)
    return np.where(present, np.floor(np.where(present, values, 0.0) / step + 0.5 + HALF_UP_SLACK), np.nan)


def points_of(bands: Bands, values: Floats) -> Floats:
    """Return the points of each reading, (n,), NaN where it is missing."""
    if not some(np.isfinite(values)):  # few wards measure everything
        return np.full(values.shape, np.nan)
    steps = in_steps(values, bands.step)
    position = np.searchsorted(np.array(bands.upto, dtype=np.float64), steps, side="left")
    return np.where(np.isnan(steps), np.nan, np.array(bands.points, dtype=np.float64)[position])


def charted_points(values: Floats, points: Sequence[float]) -> Floats:
    """Return `points[i]` of an entry i or, beyond the last, the last; NaN where nothing is charted."""
    present = np.isfinite(values)
    if not some(present):
        return np.full(values.shape, np.nan)
    level = np.clip(np.ceil(np.where(present, values, 0.0)), 0, len(points) - 1).astype(np.int64)
    return np.where(present, np.array(points, dtype=np.float64)[level], np.nan)


def add_up(columns: Sequence[Floats], from_total: Sequence[int], at_least: Floats | None = None) -> Score:
    """Return the score of parameters' points.

    Args:
        columns: the points of each parameter, (n,), NaN = unknown.
        from_total: the totals from which on the bands 1, 2, ... hold, rising.
        at_least: (n,) points that unknown parameters have in any case.
    """
    points = np.stack(columns, axis=1)
    unknown = np.isnan(points)
    known = np.where(unknown, 0.0, points)
    missing_count = unknown.sum(axis=1, dtype=np.int64)
    lower_bound = known.sum(axis=1) + (0.0 if at_least is None else at_least)
    return Score(
        total=np.where(missing_count > 0, np.nan, lower_bound),
        lower_bound=lower_bound,
        missing_count=missing_count,
        highest_single=known.max(axis=1).astype(np.int64),
        band=np.searchsorted(np.array(from_total), lower_bound, side="right").astype(np.uint8),
        points=points,
    )
