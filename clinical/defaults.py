"""The built-in rules: adult limits and delays, each with the source of its limit beside it.

A hospital's own limits belong in a rules file (docs/rules.md). These are what bedside monitors ship with; an
entry marked [M] is an unconfirmed default: common practice that no source we could read confirms.

Delays: a short delay removes most of the alarms that staff ignore (14 s half of them: Goerges et al. 2009;
15 s at an SpO2 limit of 90 % removes 60 %: Welch 2011), so ours are 10 to 15 s, 5 s where minutes count, and
none for aperiodic signals, whose next value may be an hour away. Clear margins (HR and pulse 5, SpO2 2, RR 2,
pressures 5, temperature 0.2, EtCO2 2) and clear delays are our proposal: makers do not publish theirs.
"""

from typing import Final

from clinical.rules import LimitRule, RuleSet
from clinical.vitals import INDEX, SIGNALS

PERIODIC_CLEAR_DELAY_S: Final = 5.0
"""An aperiodic signal has none: the first value inside ends its alarm."""

CONTEC: Final = "adult default of Contec CMS8000 p.88, Edan M3A p.60, Mindray TMS60 p.94"
TM70_DESAT: Final = "desaturation default of Mindray TM70 p.64"
TM70_NBP: Final = "adult default of Mindray TM70 p.64"
AS_CUFF: Final = "[M] unconfirmed default, as the cuff pressure"
UNCONFIRMED: Final = "[M] unconfirmed default"
EXTREME_HIGH: Final = "[M] unconfirmed default: high limit + 20, at most 200"
EXTREME_LOW: Final = "[M] unconfirmed default: low limit - 20, at least 40"


def _rule(
    name: str,
    signal: str,
    low: float | None,
    high: float | None,
    delay_s: float,
    clear_margin: float,
    priority: str,
    source: str,
) -> LimitRule:
    periodic = SIGNALS[INDEX[signal]].periodic
    clear_delay_s = PERIODIC_CLEAR_DELAY_S if periodic else 0.0
    return LimitRule(name, signal, low, high, delay_s, clear_margin, clear_delay_s, priority, source)


# fmt: off
_LIMITS: Final = (
    #     id                 signal      low    high   delay  margin  priority  source of the limit
    _rule("hr-high",         "hr",       None,  120.0, 10.0,  5.0,    "medium", CONTEC),
    _rule("hr-low",          "hr",       50.0,  None,  10.0,  5.0,    "medium", CONTEC),
    _rule("hr-extreme-high", "hr",       None,  140.0, 5.0,   5.0,    "high",   EXTREME_HIGH),
    _rule("hr-extreme-low",  "hr",       40.0,  None,  5.0,   5.0,    "high",   EXTREME_LOW),
    _rule("pulse-high",      "pulse",    None,  120.0, 10.0,  5.0,    "medium", CONTEC),
    _rule("pulse-low",       "pulse",    50.0,  None,  10.0,  5.0,    "medium", CONTEC),
    _rule("spo2-low",        "spo2",     90.0,  None,  15.0,  2.0,    "medium", CONTEC),
    _rule("spo2-desat",      "spo2",     80.0,  None,  5.0,   2.0,    "high",   TM70_DESAT),
    _rule("resp-high",       "resp",     None,  30.0,  15.0,  2.0,    "medium", UNCONFIRMED),
    _rule("resp-low",        "resp",     8.0,   None,  15.0,  2.0,    "medium", UNCONFIRMED),
    _rule("nbp-sys-high",    "nbp_sys",  None,  160.0, 0.0,   5.0,    "medium", TM70_NBP),
    _rule("nbp-sys-low",     "nbp_sys",  90.0,  None,  0.0,   5.0,    "medium", TM70_NBP),
    _rule("nbp-dia-high",    "nbp_dia",  None,  90.0,  0.0,   5.0,    "medium", TM70_NBP),
    _rule("nbp-dia-low",     "nbp_dia",  50.0,  None,  0.0,   5.0,    "medium", TM70_NBP),
    _rule("nbp-mean-high",   "nbp_mean", None,  110.0, 0.0,   5.0,    "medium", TM70_NBP),
    _rule("nbp-mean-low",    "nbp_mean", 60.0,  None,  0.0,   5.0,    "medium", TM70_NBP),
    _rule("abp-sys-high",    "abp_sys",  None,  160.0, 10.0,  5.0,    "medium", AS_CUFF),
    _rule("abp-sys-low",     "abp_sys",  90.0,  None,  10.0,  5.0,    "medium", AS_CUFF),
    _rule("abp-dia-high",    "abp_dia",  None,  90.0,  10.0,  5.0,    "medium", AS_CUFF),
    _rule("abp-dia-low",     "abp_dia",  50.0,  None,  10.0,  5.0,    "medium", AS_CUFF),
    _rule("abp-mean-high",   "abp_mean", None,  110.0, 10.0,  5.0,    "medium", AS_CUFF),
    _rule("abp-mean-low",    "abp_mean", 60.0,  None,  10.0,  5.0,    "medium", AS_CUFF),
    _rule("temp-high",       "temp",     None,  39.0,  0.0,   0.2,    "medium", UNCONFIRMED),
    _rule("temp-low",        "temp",     36.0,  None,  0.0,   0.2,    "medium", UNCONFIRMED),
    _rule("etco2-high",      "etco2",    None,  50.0,  15.0,  2.0,    "medium", UNCONFIRMED),
    _rule("etco2-low",       "etco2",    15.0,  None,  15.0,  2.0,    "medium", UNCONFIRMED),
)
# fmt: on

DEFAULT_RULES: Final = RuleSet(limits=_LIMITS)
"""Adult limit alarms with the default technical and NEWS2 rules."""
