"""How far a person's order may move a limit from the unit's, and which alarms nothing may hold back.

A hospital's own bounds belong in its rules file (`low_min`, `high_max`); a rule without them has these, counted from
the limit of the age band, so that no order switches a lethal alarm off. No maker publishes such bounds: all of them
are our proposal [M], wide enough for the patients for whom wards move limits (a slow heart in a runner, 88 to 92 %
saturation in COPD, 75 to 85 % with a heart defect only by a rules file).
"""

from typing import Final

from clinical.vitals import FLAGS, INDEX, SIGNALS

NEVER_WITHHELD: Final = frozenset({"asystole", "apnoea", "vfib", "vtach", "ext_tachy", "ext_brady"})
"""Signals whose alarms no pause and no sensor in doubt holds back: the heart stands still or may any moment, or no
breath comes (Mindray ePM p.83 never delays apnoea; that these are never paused is our choice)."""

REASON_SHARE: Final = 0.5
"""Past this share of the way from the unit's limit to the bound an order needs a reason; our choice."""

Reach = tuple[float, float, float]
"""How far a limit may be moved outwards for an adult, a child, a neonate, in the signal's unit."""

_RATE: Final = ("hr", "pulse")
_SYSTOLIC: Final = ("nbp_sys", "abp_sys")
_DIASTOLIC: Final = ("nbp_dia", "abp_dia")
_MEAN: Final = ("nbp_mean", "abp_mean")

# fmt: off
REACH: Final[tuple[tuple[tuple[str, ...], str, bool, Reach], ...]] = (
    #  signals      side    high   adult child neonate
    ((_RATE),       "high", False, (40.0, 40.0, 20.0)),  # [M] 120 to 160 in uncontrolled atrial fibrillation
    ((_RATE),       "high", True,  (40.0, 30.0, 20.0)),  # [M] as far as the limit above, at most 180 in an adult
    ((_RATE),       "low",  False, (15.0, 15.0, 10.0)),  # [M] 50 to 35 in a sleeping runner
    ((_RATE),       "low",  True,  (10.0, 10.0, 10.0)),  # [M] 40 to 30
    (("spo2",),     "low",  False, (10.0, 10.0, 5.0)),   # [M] 90 to 80: below 88 to 92 % of COPD
    (("spo2",),     "low",  True,  (10.0, 10.0, 10.0)),  # [M] 80 to 70
    (("resp",),     "high", False, (15.0, 15.0, 20.0)),  # [M] 30 to 45
    (("resp",),     "low",  False, (3.0, 3.0, 5.0)),     # [M] 8 to 5
    (("resp",),     "low",  True,  (0.0, 0.0, 0.0)),     # [M] no breath is not a matter of opinion
    ((_SYSTOLIC),   "high", False, (40.0, 30.0, 20.0)),  # [M] 160 to 200
    ((_SYSTOLIC),   "low",  False, (20.0, 15.0, 10.0)),  # [M] 90 to 70
    ((_SYSTOLIC),   "low",  True,  (10.0, 10.0, 5.0)),   # [M] 70 to 60
    ((_DIASTOLIC),  "high", False, (30.0, 20.0, 15.0)),  # [M] 90 to 120
    ((_DIASTOLIC),  "low",  False, (15.0, 10.0, 5.0)),   # [M] 50 to 35
    ((_MEAN),       "high", False, (40.0, 30.0, 20.0)),  # [M] 110 to 150
    ((_MEAN),       "low",  False, (15.0, 10.0, 5.0)),   # [M] 60 to 45
    ((_MEAN),       "low",  True,  (5.0, 5.0, 3.0)),     # [M] 40 to 35
    (("temp",),     "high", False, (1.5, 1.5, 1.0)),     # [M] 39 to 40.5
    (("temp",),     "low",  False, (3.0, 2.0, 1.0)),     # [M] 36 to 33, as when cooled
    (("etco2",),    "high", False, (20.0, 20.0, 15.0)),  # [M] 50 to 70
    (("etco2",),    "low",  False, (5.0, 5.0, 5.0)),     # [M] 15 to 10
)
# fmt: on

_REACH_OF: Final = {
    (signal, side, is_high): reach for signals, side, is_high, reach in REACH for signal in signals
}

WORSE_STEP: Final = {
    "spo2": 10.0,
    **dict.fromkeys((*_SYSTOLIC, *_DIASTOLIC, *_MEAN), 15.0),
}
"""By how much, in the signal's unit, an alarm that somebody knows of has to grow worse to be told again [M]."""

WORSE_SHARE: Final = dict.fromkeys((*_RATE, "resp"), 0.2)
"""The same as a share of the value that somebody knows of [M]."""


def furthest(signal: str, side: str, priority: str, age_band: str, limit: float) -> float:
    """Return how far an order may move a limit, in the signal's unit; the limit itself where it may not be moved.

    Where the table has nothing for high priority, what it has for the others holds; where it has nothing for the
    signal, half the way to the end of what the signal can be.

    Args:
        signal: name of the signal.
        side: `low` or `high`.
        priority: the rule's.
        age_band: one of `clinical.rules.AGE_BANDS`.
        limit: the unit's limit in that band.
    """
    if signal in FLAGS:
        return limit
    about = SIGNALS[INDEX[signal]]
    end = about.low if side == "low" else about.high
    reach = _REACH_OF.get((signal, side, priority == "high")) or _REACH_OF.get((signal, side, False))
    if reach is None:
        return (limit + end) / 2
    far = reach[{"adult": 0, "neonate": 2}.get(age_band, 1)]
    return max(limit - far, end) if side == "low" else min(limit + far, end)
