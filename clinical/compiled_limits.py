"""The limit rules as arrays: what the vectorised decisions use. Times are in ms here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.rules import AGE_BANDS, PRIORITIES, RULES_MAX, LimitRule
from clinical.vitals import COUNT, INDEX

SCALE2_TARGET_LOW: Final = 88.0
"""Lower end of the SpO2 target of NEWS2's scale 2, % (RCP 2017: 88 to 92 %, by order)."""

NO_SIGNAL: Final = -1
"""Column of no signal."""


@dataclass(frozen=True, slots=True)
class CompiledLimits:
    """The limit rules as arrays of shape (rules,): limits in the signal's unit, times in ms.

    A missing limit is -inf or +inf; `inside_low`/`inside_high` are the limits tightened by the clear margin.
    `low` and `high` are an adult's; `band_low`/`band_high` of shape (age bands, rules) hold those of every band.
    With limits of their own for n patients (`with_limits`) the first four have shape (n, rules).
    `strictest_low`/`strictest_high`, of shape (signals,), are the narrowest limits of any rule on each signal.
    `outranks[j, i]` is 1 where rule j, while it is announced, suppresses rule i: both watch the same side of one signal
    and j is more severe. `tells[j, i]`: likewise while the signals of both agree (`LimitRule.told_by`), j being at
    least as severe; `telling[j]`: it tells any. They are numbers of 32 bits, which multiply far faster than truths do.
    `integral` is in signal unit x ms and `excess_ms` in ms, +inf for a rule without one.
    `bound_low`/`bound_high` of shape (age bands, rules) are the furthest limits that an order may set; `worse_step` is
    in the signal's unit and `worse_share` a share, +inf for a rule without one.
    """

    rules: tuple[LimitRule, ...]
    signal: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    inside_low: NDArray[np.float64]
    inside_high: NDArray[np.float64]
    margin: NDArray[np.float64]
    delay_ms: NDArray[np.int64]
    clear_delay_ms: NDArray[np.int64]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]
    strictest_low: NDArray[np.float64]
    strictest_high: NDArray[np.float64]
    rank: NDArray[np.uint8]
    latch: NDArray[np.bool_]
    outranks: NDArray[np.float32]
    tells: NDArray[np.float32]
    telling: NDArray[np.bool_]
    integral: NDArray[np.float64]
    gap_ms: NDArray[np.int64]
    excess_ms: NDArray[np.float64]
    bound_low: NDArray[np.float64]
    bound_high: NDArray[np.float64]
    worse_step: NDArray[np.float64]
    worse_share: NDArray[np.float64]
    never_withheld: NDArray[np.bool_]
    scale2_low: NDArray[np.float64]
    """Where SpO2 scale 2 was ordered a rule's lower limit is at most this (rules,): by the clear margin below the
    target, so that every value in it ends the alarm [M]; +inf for other signals."""
    turns: tuple[NDArray[np.bool_], ...]
    """Which rules (rules,) begin in each turn: who may stand for another one comes before it."""

    def with_limits(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> "CompiledLimits":
        """Return the rules with other limits, (n, rules) or (rules,)."""
        return replace(self, low=low, high=high, inside_low=low + self.margin, inside_high=high - self.margin)


def compile_limits(rules: Sequence[LimitRule]) -> CompiledLimits:
    """Turn limit rules into arrays.

    Raises:
        ValueError: more than `RULES_MAX` rules.
    """
    if len(rules) > RULES_MAX:
        raise ValueError(f"{len(rules)} limit rules, at most {RULES_MAX} are supported")
    bands = [[rule.limits(band) for rule in rules] for band in AGE_BANDS]
    bounds = [[rule.furthest(band) for rule in rules] for band in AGE_BANDS]
    band_low = _or_none([[own.low for own in row] for row in bands], -np.inf)
    band_high = _or_none([[own.high for own in row] for row in bands], np.inf)
    low, high = band_low[0], band_high[0]
    margin = np.array([rule.clear_margin for rule in rules], dtype=np.float64)
    signal = np.array([INDEX[rule.signal] for rule in rules], dtype=np.int64)
    other = np.array([NO_SIGNAL if rule.told_by is None else INDEX[rule.told_by] for rule in rules], np.int64)
    strictest_low, strictest_high = np.full(COUNT, -np.inf), np.full(COUNT, np.inf)
    np.maximum.at(strictest_low, signal, low)
    np.minimum.at(strictest_high, signal, high)
    rank = np.array([PRIORITIES.index(rule.priority) for rule in rules], dtype=np.uint8)
    same_side = (np.isfinite(low)[:, None] & np.isfinite(low)) | (
        np.isfinite(high)[:, None] & np.isfinite(high)
    )
    tells = (signal[:, None] == other) & (rank[:, None] >= rank) & same_side
    return CompiledLimits(
        rules=tuple(rules),
        signal=signal,
        low=low,
        high=high,
        inside_low=low + margin,
        inside_high=high - margin,
        margin=margin,
        delay_ms=np.array([round(rule.delay_s * 1000) for rule in rules], dtype=np.int64),
        clear_delay_ms=np.array([round(rule.clear_delay_s * 1000) for rule in rules], dtype=np.int64),
        band_low=band_low,
        band_high=band_high,
        strictest_low=strictest_low,
        strictest_high=strictest_high,
        rank=rank,
        latch=np.array([rule.latch for rule in rules], dtype=np.bool_),
        outranks=((signal[:, None] == signal) & (rank[:, None] > rank) & same_side).astype(np.float32),
        tells=tells.astype(np.float32),
        telling=tells.any(axis=1),
        integral=_or_none([rule.integral for rule in rules], np.inf) * 1000,
        gap_ms=np.array([round(rule.gap_s * 1000) for rule in rules], dtype=np.int64),
        excess_ms=_or_none([rule.excess_s for rule in rules], np.inf) * 1000,
        bound_low=_or_none([[low for low, _ in row] for row in bounds], -np.inf),
        bound_high=_or_none([[high for _, high in row] for row in bounds], np.inf),
        worse_step=_or_none([rule.worse_by[0] for rule in rules], np.inf),
        worse_share=_or_none([rule.worse_by[1] for rule in rules], np.inf),
        never_withheld=np.array([rule.is_never_withheld for rule in rules], dtype=np.bool_),
        scale2_low=np.where(signal == INDEX["spo2"], SCALE2_TARGET_LOW - margin, np.inf),
        turns=tuple(
            (rank == each) & ((other == NO_SIGNAL) == first)
            for each in reversed(range(len(PRIORITIES)))
            for first in (True, False)
        ),
    )


def _or_none(
    values: Sequence[float | None] | Sequence[Sequence[float | None]], none: float
) -> NDArray[np.float64]:
    """Return numbers, of one rule after the other or band by band, with `none` for those that are missing."""
    found = np.array(values, dtype=np.float64)  # None becomes NaN
    return np.where(np.isnan(found), none, found)


def signals_by_age(limits: CompiledLimits) -> NDArray[np.int64]:
    """Return the columns of the signals on which a rule has other limits for another age, rising."""
    differs = (limits.band_low != limits.band_low[0]) | (limits.band_high != limits.band_high[0])
    return np.unique(limits.signal[differs.any(axis=0)])
