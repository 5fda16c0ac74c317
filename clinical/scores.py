"""NEWS2, vectorised over patients: points by parameter, total, risk band, a lower bound where inputs lack.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1 (points) and chart 2
(thresholds and triggers). For adults: not under 16 years of age, not in pregnancy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PARAMETERS: Final = ("resp", "spo2", "on_oxygen", "sbp", "pulse", "consciousness", "temp")
"""The seven parameters in the order of the chart: the columns of `News2.points`."""

BANDS: Final = ("low", "low-medium", "medium", "high")
"""Names of `News2.band`, by position."""

TOTAL_MAX: Final = 20
MEDIUM_FROM: Final = 5  # RCP 2017 chart 2: 5-6 urgent response threshold
HIGH_FROM: Final = 7  # RCP 2017 chart 2: 7 or more emergency response threshold
RED_POINTS: Final = 3  # RCP 2017 chart 2: 3 in a single parameter, low-medium risk
CHARTED_POINTS: Final = {"on_oxygen": 2.0, "consciousness": 3.0}  # RCP 2017 chart 1: oxygen 2; C, V, P or U 3

HALF_UP_SLACK: Final = 1e-6
"""Above the error of float64 in a reading, far below a step: 35.05 counts as the half it is written as."""


@dataclass(frozen=True, slots=True)
class _Bands:
    """Points of one parameter: a reading, in chart steps, up to and including `upto[i]` scores `points[i]`.

    `points` has one entry more than `upto`, for what lies above the last edge.
    """

    step: float
    upto: tuple[int, ...]
    points: tuple[int, ...]


# RCP 2017, chart 1. Every edge is the last chart step of its band; temperature in tenths of a degree.
# fmt: off
# <=8 | 9-11 | 12-20 | 21-24 | >=25
_RESP: Final       = _Bands(1.0, (8, 11, 20, 24),           (3, 1, 0, 2, 3))
# <=91 | 92-93 | 94-95 | >=96
_SPO2_1: Final     = _Bands(1.0, (91, 93, 95),              (3, 2, 1, 0))
# <=83 | 84-85 | 86-87 | 88-92, and >=93 on air
_SPO2_2_AIR: Final = _Bands(1.0, (83, 85, 87),              (3, 2, 1, 0))
# <=83 | 84-85 | 86-87 | 88-92 | on oxygen: 93-94 | 95-96 | >=97
_SPO2_2_OXY: Final = _Bands(1.0, (83, 85, 87, 92, 94, 96),  (3, 2, 1, 0, 1, 2, 3))
# <=90 | 91-100 | 101-110 | 111-219 | >=220
_SBP: Final        = _Bands(1.0, (90, 100, 110, 219),       (3, 2, 1, 0, 3))
# <=40 | 41-50 | 51-90 | 91-110 | 111-130 | >=131
_PULSE: Final      = _Bands(1.0, (40, 50, 90, 110, 130),    (3, 1, 0, 1, 2, 3))
# <=35.0 | 35.1-36.0 | 36.1-38.0 | 38.1-39.0 | >=39.1
_TEMP: Final       = _Bands(0.1, (350, 360, 380, 390),      (3, 1, 0, 1, 2))
# fmt: on


@dataclass(frozen=True, slots=True)
class News2:
    """Scores of n patients; every array has shape (n,) but `points`.

    `missing_count` counts the parameters whose points are unknown. `total` (0-20) is NaN when there is any;
    `lower_bound` is the sum of the known points and equals `total` otherwise. `highest_single` is the most
    points of one known parameter, `band` the position in `BANDS` that the lower bound reaches: a partial
    score may understate the risk, never overstate it. `points` has shape (n, 7), columns as `PARAMETERS`,
    NaN = unknown.
    """

    total: Floats
    lower_bound: Floats
    missing_count: NDArray[np.int64]
    highest_single: NDArray[np.int64]
    band: NDArray[np.uint8]
    points: Floats


def news2(
    resp: Floats,
    spo2: Floats,
    on_oxygen: Floats,
    sbp: Floats,
    pulse: Floats,
    consciousness: Floats,
    temp: Floats,
    scale2: Bools,
) -> News2:
    """Score n patients; arguments have shape (n,), float64, and any value that is not finite is missing.

    Readings are rounded half up to the chart's step (1, temperature 0.1) before they are banded, so that none
    falls between two bands. Without `on_oxygen`, an SpO2 above 92 on scale 2 has no known points: both
    parameters count as missing and add 0 to the lower bound.

    Args:
        resp: respiration rate, breaths a minute.
        spo2: oxygen saturation, %.
        on_oxygen: 0 = breathes air, above 0 = receives oxygen.
        sbp: systolic blood pressure, mmHg.
        pulse: pulse or heart rate, beats a minute.
        consciousness: 0 = alert, above 0 = new confusion, responds to voice or pain, unresponsive.
        temp: body temperature, Cel.
        scale2: True where a clinician ordered SpO2 scale 2 (target 88-92 %).

    Source: RCP 2017, charts 1 and 2.
    """
    columns = (
        _points(_RESP, resp),
        _spo2_points(spo2, on_oxygen, scale2),
        _charted_points(on_oxygen, CHARTED_POINTS["on_oxygen"]),
        _points(_SBP, sbp),
        _points(_PULSE, pulse),
        _charted_points(consciousness, CHARTED_POINTS["consciousness"]),
        _points(_TEMP, temp),
    )
    points = np.stack(columns, axis=1)
    unknown = np.isnan(points)
    known = np.where(unknown, 0.0, points)
    missing_count = unknown.sum(axis=1, dtype=np.int64)
    lower_bound = known.sum(axis=1)
    highest_single = known.max(axis=1).astype(np.int64)
    return News2(
        total=np.where(missing_count > 0, np.nan, lower_bound),
        lower_bound=lower_bound,
        missing_count=missing_count,
        highest_single=highest_single,
        band=_risk_band(lower_bound, highest_single),
        points=points,
    )


def _points(bands: _Bands, values: Floats) -> Floats:
    """Return the points of each reading, NaN where it is missing."""
    present = np.isfinite(values)
    steps = np.floor(np.where(present, values, 0.0) / bands.step + 0.5 + HALF_UP_SLACK)
    position = np.searchsorted(np.array(bands.upto, dtype=np.float64), steps, side="left")
    return np.where(present, np.array(bands.points, dtype=np.float64)[position], np.nan)


def _spo2_points(spo2: Floats, on_oxygen: Floats, scale2: Bools) -> Floats:
    """Return the SpO2 points by the scale in force; NaN where they hang on an unknown oxygen supply."""
    air = _points(_SPO2_2_AIR, spo2)
    oxygen = _points(_SPO2_2_OXY, spo2)
    either = np.where(air == oxygen, air, np.nan)
    second = np.where(np.isfinite(on_oxygen), np.where(on_oxygen > 0, oxygen, air), either)
    return np.where(scale2, second, _points(_SPO2_1, spo2))


def _charted_points(values: Floats, points: float) -> Floats:
    """Return `points` above 0, none at 0, NaN where nothing is charted."""
    return np.where(np.isfinite(values), np.where(values > 0, points, 0.0), np.nan)


def _risk_band(total: Floats, highest_single: NDArray[np.int64]) -> NDArray[np.uint8]:
    band = np.where(highest_single >= RED_POINTS, 1, 0)
    band = np.where(total >= MEDIUM_FROM, 2, band)
    return np.where(total >= HIGH_FROM, 3, band).astype(np.uint8)
