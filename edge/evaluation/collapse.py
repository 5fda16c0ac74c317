"""Pressure collapses at labelled true alarms: where the arterial pressure fell, and which rule said so. Pure.

A collapse is a fall of pressure around the alarm by one of the usual definitions of hypotension: systolic below
90 mmHg, mean below 60 mmHg, or systolic 30 % below the patient's own baseline (PMC11100658, a review of
definitions). The patient's baseline is the median of the minutes before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.rules import LimitRule
from edge.evaluation.labels import ALARM_S, WITHIN_S
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.series import Series, longest_violation_s, runs

SYSTOLIC: Final = "abp_sys"
MEAN: Final = "abp_mean"
SYSTOLIC_MMHG: Final = 90.0
MEAN_MMHG: Final = 60.0
FALL_SHARE: Final = 0.3
BASELINE_S: Final = (180.0, 270.0)


@dataclass(frozen=True, slots=True)
class Report:
    """An alarm that tells of the collapse: `start_s` on the recording's clock, `latency_s` after the collapse began.

    A negative latency: it was open already.
    """

    rule: str
    start_s: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Collapse:
    """A collapse, times in s of the recording, pressures in mmHg; `seconds` counts its samples, one a second."""

    patient: str
    begins_s: float
    seconds: int
    longest_run_s: int
    baseline_systolic: float
    lowest_systolic: float
    lowest_mean: float
    standing: bool
    """The pressure was as low before: nothing collapsed at the alarm."""
    reports: Mapping[str, Sequence[Report]]
    crossed: Mapping[str, str]
    """By rule set: which of its limits were crossed during the collapse and for how long, beside their delays."""

    def told(self, name: str) -> str:
        """Return how a rule set told of it: "new alarm", "open before" (alarms from long before only) or "no"."""
        reports = self.reports[name]
        if any(one.latency_s >= -WITHIN_S for one in reports):
            return "new alarm"
        return "open before" if reports else "no"


def find_collapse(series: Mapping[str, Series]) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Return the times (n,) around the alarm and at which of them the pressure is down; None = never."""
    if SYSTOLIC not in series:
        return None
    near = series[SYSTOLIC].between((ALARM_S - WITHIN_S) * 1000, np.inf)
    down = (near.values < SYSTOLIC_MMHG) | (near.values < (1 - FALL_SHARE) * baseline(series))
    if MEAN in series:
        mean = series[MEAN].between((ALARM_S - WITHIN_S) * 1000, np.inf)
        if np.array_equal(mean.t_ms, near.t_ms):
            down |= mean.values < MEAN_MMHG
    return (near.t_ms, down) if down.any() else None


def baseline(series: Mapping[str, Series]) -> float:
    """Return the patient's usual systolic pressure, NaN without any reading."""
    before = series[SYSTOLIC].between(BASELINE_S[0] * 1000, BASELINE_S[1] * 1000).values
    return float(np.median(before[~np.isnan(before)])) if not np.isnan(before).all() else float("nan")


def judge_collapse(
    patient: str,
    series: Mapping[str, Series],
    rules: Mapping[str, Sequence[LimitRule]],
    episodes: Mapping[str, Sequence[Episode]],
) -> Collapse | None:
    """Return the collapse at a recording's alarm and who reported it; None = the pressure did not fall.

    Args:
        patient: the recording's.
        series: its signals.
        rules: limit rules by rule set; those with a lower limit on an arterial pressure apply.
        episodes: alarms of the patient by rule set.
    """
    found = find_collapse(series)
    if found is None:
        return None
    times, down = found
    stretches = list(runs(down))
    begins_ms, ends_ms = int(times[stretches[0][0]]), int(times[stretches[-1][1]])
    usual = baseline(series)
    reports: dict[str, list[Report]] = {}
    crossed: dict[str, str] = {}
    for name, own in rules.items():
        apply = {rule.id: rule for rule in own if rule.low is not None and rule.signal.startswith("abp_")}
        reports[name] = [
            Report(one.rule, one.start_ms / 1000, (one.start_ms - begins_ms) / 1000)
            for one in episodes[name]
            if one.rule in apply and one.end_ms >= begins_ms and one.onset_ms <= ends_ms
        ]
        crossed[name] = _crossed(list(apply.values()), series, begins_ms, ends_ms)
    return Collapse(
        patient=patient,
        begins_s=begins_ms / 1000,
        seconds=int(down.sum()),
        longest_run_s=max(last - first + 1 for first, last in stretches),
        baseline_systolic=usual,
        lowest_systolic=_lowest(series, SYSTOLIC),
        lowest_mean=_lowest(series, MEAN),
        standing=usual < SYSTOLIC_MMHG,
        reports=reports,
        crossed=crossed,
    )


def _lowest(series: Mapping[str, Series], signal: str) -> float:
    if signal not in series:
        return float("nan")
    near = series[signal].between((ALARM_S - WITHIN_S) * 1000, np.inf).values
    return float(np.nanmin(near)) if not np.isnan(near).all() else float("nan")


def _crossed(rules: Sequence[LimitRule], series: Mapping[str, Series], begins_ms: int, ends_ms: int) -> str:
    """Say which limits were crossed and for how long, or that none was."""
    found = []
    for rule in rules:
        if rule.signal not in series or rule.low is None:
            continue
        lasted_s = longest_violation_s(series[rule.signal].between(begins_ms, ends_ms), rule)
        if lasted_s is not None:
            found.append(f"{rule.id}: below {rule.low:g} for {lasted_s:g} s, delay {rule.delay_s:g} s")
    return "; ".join(found) or "no limit of the set was crossed"
