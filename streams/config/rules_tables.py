"""The tables of a rules file as models: which keys each has, and what is right for each key alone.

Defaults are those of `clinical.rules`: only what the file gives is handed on.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from clinical.rules import DELAY_S_MAX, GAP_S
from clinical.scores import PARAMETERS

ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"
SOURCE_CHARS_MAX: Final = 200

INTEGRAL_MAX: Final = 36_000.0
"""Signal unit x s: ten units outside for the longest delay."""

SHARE_MAX: Final = 10.0
"""Largest share by which a value can be worse: of what is known, ten times as much again."""

Delay = Annotated[float, Field(ge=0, le=DELAY_S_MAX)]
Loss = Annotated[float, Field(ge=1, le=DELAY_S_MAX)]
Positive = Annotated[float, Field(gt=0)]
PeriodicSignal = Literal[
    "hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean", "etco2"
]  # a signal that comes when somebody measures it has no course over minutes
OFF_S_LEAST: Final = 60.0
OFF_S_MOST: Final = 86_400.0
"""Bounds on how long alarms may be off, s: a minute, and a day."""

MINUTES_MIN: Final = 5
MINUTES_MAX: Final = 15
"""Minutes of a trend: the windows reach back so far."""


class Table(BaseModel):
    """What all tables share: no unknown key, no conversion, no infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class AgeLimitsTable(Table):
    """`neonate`, `paediatric` or another age band of a rule."""

    low: float | None = None
    high: float | None = None
    source: Annotated[str, Field(max_length=SOURCE_CHARS_MAX)] = ""
    low_min: float | None = None
    high_max: float | None = None


class RuleTable(Table):
    """One `[[rule]]`. Defaults are those of `LimitRule`: only what the file gives is handed on."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    signal: str
    low: float | None = None
    high: float | None = None
    delay_s: Delay = 0.0
    clear_margin: Annotated[float, Field(ge=0)] = 0.0
    clear_delay_s: Delay = 0.0
    priority: Literal["high", "medium", "low"] = "medium"
    source: Annotated[str, Field(max_length=SOURCE_CHARS_MAX)] = ""
    paediatric: AgeLimitsTable | None = None
    neonate: AgeLimitsTable | None = None
    young_infant: AgeLimitsTable | None = None
    infant: AgeLimitsTable | None = None
    young_child: AgeLimitsTable | None = None
    child: AgeLimitsTable | None = None
    adolescent: AgeLimitsTable | None = None
    latch: bool = False
    integral: Annotated[float, Field(gt=0, le=INTEGRAL_MAX)] | None = None
    gap_s: Delay = GAP_S
    excess_s: Annotated[float, Field(gt=0, le=DELAY_S_MAX)] | None = None
    low_min: float | None = None
    high_max: float | None = None
    worse_step: Positive | None = None
    worse_share: Annotated[float, Field(gt=0, le=SHARE_MAX)] | None = None
    never_withheld: bool = False
    told_by: Literal["hr"] | None = None


class TechnicalTable(Table):
    """`[technical]`: at least 1 s, the distance of two ticks."""

    silent_device_s: Loss = 1.0
    signal_loss_s: Loss = 1.0
    escalate_s: Delay = 0.0
    check_sensor_s: Delay = 0.0
    device_fault_s: Loss = 1.0
    vital_loss_s: Delay = 0.0
    age_unknown_s: Delay = 0.0
    ward_silent: bool = True
    enabled: bool = True


class News2Table(Table):
    """`[news2]`."""

    enabled: bool = True
    inputs_min: Annotated[int, Field(ge=1, le=len(PARAMETERS))] = 1
    delay_s: Delay = 0.0


class PausesTable(Table):
    """`[pauses]`."""

    off_s_max: Annotated[float, Field(ge=OFF_S_LEAST, le=OFF_S_MOST)] = OFF_S_LEAST


class ScoreTable(Table):
    """One `[[score]]`."""

    id: Literal["mews", "qsofa", "shock-index", "pews"]
    inputs_min: Annotated[int, Field(ge=1, le=len(PARAMETERS))] = 1
    delay_s: Delay = 0.0


class TrendTable(Table):
    """One `[[trend]]`."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    signal: PeriodicSignal
    minutes: Annotated[int, Field(ge=MINUTES_MIN, le=MINUTES_MAX)] = MINUTES_MIN
    fall: Positive | None = None
    rise: Positive | None = None
    low: float | None = None
    high: float | None = None
    ahead_min: Annotated[float, Field(gt=0, le=60)] = 1.0
    delay_s: Delay = 0.0
    priority: Literal["high", "medium", "low"] = "low"
    source: Annotated[str, Field(max_length=SOURCE_CHARS_MAX)] = ""


class DriftTable(Table):
    """One `[[drift]]`."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    signal: PeriodicSignal
    sigma: Positive
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    slack: Annotated[float, Field(ge=0, le=10)] = 0.0
    threshold: Annotated[float, Field(gt=0, le=100)] = 1.0
    delay_s: Delay = 0.0
    priority: Literal["high", "medium", "low"] = "low"
    source: Annotated[str, Field(max_length=SOURCE_CHARS_MAX)] = ""


class StepTable(Table):
    """One `[[responsibility.step]]`."""

    to: Annotated[str, Field(pattern=ID_PATTERN)]
    after_s: Loss
