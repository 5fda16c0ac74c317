"""NEWS2: the chart and its thresholds, vectorised over patients.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1 (points) and chart 2
(thresholds and triggers). For adults: not under 16 years of age, not in pregnancy.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from clinical.masks import some
from clinical.points import Bands, Bools, Floats, Score, add_up, charted_points, points_of

PARAMETERS: Final = ("resp", "spo2", "on_oxygen", "sbp", "pulse", "consciousness", "temp")
"""The seven parameters in the order of the chart: the columns of `Score.points`."""

BANDS: Final = ("low", "low-medium", "medium", "high")
"""Names of `Score.band`, by position."""

TOTAL_MAX: Final = 20
MEDIUM_FROM: Final = 5  # RCP 2017 chart 2: 5-6 urgent response threshold
HIGH_FROM: Final = 7  # RCP 2017 chart 2: 7 or more emergency response threshold
RED_POINTS: Final = 3  # RCP 2017 chart 2: 3 in a single parameter, low-medium risk

# RCP 2017, chart 1. Every edge is the last chart step of its band; temperature in tenths of a degree.
# fmt: off
# <=8 | 9-11 | 12-20 | 21-24 | >=25
_RESP: Final       = Bands(1.0, (8, 11, 20, 24),           (3, 1, 0, 2, 3))
# <=91 | 92-93 | 94-95 | >=96
_SPO2_1: Final     = Bands(1.0, (91, 93, 95),              (3, 2, 1, 0))
# <=83 | 84-85 | 86-87 | 88-92, and >=93 on air
_SPO2_2_AIR: Final = Bands(1.0, (83, 85, 87),              (3, 2, 1, 0))
# <=83 | 84-85 | 86-87 | 88-92 | on oxygen: 93-94 | 95-96 | >=97
_SPO2_2_OXY: Final = Bands(1.0, (83, 85, 87, 92, 94, 96),  (3, 2, 1, 0, 1, 2, 3))
# <=90 | 91-100 | 101-110 | 111-219 | >=220
_SBP: Final        = Bands(1.0, (90, 100, 110, 219),       (3, 2, 1, 0, 3))
# <=40 | 41-50 | 51-90 | 91-110 | 111-130 | >=131
_PULSE: Final      = Bands(1.0, (40, 50, 90, 110, 130),    (3, 1, 0, 1, 2, 3))
# <=35.0 | 35.1-36.0 | 36.1-38.0 | 38.1-39.0 | >=39.1
_TEMP: Final       = Bands(0.1, (350, 360, 380, 390),      (3, 1, 0, 1, 2))
# air | oxygen
_OXYGEN: Final     = (0.0, 2.0)
# alert | new confusion, responds to voice or pain, unresponsive
_ACVPU: Final      = (0.0, 3.0)
# fmt: on


def news2(
    resp: Floats,
    spo2: Floats,
    on_oxygen: Floats,
    sbp: Floats,
    pulse: Floats,
    consciousness: Floats,
    temp: Floats,
    scale2: Bools,
) -> Score:
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
        points_of(_RESP, resp),
        _spo2_points(spo2, on_oxygen, scale2),
        charted_points(on_oxygen, _OXYGEN),
        points_of(_SBP, sbp),
        points_of(_PULSE, pulse),
        charted_points(consciousness, _ACVPU),
        points_of(_TEMP, temp),
    )
    score = add_up(columns, (0, MEDIUM_FROM, HIGH_FROM))
    red = np.where(score.highest_single >= RED_POINTS, 1, 0)
    band = np.where(score.lower_bound >= MEDIUM_FROM, score.band, red)
    return replace(score, band=band.astype(np.uint8))


def _spo2_points(spo2: Floats, on_oxygen: Floats, scale2: Bools) -> Floats:
    """Return the SpO2 points by the scale in force; NaN where they hang on an unknown oxygen supply."""
    first = points_of(_SPO2_1, spo2)
    if not some(scale2):
        return first
    air = points_of(_SPO2_2_AIR, spo2)
    oxygen = points_of(_SPO2_2_OXY, spo2)
    either = np.where(air == oxygen, air, np.nan)
    second = np.where(np.isfinite(on_oxygen), np.where(on_oxygen > 0, oxygen, air), either)
    return np.where(scale2, second, first)


CHARTED: Final = (_RESP, _SPO2_1, _SBP, _PULSE, _TEMP)
"""The bands of resp, spo2 (on scale 1), sbp, pulse and temp."""

OXYGEN_POINTS: Final = _OXYGEN[1]
ACVPU_POINTS: Final = _ACVPU[1]
"""Of who receives oxygen; of who is not alert."""
