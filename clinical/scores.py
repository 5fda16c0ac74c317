"""Every score: what it reads and how old that may be, what its bands mean, and the response that its source names.

The charts stand in `clinical.news2`, `clinical.adult_scores` and `clinical.pews`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from clinical import news2 as _news2
from clinical.adult_scores import (
    MEWS_PARAMETERS,
    QSOFA_PARAMETERS,
    SHOCK_INDEX_PARAMETERS,
    mews,
    qsofa,
    shock_index,
)
from clinical.news2 import BANDS, PARAMETERS, TOTAL_MAX, news2
from clinical.pews import PARAMETERS as PEWS_PARAMETERS
from clinical.pews import bedside_pews
from clinical.points import Floats, Score
from clinical.rules import AGE_BANDS
from clinical.vitals import INDEX, SIGNALS

__all__ = [
    "BANDS",
    "FIO2",
    "PARAMETERS",
    "SHEETS",
    "TOTAL_MAX",
    "Input",
    "Level",
    "Score",
    "Sheet",
    "bedside_pews",
    "mews",
    "news2",
    "qsofa",
    "shock_index",
]


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a score: signals in order of preference, each with the age (s) up to which it counts.

    A device that announces a longer interval is given two of its intervals.
    """

    name: str
    signals: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Level:
    """What one band of a score means: the alarm's priority (none = no alarm) and what its source asks for."""

    name: str
    priority: str | None
    response: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One score: its SNOMED CT code, inputs, levels by band, the age bands it is made for, and how it is computed.

    NEWS2's code is that of its total score in guides of the NHS and of Norway; none has a LOINC code that others use.
    `score` takes the inputs by name, (n,), NaN where missing or too old, and besides them `scale2` (1 = SpO2
    scale 2 by order) and `age_months`.
    """

    id: str
    title: str
    snomed: str | None
    source: str
    ages: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: tuple[Input, ...]
    levels: tuple[Level, ...]
    score: Callable[[Mapping[str, Floats]], Score]
    keeps_points: bool = True
    """Whether an input keeps its last points while it is not measured; not where all must be of one time."""


def _input(name: str, *signals: str) -> Input:
    return Input(name, tuple((signal, SIGNALS[INDEX[signal]].age_s_max) for signal in signals))


SAME_TIME_S: Final = 300
"""Pulse and pressure of a shock index are of one time: the pressure at most so much older. Our choice [M]."""

_RESP: Final = _input("resp", "resp")
_SPO2: Final = _input("spo2", "spo2")
_OXYGEN: Final = _input("on_oxygen", "on_oxygen")
_SBP: Final = _input("sbp", "abp_sys", "nbp_sys")
_PULSE: Final = _input("pulse", "pulse", "hr")
_MIND: Final = _input("consciousness", "consciousness")
_TEMP: Final = _input("temp", "temp")
FIO2: Final = _input("fio2", "fio2")
_SBP_NOW: Final = Input("sbp", (("abp_sys", 60), ("nbp_sys", SAME_TIME_S)))


def _news2_of(given: Mapping[str, Floats]) -> Score:
    resp, spo2, on_oxygen, sbp, pulse, consciousness, temp = (given[name] for name in PARAMETERS)
    return news2(resp, spo2, on_oxygen, sbp, pulse, consciousness, temp, given["scale2"] > 0)


def _pews_of(given: Mapping[str, Floats]) -> Score:
    """Refill, effort and flow are charted elsewhere: no frame carries them, so the score is a lower bound."""
    unknown = np.full(given["pulse"].shape, np.nan)
    return bedside_pews(
        age_months=given["age_months"],
        pulse=given["pulse"],
        sbp=given["sbp"],
        refill_s=unknown,
        resp=given["resp"],
        effort=unknown,
        spo2=given["spo2"],
        on_oxygen=given["on_oxygen"],
        flow_l_min=unknown,
        fio2=given["fio2"],
    )


NEWS2: Final = Sheet(
    id="news2",
    title="NEWS2",
    snomed="1104051000000101",
    source="Royal College of Physicians 2017, chart 2 (thresholds and triggers)",
    ages=("adult",),
    parameters=_news2.PARAMETERS,
    inputs=(_RESP, _SPO2, _OXYGEN, _SBP, _PULSE, _MIND, _TEMP),
    levels=(
        Level("low", None, "routine monitoring"),
        Level("low-medium", "low", "urgent review by the ward team, monitoring at least hourly"),
        Level("medium", "medium", "urgent assessment within 1 h, monitoring at least hourly"),
        Level("high", "high", "emergency assessment within 30 min, continuous monitoring"),
    ),
    score=_news2_of,
)

MEWS: Final = Sheet(
    id="mews",
    title="MEWS",
    snomed=None,
    source="Subbe et al. 2001; 5 or more is critical, the response is our wording [M]",
    ages=("adult",),
    parameters=MEWS_PARAMETERS,
    inputs=(_SBP, _PULSE, _RESP, _TEMP, _MIND),
    levels=(Level("low", None, "routine monitoring"), Level("critical", "high", "urgent medical review")),
    score=lambda given: mews(*(given[name] for name in MEWS_PARAMETERS)),
)

QSOFA: Final = Sheet(
    id="qsofa",
    title="qSOFA",
    snomed=None,
    source="Singer et al. 2016 (Sepsis-3); priority [M]",
    ages=("adult",),
    parameters=QSOFA_PARAMETERS,
    inputs=(_RESP, _SBP, _MIND),
    levels=(
        Level("negative", None, "routine monitoring"),
        Level("positive", "medium", "where infection is suspected, look for organ dysfunction"),
    ),
    score=lambda given: qsofa(*(given[name] for name in QSOFA_PARAMETERS)),
)

SHOCK_INDEX: Final = Sheet(
    id="shock-index",
    title="shock index",
    snomed=None,
    source="BMJ Best Practice, shock, criteria; priority and response [M]",
    ages=("adult",),
    parameters=SHOCK_INDEX_PARAMETERS,
    inputs=(_PULSE, _SBP_NOW),
    levels=(
        Level("normal", None, "routine monitoring"),
        Level("raised", None, "routine monitoring"),
        Level("shock", "medium", "assess for shock"),
    ),
    score=lambda given: shock_index(*(given[name] for name in SHOCK_INDEX_PARAMETERS)),
    keeps_points=False,
)

PEWS: Final = Sheet(
    id="pews",
    title="Bedside PEWS",
    snomed=None,
    source="Parshuram et al. 2009: 82 % sensitive, 93 % specific at 8 or more; the response is our wording [M]",
    ages=tuple(band for band in AGE_BANDS if band != "adult"),
    parameters=PEWS_PARAMETERS,
    inputs=(_PULSE, _SBP, _RESP, _SPO2, _OXYGEN, FIO2),
    levels=(
        Level("low", None, "routine monitoring"),
        Level("high", "high", "urgent review by critical care"),
    ),
    score=_pews_of,
)

SHEETS: Final = (NEWS2, MEWS, QSOFA, SHOCK_INDEX, PEWS)
"""All scores; a score's id names it in rules files and alerts."""
