"""MEWS, qSOFA and shock index: short scores for adults, vectorised over patients.

Arguments have shape (n,), float64; what is not finite is missing. Readings are rounded half up to the chart's
step (1, temperature 0.1) before they are banded.
"""

from typing import Final

import numpy as np

from clinical.points import Bands, Floats, Score, add_up, charted_points, in_steps, points_of

MEWS_PARAMETERS: Final = ("sbp", "pulse", "resp", "temp", "consciousness")
MEWS_CRITICAL_FROM: Final = 5  # Subbe et al. 2001, QJM 94: 5 or more, risk of death or intensive care

# Subbe et al. 2001 as copied by Wikipedia. Copies differ at a heart rate of 40 (< or <=); ours is <=.
# fmt: off
# <=70 | 71-80 | 81-100 | 101-199 | >=200
_MEWS_SBP: Final   = Bands(1.0, (70, 80, 100, 199),       (3, 2, 1, 0, 2))
# <=40 | 41-50 | 51-100 | 101-110 | 111-129 | >=130
_MEWS_PULSE: Final = Bands(1.0, (40, 50, 100, 110, 129),  (2, 1, 0, 1, 2, 3))
# <9 | 9-14 | 15-20 | 21-29 | >=30
_MEWS_RESP: Final  = Bands(1.0, (8, 14, 20, 29),          (2, 0, 1, 2, 3))
# <35.0 | 35.0-38.4 | >=38.5
_MEWS_TEMP: Final  = Bands(0.1, (349, 384),               (2, 0, 2))
# A | C, V | P | U: the chart knows AVPU only; new confusion counts as V [M]
_MEWS_ACVPU: Final = (0.0, 1.0, 1.0, 2.0, 3.0)
# fmt: on

QSOFA_PARAMETERS: Final = ("resp", "sbp", "consciousness")
QSOFA_POSITIVE_FROM: Final = 2  # Singer et al. 2016 (Sepsis-3), JAMA 315: two or more of three
_QSOFA_RESP: Final = Bands(1.0, (21,), (0, 1))  # Sepsis-3: 22 a minute or more
_QSOFA_SBP: Final = Bands(1.0, (100,), (1, 0))  # Sepsis-3: 100 mmHg or less
_QSOFA_ACVPU: Final = (0.0, 1.0)  # Sepsis-3: altered mentation

SHOCK_INDEX_PARAMETERS: Final = ("pulse", "sbp")
SHOCK_INDEX_RAISED_ABOVE: Final = 0.7  # normal 0.5-0.7 (BMJ Best Practice, shock, criteria)
SHOCK_INDEX_SHOCK_ABOVE: Final = 1.0  # the same


def mews(sbp: Floats, pulse: Floats, resp: Floats, temp: Floats, consciousness: Floats) -> Score:
    """Return the Modified Early Warning Score, 0 to 14; band 1 from 5 on.

    Args:
        sbp: systolic blood pressure, mmHg.
        pulse: heart rate, beats a minute.
        resp: respiration rate, breaths a minute.
        temp: body temperature, Cel.
        consciousness: position in ACVPU, 0 = alert.

    Source: Subbe et al. 2001, Validation of a modified Early Warning Score in medical admissions.
    """
    columns = (
        points_of(_MEWS_SBP, sbp),
        points_of(_MEWS_PULSE, pulse),
        points_of(_MEWS_RESP, resp),
        points_of(_MEWS_TEMP, temp),
        charted_points(consciousness, _MEWS_ACVPU),
    )
    return add_up(columns, (MEWS_CRITICAL_FROM,))


def qsofa(resp: Floats, sbp: Floats, consciousness: Floats) -> Score:
    """Return qSOFA, 0 to 3; band 1 (positive) from 2 on. Arguments as in `mews`.

    Source: Singer et al. 2016, The Third International Consensus Definitions for Sepsis and Septic Shock.
    """
    columns = (
        points_of(_QSOFA_RESP, resp),
        points_of(_QSOFA_SBP, sbp),
        charted_points(consciousness, _QSOFA_ACVPU),
    )
    return add_up(columns, (QSOFA_POSITIVE_FROM,))


def shock_index(pulse: Floats, sbp: Floats) -> Score:
    """Return heart rate over systolic pressure of one time; band 1 above 0.7, 2 above 1.0.

    The ratio is `total` and `lower_bound`; without both inputs, or at a pressure of 0, it is NaN and 0. Its
    `points` are those of no chart: the rounded readings themselves.

    Args:
        pulse: heart rate, beats a minute.
        sbp: systolic blood pressure of the same time, mmHg.

    Source: BMJ Best Practice, shock, diagnostic criteria.
    """
    readings = np.stack((in_steps(pulse, 1.0), in_steps(sbp, 1.0)), axis=1)
    readings[:, 1] = np.where(readings[:, 1] > 0, readings[:, 1], np.nan)
    ratio = readings[:, 0] / readings[:, 1]
    known = np.where(np.isnan(ratio), 0.0, ratio)
    band = (known > SHOCK_INDEX_RAISED_ABOVE).astype(np.uint8) + (known > SHOCK_INDEX_SHOCK_ABOVE)
    return Score(
        total=ratio,
        lower_bound=known,
        missing_count=np.isnan(readings).sum(axis=1, dtype=np.int64),
        highest_single=np.zeros(len(ratio), dtype=np.int64),
        band=band.astype(np.uint8),
        points=readings,
    )
