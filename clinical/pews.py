"""Bedside PEWS: the severity of illness score for children in hospital, vectorised over patients.

Source: Parshuram, Hutchison, Middaugh 2009, Development and initial validation of the Bedside Paediatric Early
Warning System score, Critical Care 13:R135 (doi 10.1186/cc7998), table 1 and the sub-scores 0, 1, 2, 4 of its
text. England's national PEWS is another score.
"""

from typing import Final

import numpy as np

from clinical.points import Bands, Floats, Score, add_up, charted_points, points_of

PARAMETERS: Final = ("pulse", "sbp", "refill", "resp", "effort", "spo2", "oxygen")
"""The seven items: the columns of `Score.points`."""

TOTAL_MAX: Final = 26
ALERT_FROM: Final = 8  # Parshuram 2009: sensitivity 82 %, specificity 93 % at 8 or more

AGE_MONTHS_UPTO: Final = (3, 12, 48, 144)
"""Table 1: 0 to under 3 months, 3 to under 12 months, 1 to 4, 4 to 12, over 12 years; an edge is the elder's."""

_POINTS: Final = (4, 2, 1, 0, 1, 2, 4)
"""From the lowest to the highest reading; `_age_rows` holds the edges between them."""


def _age_rows(*rows: tuple[int, int, int, int, int, int]) -> tuple[Bands, ...]:
    """Return the bands by age; a row is at most (4, 2, 1) points below and at least (1, 2, 4) above."""
    return tuple(
        Bands(1.0, (low4, low2, low1, high1 - 1, high2 - 1, high4 - 1), _POINTS)
        for low4, low2, low1, high1, high2, high4 in rows
    )


# Parshuram 2009, table 1.
_PULSE: Final = _age_rows(
    (80, 90, 110, 150, 180, 190),
    (70, 80, 100, 150, 170, 180),
    (60, 70, 90, 120, 150, 170),
    (50, 60, 70, 110, 130, 150),  # the highest is printed > 150; >= as in every other row
    (40, 49, 60, 100, 120, 140),  # the 2 points are printed < 50
)
_SBP: Final = _age_rows(
    (45, 50, 60, 80, 100, 130),
    (60, 70, 80, 100, 120, 150),
    (65, 75, 90, 110, 125, 160),
    (70, 80, 90, 120, 140, 170),
    (75, 85, 100, 130, 150, 190),
)
_RESP: Final = _age_rows(
    (15, 19, 29, 61, 81, 91),
    (15, 19, 24, 51, 71, 81),
    (12, 15, 19, 41, 61, 71),
    (10, 14, 19, 31, 41, 51),
    (9, 10, 11, 17, 23, 30),
)
_REFILL: Final = Bands(0.1, (29,), (0, 4))  # table 1: under 3 s | 3 s or more
_EFFORT: Final = (0.0, 1.0, 2.0, 4.0)  # table 1: normal | mild | moderate | severe, or any apnoea
_SPO2: Final = Bands(1.0, (90, 94), (2, 1, 0))  # table 1: <= 90 | 91-94 | > 94
_FIO2: Final = Bands(1.0, (21, 49), (0, 2, 4))  # table 1: air | under 50 % | 50 % or more
_FLOW: Final = Bands(0.1, (0, 39), (0, 2, 4))  # table 1: air | under 4 l/min | 4 l/min or more
OXYGEN_POINTS_MIN: Final = 2.0  # table 1: any oxygen at all


def bedside_pews(
    age_months: Floats,
    pulse: Floats,
    sbp: Floats,
    refill_s: Floats,
    resp: Floats,
    effort: Floats,
    spo2: Floats,
    on_oxygen: Floats,
    flow_l_min: Floats,
    fio2: Floats,
) -> Score:
    """Return the Bedside PEWS, 0 to 26; band 1 from 8 on.

    Arguments have shape (n,), float64; what is not finite is missing. Readings are rounded half up to whole
    numbers (refill and flow to tenths) before they are banded. Of oxygen that is given in an unknown amount at
    least 2 points are sure.

    Args:
        age_months: age in months; without it the rates and the pressure have no known points.
        pulse: heart rate, beats a minute.
        sbp: systolic blood pressure, mmHg.
        refill_s: capillary refill time, s.
        resp: respiration rate, breaths a minute.
        effort: respiratory effort, 0 = normal, 1 = mild, 2 = moderate, 3 = severe or any apnoea.
        spo2: oxygen saturation, %.
        on_oxygen: 0 = breathes air, above 0 = receives oxygen.
        flow_l_min: oxygen flow, l/min.
        fio2: inspired oxygen fraction, %.

    Source: Parshuram 2009, table 1.
    """
    oxygen = np.where(np.isfinite(fio2), points_of(_FIO2, fio2), points_of(_FLOW, flow_l_min))
    oxygen = np.where(np.isnan(oxygen) & (on_oxygen == 0), 0.0, oxygen)
    columns = (
        _by_age(_PULSE, age_months, pulse),
        _by_age(_SBP, age_months, sbp),
        points_of(_REFILL, refill_s),
        _by_age(_RESP, age_months, resp),
        charted_points(effort, _EFFORT),
        points_of(_SPO2, spo2),
        oxygen,
    )
    at_least = np.where(np.isnan(oxygen) & np.isfinite(on_oxygen) & (on_oxygen > 0), OXYGEN_POINTS_MIN, 0.0)
    return add_up(columns, (ALERT_FROM,), at_least)


def _by_age(rows: tuple[Bands, ...], age_months: Floats, values: Floats) -> Floats:
    """Return the points by the row of each patient's age, NaN where age or value is missing."""
    row = np.searchsorted(AGE_MONTHS_UPTO, age_months, side="right")
    points = np.stack([points_of(bands, values) for bands in rows])
    return np.where(
        np.isfinite(age_months), points[np.minimum(row, len(rows) - 1), np.arange(len(row))], np.nan
    )
