"""Gap rules: how far apart limits of one signal must be, so that no setting leaves a patient unwatched.

Source: gap rules of Mindray bedside monitors: low <= high - 2 for heart rate and SpO2, - 5 for pressures; the
desaturation limit never above the SpO2 low limit. For other signals 2 steps of the signal are our choice.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from clinical.rules import PRIORITIES
from clinical.vitals import FLAGS, INDEX, SIGNALS

PRESSURES: Final = ("nbp_", "abp_")
PRESSURE_GAP_MIN: Final = 5.0
"""mmHg; Mindray."""

STEPS_GAP_MIN: Final = 2
"""Steps of the signal: 2 for heart rate and SpO2 (Mindray), 0.2 for temperature (our choice)."""

ROUNDING: Final = 1e-9
"""Slack for sums of decimal limits such as 36.0 + 0.2."""


def limit_gap(signal: str) -> float:
    """Return the least distance of low and high limit, in the signal's unit."""
    if signal.startswith(PRESSURES):
        return PRESSURE_GAP_MIN
    return STEPS_GAP_MIN * SIGNALS[INDEX[signal]].resolution


def limit_faults(signal: str, low: float | None, high: float | None) -> Iterator[tuple[str, str]]:
    """Yield ("low" or "high", what is wrong with it) of a pair of limits in the signal's unit."""
    about = SIGNALS[INDEX[signal]]
    for side, limit in (("low", low), ("high", high)):
        if limit is not None and not about.low <= limit <= about.high:
            yield side, f"should be {about.low:g} to {about.high:g} {about.unit}, got {limit:g}"
    gap = limit_gap(signal)
    if low is not None and high is not None and high - low < gap - ROUNDING:
        yield "high", f"should be at least {gap:g} {about.unit} above low ({low:g}), got {high:g}"


def bound_faults(
    signal: str, low: float | None, high: float | None, low_min: float | None, high_max: float | None
) -> Iterator[tuple[str, str]]:
    """Yield ("low_min" or "high_max", what is wrong with it) of bounds on orders, in the signal's unit."""
    about = SIGNALS[INDEX[signal]]
    for name, bound, limit, inner, outer in (
        ("low_min", low_min, low, "below", about.low),
        ("high_max", high_max, high, "above", about.high),
    ):
        if bound is None:
            continue
        if signal in FLAGS or limit is None:
            yield name, "bounds a limit that the rule does not have, or that nobody can set"
        elif not min(limit, outer) <= bound <= max(limit, outer):
            yield name, f"should be the limit or {inner} it, {limit:g} to {outer:g}, got {bound:g}"


def order_fault(rules: Iterable[tuple[str, float | None, float | None]]) -> str | None:
    """Return what is wrong with the order of the limits of one signal, or None.

    A more urgent rule stands further out: otherwise the lesser alarm would come first, or never.

    Args:
        rules: (priority, low, high) of each rule of the signal that is in force.
    """
    known = [(PRIORITIES.index(priority), low, high) for priority, low, high in rules]
    for rank, low, high in known:
        for milder, mild_low, mild_high in known:
            pair = f"of {PRIORITIES[rank]} priority than the one of {PRIORITIES[milder]} priority"
            if milder < rank and low is not None and mild_low is not None and low > mild_low:
                return f"a higher low limit {pair}: {low:g} and {mild_low:g}"
            if milder < rank and high is not None and mild_high is not None and high < mild_high:
                return f"a lower high limit {pair}: {high:g} and {mild_high:g}"
    return None


def joint_fault(signal: str, rules: Sequence[tuple[str, float | None, float | None]]) -> str | None:
    """Return what is wrong with all limits of one signal that hold together for a patient, or None.

    Args:
        signal: the signal.
        rules: (priority, low, high) of each rule of the signal that is in force.
    """
    lows = [low for _, low, _ in rules if low is not None]
    highs = [high for _, _, high in rules if high is not None]
    for low, high in [*((low, None) for low in lows), *((None, high) for high in highs)]:
        for side, what in limit_faults(signal, low, high):
            return f"{side} {what}"
    if lows and highs:
        for side, what in limit_faults(signal, max(lows), min(highs)):
            return f"{side} {what}"
    return order_fault(rules)
