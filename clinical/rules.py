"""What a rule is: limits with delay and hysteresis, technical conditions, score alarms.

A `RuleSet` is configuration: `clinical.defaults` holds the built-in one, `streams.rules_file` reads another.
Times are in seconds here, as people write them; the vectorised decisions use the compiled arrays in ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import INDEX

PRIORITIES: Final = ("low", "medium", "high")
"""In rising order; a priority's position is its rank (IEC 60601-1-8)."""

RULES_MAX: Final = 64
"""Bound on limit rules, so that a patient's record stays bounded."""

DELAY_S_MAX: Final = 3600


@dataclass(frozen=True, slots=True)
class LimitRule:
    """A limit alarm on one signal, in the signal's unit.

    Violated while value < `low` or value > `high`. Starts at the first violating sample `delay_s` or more after
    the run's first; ends when the value has been inside by `clear_margin` for `clear_delay_s`.
    """

    id: str
    signal: str
    low: float | None = None
    high: float | None = None
    delay_s: float = 0.0
    clear_margin: float = 0.0
    clear_delay_s: float = 0.0
    priority: str = "medium"
    source: str = ""


@dataclass(frozen=True, slots=True)
class TechnicalRules:
    """Loss of data, decided by ticks. Times in s; low priority at first, medium after `escalate_s`."""

    silent_device_s: float = 15.0
    signal_loss_s: float = 20.0
    escalate_s: float = 60.0
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class News2Rules:
    """NEWS2 band alarms (RCP 2017), decided by ticks.

    Needs at least `inputs_min` of the seven inputs; a crossing is reported when it has held for `delay_s`.
    """

    enabled: bool = True
    inputs_min: int = 5
    delay_s: float = 30.0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that can alarm."""

    limits: tuple[LimitRule, ...]
    technical: TechnicalRules = field(default_factory=TechnicalRules)
    news2: News2Rules = field(default_factory=News2Rules)


@dataclass(frozen=True, slots=True)
class CompiledLimits:
    """The limit rules as arrays of shape (rules,): limits in the signal's unit, times in ms.

    A missing limit is -inf or +inf; `inside_low`/`inside_high` are the limits tightened by the clear margin.
    """

    rules: tuple[LimitRule, ...]
    signal: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    inside_low: NDArray[np.float64]
    inside_high: NDArray[np.float64]
    delay_ms: NDArray[np.int64]
    clear_delay_ms: NDArray[np.int64]


def compile_limits(rules: Sequence[LimitRule]) -> CompiledLimits:
    """Turn limit rules into arrays.

    Raises:
        ValueError: more than `RULES_MAX` rules.
    """
    if len(rules) > RULES_MAX:
        raise ValueError(f"{len(rules)} limit rules, at most {RULES_MAX} are supported")
    low = np.array([-np.inf if rule.low is None else rule.low for rule in rules], dtype=np.float64)
    high = np.array([np.inf if rule.high is None else rule.high for rule in rules], dtype=np.float64)
    margin = np.array([rule.clear_margin for rule in rules], dtype=np.float64)
    return CompiledLimits(
        rules=tuple(rules),
        signal=np.array([INDEX[rule.signal] for rule in rules], dtype=np.int64),
        low=low,
        high=high,
        inside_low=low + margin,
        inside_high=high - margin,
        delay_ms=np.array([round(rule.delay_s * 1000) for rule in rules], dtype=np.int64),
        clear_delay_ms=np.array([round(rule.clear_delay_s * 1000) for rule in rules], dtype=np.int64),
    )
