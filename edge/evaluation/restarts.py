"""Where a delay began anew, again and again: limits violated often and for long in all, untold each time. Pure.

A reading inside the limit ends a violation; one that is missing is no reading inside. So two lengths are given for the
longest: unbroken (nulls break it, as in the table of what is left out) and looking through what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from clinical.rules import LimitRule
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.series import Series, longest_violation_s, runs, violated

SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Restart:
    """A limit that one patient violated often without an alarm of the second set: how often, and for how long; s."""

    patient: str
    rule: str
    delay_s: float
    violations: int
    samples: int
    unbroken_s: float
    bridged_s: float


def restarts(
    patients: Mapping[str, Mapping[str, Series]], rules: Sequence[LimitRule], episodes: Sequence[Episode]
) -> list[Restart]:
    """Return the limits with more than one violation that no alarm tells of, the most readings beyond them first."""
    told: dict[tuple[str, str], list[Episode]] = {}
    for one in episodes:
        told.setdefault((one.patient, one.rule), []).append(one)
    lines = (
        _line(patient, rule, series[rule.signal], told.get((patient, rule.id), ()))
        for patient, series in patients.items()
        for rule in rules
        if rule.delay_s > 0 and rule.signal in series
    )
    found = [line for line in lines if line.violations > 1]
    return sorted(found, key=lambda one: (-one.samples, one.patient, one.rule))[:SHOWN]


def _line(patient: str, rule: LimitRule, series: Series, told: Sequence[Episode]) -> Restart:
    valid = ~np.isnan(series.values)
    there = Series(series.t_ms[valid], series.values[valid])
    untold = []
    for first, last in runs(violated(there, rule)):
        begins_ms, ends_ms = int(there.t_ms[first]), int(there.t_ms[last])
        if not any(one.onset_ms <= ends_ms and one.end_ms >= begins_ms for one in told):
            untold.append((begins_ms, ends_ms, last - first + 1))
    unbroken = (longest_violation_s(series.between(begins, ends), rule) or 0.0 for begins, ends, _ in untold)
    return Restart(
        patient=patient,
        rule=rule.id,
        delay_s=rule.delay_s,
        violations=len(untold),
        samples=sum(samples for _, _, samples in untold),
        unbroken_s=max(unbroken, default=0.0),
        bridged_s=max(((ends - begins) / 1000 for begins, ends, _ in untold), default=0.0),
    )
