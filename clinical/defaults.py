"""The built-in rules: limits by age band and delays, each with the source of its limit beside it.

A hospital's own limits belong in a rules file (docs/rules.md). These are what bedside monitors ship with; an
entry marked [M] is an unconfirmed default: common practice that no source we could read confirms.

Delays: a short delay removes most of the alarms that staff ignore (14 s half of them: Goerges et al. 2009;
15 s at an SpO2 limit of 90 % removes 60 %: Welch 2011), so ours are 10 to 15 s, 5 s where minutes count, and
none for aperiodic signals, whose next value may be an hour away. Clear margins (HR and pulse 5, SpO2 2, RR 2,
pressures 5, temperature 0.2, EtCO2 2) and clear delays are our proposal: makers do not publish theirs.
Children: what bedside monitors call paediatric holds for a child of unknown age; where the age is known, limits are
those of PALS (hypotension at the oldest of a band, so that none is untold) and of Bedside PEWS (its "70 or less" is
"below 70" here), extremes at its 4 points. What has no row of its own holds for every child.
There is no upper SpO2 limit: a neonate's 95 % (Contec CMS8000 p.88) means harm only while oxygen is given.
"""

from dataclasses import replace
from typing import Any, Final

from clinical.rules import CHILDREN, AgeLimits, LimitRule, RuleSet, field_of
from clinical.vitals import INDEX, SIGNALS

EXCESS_S: Final = dict.fromkeys(("spo2", "abp_sys", "abp_dia", "abp_mean"), 30.0)
"""Oxygen and arterial pressure that are violated most of the time, though never for a whole delay, are told of when
they were violated for half a minute longer than not: a saw-tooth. Chosen by figures (docs/evidence.md) [M]."""

PERIODIC_CLEAR_DELAY_S: Final = 5.0
"""An aperiodic signal has none: the first value inside ends its alarm."""

CONTEC: Final = "default of Contec CMS8000 p.88, Edan M3A p.60, Mindray TMS60 p.94"
EDAN: Final = "neonatal default of Edan M3A p.60 (Contec CMS8000 p.88 has 85)"
TM70_DESAT: Final = "desaturation default of Mindray TM70 p.64"
TM70_NBP: Final = "adult default of Mindray TM70 p.64"
UNCONFIRMED: Final = "[M] unconfirmed default"
AS_CUFF: Final = f"{UNCONFIRMED}, as the cuff pressure"
PALS: Final = "PALS (AHA) normal range or hypotension of the age"
PALS_CPR: Final = "PALS (AHA): below 60 with poor perfusion needs compressions"
PEWS: Final = "Bedside PEWS (Parshuram 2009, table 1), 2 points"
PEWS_MOST: Final = "Bedside PEWS (Parshuram 2009, table 1), 4 points"
PEWS_LEAST: Final = "Bedside PEWS (Parshuram 2009, table 1), 1 point"
PERI_ARREST: Final = f"{UNCONFIRMED}: a pressure or breathing at which the heart is about to stop"
EXTREME_HIGH: Final = f"{UNCONFIRMED}: high limit + 20, at most 200 (child 220, neonate 240)"
EXTREME_LOW: Final = f"{UNCONFIRMED}: low limit - 20, at least 40 (child and neonate 50)"
APNOEA: Final = f"{UNCONFIRMED}: 20 s, in the range 10 to 40 s of Mindray DPM4 p.141"
LINE_OFF: Final = f"{UNCONFIRMED}: bedside monitors tell of a disconnected arterial line at high priority"
REPORTED: Final = "the device's own alarm, passed on without a delay (never delayed: Mindray ePM p.83)"

Band = tuple[float, str]
"""A limit and its source."""


def _side(side: str, own: Band) -> AgeLimits:
    low, high = (own[0], None) if side == "low" else (None, own[0])
    return AgeLimits(low, high, own[1])


def _rule(
    name: str,
    signal: str,
    side: str,
    adult: Band,
    paediatric: Band,
    neonate: Band,
    delay_s: float,
    clear_margin: float,
    priority: str = "medium",
) -> LimitRule:
    grown = _side(side, adult)
    ages = _BY_AGE.get(name.replace("pulse-", "hr-").replace("abp-", "nbp-"), ())
    rule = LimitRule(
        name,
        signal,
        grown.low,
        grown.high,
        delay_s=delay_s,
        clear_margin=clear_margin,
        clear_delay_s=PERIODIC_CLEAR_DELAY_S if SIGNALS[INDEX[signal]].periodic else 0.0,
        priority=priority,
        source=grown.source,
        excess_s=EXCESS_S.get(signal),
        paediatric=_side(side, paediatric),
        neonate=_side(side, neonate),
        told_by="hr" if signal == "pulse" else None,
    )
    of_ages: dict[str, Any] = {
        field_of(band): _side(side, own) for band, own in zip(CHILDREN, ages, strict=False)
    }
    return replace(rule, **of_ages)


C, U, X, Y = CONTEC, UNCONFIRMED, EXTREME_HIGH, EXTREME_LOW
D, N, A, S = TM70_DESAT, TM70_NBP, AS_CUFF, APNOEA
P, R, W, V, T, E = PALS, PALS_CPR, PEWS, PEWS_MOST, PEWS_LEAST, PERI_ARREST

# fmt: off
_BY_AGE: Final[dict[str, tuple[Band, ...]]] = {
    # pulse as hr, abp as nbp  under 3 months  3-11 months   1-3 years     4-11 years    from 12 years
    "hr-high":                 ((180.0, P),    (180.0, P),   (150.0, W),   (130.0, W),   (120.0, W)),
    "hr-low":                  ((90.0, P),     (90.0, P),    (80.0, P),    (60.0, W),    (50.0, P)),
    "hr-extreme-high":         ((200.0, X),    (200.0, X),   (170.0, V),   (150.0, V),   (140.0, V)),
    "hr-extreme-low":          ((80.0, V),     (70.0, V),    (60.0, V),    (50.0, V),    (40.0, V)),
    "resp-high":               ((60.0, T),     (53.0, P),    (40.0, T),    (30.0, T),    (30.0, U)),
    "resp-low":                ((20.0, W),     (20.0, W),    (16.0, W),    (15.0, W),    (10.0, W)),
    "resp-extreme-low":        ((15.0, V),     (15.0, V),    (12.0, V),    (10.0, V),    (6.0, E)),
    "nbp-sys-high":            ((100.0, W),    (120.0, W),   (125.0, W),   (140.0, W),   (150.0, W)),
    "nbp-sys-low":             ((70.0, P),     (70.0, P),    (76.0, P),    (90.0, P),    (90.0, P)),
    "nbp-sys-extreme-low":     ((45.0, V),     (60.0, V),    (65.0, V),    (70.0, V),    (75.0, V)),
    "nbp-dia-high":            ((65.0, U),     (70.0, U),    (75.0, U),    (85.0, U),    (90.0, U)),
    "nbp-dia-low":             ((30.0, U),     (30.0, U),    (35.0, U),    (40.0, U),    (50.0, U)),
    "nbp-mean-high":           ((75.0, U),     (85.0, U),    (90.0, U),    (100.0, U),   (110.0, U)),
    "nbp-mean-low":            ((40.0, U),     (42.0, U),    (45.0, U),    (50.0, U),    (60.0, U)),
    "nbp-mean-extreme-low":    ((30.0, E),     (30.0, E),    (32.0, E),    (36.0, E),    (40.0, E)),
}
_FLAG: Final[tuple[Band, Band, Band]] = ((0.5, REPORTED), (0.5, REPORTED), (0.5, REPORTED))
_LINE: Final[tuple[Band, Band, Band]] = ((0.5, LINE_OFF), (0.5, LINE_OFF), (0.5, LINE_OFF))
_LIMITS: Final = (
    #     id                 signal      side    adult       paediatric  neonate         delay  margin  priority
    _rule("hr-high",         "hr",       "high", (120.0, C), (160.0, C), (200.0, C),     10.0,  5.0),
    _rule("hr-low",          "hr",       "low",  (50.0, C),  (75.0, C),  (100.0, C),     10.0,  5.0),
    _rule("hr-extreme-high", "hr",       "high", (140.0, X), (180.0, X), (220.0, X),     5.0,   5.0,    "high"),
    _rule("hr-extreme-low",  "hr",       "low",  (40.0, Y),  (60.0, R),  (80.0, Y),      5.0,   5.0,    "high"),
    _rule("pulse-high",      "pulse",    "high", (120.0, C), (160.0, C), (200.0, C),     10.0,  5.0),
    _rule("pulse-low",       "pulse",    "low",  (50.0, C),  (75.0, C),  (100.0, C),     10.0,  5.0),
    _rule("pulse-extreme-high", "pulse", "high", (140.0, X), (180.0, X), (220.0, X),     5.0,   5.0,    "high"),
    _rule("pulse-extreme-low",  "pulse", "low",  (40.0, Y),  (60.0, R),  (80.0, Y),      5.0,   5.0,    "high"),
    _rule("spo2-low",        "spo2",     "low",  (90.0, C),  (90.0, C),  (90.0, EDAN),   15.0,  2.0),
    _rule("spo2-desat",      "spo2",     "low",  (80.0, D),  (80.0, U),  (80.0, U),      5.0,   2.0,    "high"),
    _rule("resp-high",       "resp",     "high", (30.0, U),  (30.0, U),  (100.0, U),     15.0,  2.0),
    _rule("resp-low",        "resp",     "low",  (8.0, U),   (8.0, U),   (30.0, U),      15.0,  2.0),
    _rule("resp-extreme-low", "resp",    "low",  (4.0, E),   (6.0, E),   (15.0, V),      5.0,   2.0,    "high"),
    _rule("apnoea",          "resp",     "low",  (1.0, S),   (1.0, S),   (1.0, S),       20.0,  2.0,    "high"),
    _rule("nbp-sys-high",    "nbp_sys",  "high", (160.0, N), (120.0, U), (90.0, U),      0.0,   5.0),
    _rule("nbp-sys-low",     "nbp_sys",  "low",  (90.0, N),  (70.0, U),  (60.0, P),      0.0,   5.0),
    _rule("nbp-sys-extreme-low", "nbp_sys", "low", (70.0, E), (60.0, E), (45.0, V),      0.0,   5.0,    "high"),
    _rule("nbp-dia-high",    "nbp_dia",  "high", (90.0, N),  (70.0, U),  (60.0, U),      0.0,   5.0),
    _rule("nbp-dia-low",     "nbp_dia",  "low",  (50.0, N),  (40.0, U),  (20.0, U),      0.0,   5.0),
    _rule("nbp-mean-high",   "nbp_mean", "high", (110.0, N), (90.0, U),  (70.0, U),      0.0,   5.0),
    _rule("nbp-mean-low",    "nbp_mean", "low",  (60.0, N),  (50.0, U),  (30.0, U),      0.0,   5.0),
    _rule("nbp-mean-extreme-low", "nbp_mean", "low", (40.0, E), (35.0, E), (20.0, E),    0.0,   5.0,    "high"),
    _rule("abp-sys-high",    "abp_sys",  "high", (160.0, A), (120.0, A), (90.0, A),      10.0,  5.0),
    _rule("abp-sys-low",     "abp_sys",  "low",  (90.0, A),  (70.0, A),  (60.0, P),      10.0,  5.0),
    _rule("abp-sys-extreme-low", "abp_sys", "low", (70.0, E), (60.0, E), (45.0, V),      5.0,   5.0,    "high"),
    _rule("abp-dia-high",    "abp_dia",  "high", (90.0, A),  (70.0, A),  (60.0, A),      10.0,  5.0),
    _rule("abp-dia-low",     "abp_dia",  "low",  (50.0, A),  (40.0, A),  (20.0, A),      10.0,  5.0),
    _rule("abp-mean-high",   "abp_mean", "high", (110.0, A), (90.0, A),  (70.0, A),      10.0,  5.0),
    _rule("abp-mean-low",    "abp_mean", "low",  (60.0, A),  (50.0, A),  (30.0, A),      10.0,  5.0),
    _rule("abp-mean-extreme-low", "abp_mean", "low", (40.0, E), (35.0, E), (20.0, E),    5.0,   5.0,    "high"),
    _rule("temp-high",       "temp",     "high", (39.0, U),  (39.0, U),  (39.0, U),      0.0,   0.2),
    _rule("temp-low",        "temp",     "low",  (36.0, U),  (36.0, U),  (36.0, U),      0.0,   0.2),
    _rule("etco2-high",      "etco2",    "high", (50.0, U),  (50.0, U),  (45.0, U),      15.0,  2.0),
    _rule("etco2-low",       "etco2",    "low",  (15.0, U),  (20.0, U),  (30.0, U),      15.0,  2.0),
    # What the device itself has decided from its waveform; no numeric value ever means asystole.
    _rule("asystole",        "asystole", "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("apnoea-reported", "apnoea",   "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("vfib",            "vfib",     "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("vtach",           "vtach",    "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("ext-tachy",       "ext_tachy", "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("ext-brady",       "ext_brady", "high", *_FLAG, 0.0, 0.0, "high"),
    _rule("abp-disconnect",  "abp_disconnect", "high", *_LINE, 0.0, 0.0, "high"),
)
# fmt: on

UNPAUSED: Final = ("apnoea", "spo2-desat")
"""Beside what the device reports: a pause must not hide that nobody breathes or that oxygen is lacking (our choice)."""

DEFAULT_RULES: Final = RuleSet(
    limits=tuple(replace(rule, never_withheld=rule.id in UNPAUSED) for rule in _LIMITS)
)
"""Limit alarms of every age band with the default technical and score rules."""
