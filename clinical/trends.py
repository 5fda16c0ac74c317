"""Trends over minutes: rate of change with projected limit crossing, and slow drifts by EWMA and CUSUM.

Both look at the means of whole window buckets, so they need no state of their own and a late reading counts. Arrays
have one column a bucket, oldest first; sums run column by column, so a patient's figures do not depend on who else
is judged with him.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.rules import DriftRule, TrendRule

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FILLED_MIN: Final = 0.5
"""Share of a window's buckets that must hold readings: fewer are no trend. Our choice [M]."""

MS_A_MINUTE: Final = 60_000


def is_filled(count: NDArray[np.int64], buckets: int) -> Bools:
    """Whether so many of a window's buckets hold readings, (n,), that something can be said of them."""
    return count >= FILLED_MIN * buckets


@dataclass(frozen=True, slots=True)
class Line:
    """Least-squares lines through bucket means, (n,); NaN where they rest on fewer than two buckets.

    `slope` is in units a minute, `level` the line's value at the end of the last bucket.
    """

    slope: Floats
    level: Floats
    count: NDArray[np.int64]


def fit(means: Floats, bucket_ms: int) -> Line:
    """Fit a line to each patient's bucket means.

    Args:
        means: (n, k) mean of each bucket, oldest first, NaN where it holds no reading.
        bucket_ms: length of a bucket.
    """
    n, k = means.shape
    step = bucket_ms / MS_A_MINUTE
    count, st, sx, stt, stx = (np.zeros(n) for _ in range(5))
    for column in range(k):
        at = (column - k + 0.5) * step  # the bucket's middle, minutes before the end of the last
        held = ~np.isnan(means[:, column])
        value = np.where(held, means[:, column], 0.0)
        count += held
        st += np.where(held, at, 0.0)
        sx += value
        stt += np.where(held, at * at, 0.0)
        stx += at * value
    spread = count * stt - st * st
    enough = count >= 2
    slope = np.where(enough, (count * stx - st * sx) / np.where(enough, spread, 1.0), np.nan)
    level = np.where(enough, (sx - slope * st) / np.where(enough, count, 1.0), np.nan)
    return Line(slope, level, count.astype(np.int64))


def has_trend(rule: TrendRule, line: Line, buckets: int) -> Bools:
    """Return where a trend rule is fulfilled, (n,).

    Either the rate of change reaches `fall` or `rise`, or the line, still inside a limit, crosses it within
    `ahead_min`. `buckets` is how many the window has.
    """
    found = np.zeros(len(line.slope), dtype=np.bool_)
    if rule.fall is not None:
        found |= line.slope <= -rule.fall
    if rule.rise is not None:
        found |= line.slope >= rule.rise
    ahead = line.level + line.slope * rule.ahead_min
    if rule.low is not None:
        found |= (line.level >= rule.low) & (ahead < rule.low)
    if rule.high is not None:
        found |= (line.level <= rule.high) & (ahead > rule.high)
    return found & is_filled(line.count, buckets)


@dataclass(frozen=True, slots=True)
class Drift:
    """Where each patient's sums stand after the last bucket, (n,), in standard deviations; `count` buckets."""

    up: Floats
    down: Floats
    count: NDArray[np.int64]


def drift(rule: DriftRule, means: Floats) -> Drift:
    """Sum up how far each bucket's mean (n, k) lies from what an EWMA of the earlier ones predicts.

    An EWMA predictor with weight l, then a two-sided CUSUM of its residuals e: S+ = max(0, S+ + e/s - k), and S-
    likewise downwards. A bucket without readings changes nothing.

    Source: Yang, Dumont, Ansermino 2010 (IEEE TITB 14) for the method; the weights are a textbook's (Montgomery,
    Introduction to Statistical Quality Control: k 0.5, h 4 to 5, run lengths in control of 168 and 465).
    """
    n, k = means.shape
    predicted = np.full(n, np.nan)
    up, down, count = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    for column in range(k):
        value = means[:, column]
        held = ~np.isnan(value)
        count += held
        residual = np.where(held & ~np.isnan(predicted), value - predicted, 0.0)
        shift = residual / rule.sigma
        known = held & ~np.isnan(predicted)
        up = np.where(known, np.maximum(0.0, up + shift - rule.slack), up)
        down = np.where(known, np.maximum(0.0, down - shift - rule.slack), down)
        predicted = np.where(known, predicted + rule.weight * residual, np.where(held, value, predicted))
    return Drift(up, down, count)


def has_drift(rule: DriftRule, found: Drift, buckets: int) -> Bools:
    """Return where a drift rule's threshold is reached upwards or downwards, (n,)."""
    enough = is_filled(found.count, buckets)
    return enough & ((found.up >= rule.threshold) | (found.down >= rule.threshold))
