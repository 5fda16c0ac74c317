"""Alarm load: how many alarms, how long they last, who has them, and what the other rule set makes of them. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.evaluation.recorded_episodes import Episode

WORST_SHARE: Final = 0.1
"""Lansdowne 2016: the top 10 % of patients make 57.4 % of SpO2 alarms at 90 % and 15 s."""

WORST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Counts:
    """Alarms of one rule, or of a whole set; durations from onset to end and latencies in s, None without any.

    `brief_share` is the share of alarms that were over, by themselves, before the compared set's delay had passed.
    """

    alarms: int
    per_patient_hour: float
    median_duration_s: float | None
    brief_share: float | None
    median_latency_s: float | None
    max_latency_s: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """How many alarms of one kind."""

    alarms: int
    per_patient_hour: float


@dataclass(frozen=True, slots=True)
class SetLoad:
    """What one rule set does to a dataset."""

    all: Counts
    by_priority: Mapping[str, Rate]
    by_type: Mapping[str, Rate]
    still_open: int
    worst_share: float | None
    worst_patients: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule under both sets. `removed` alarms of the first have none of the second at the same time."""

    rule: str
    type: str
    delay_s: tuple[float | None, float | None]
    counts: tuple[Counts, Counts]
    reduction: float | None
    removed: int
    longest_removed_s: float | None


def count(episodes: Sequence[Episode], patient_hours: float, delay_s: Mapping[str, float]) -> Counts:
    """Count alarms.

    Args:
        episodes: of one rule or of several.
        patient_hours: how long patients were monitored.
        delay_s: delay of each rule in the set that is compared; a rule that is absent has none.
    """
    durations = [one.duration_s for one in episodes]
    latencies = [one.latency_s for one in episodes]
    brief = sum(one.ended and one.duration_s < delay_s.get(one.rule, 0.0) for one in episodes)
    return Counts(
        alarms=len(episodes),
        per_patient_hour=len(episodes) / patient_hours,
        median_duration_s=_median(durations),
        brief_share=brief / len(episodes) if episodes else None,
        median_latency_s=_median(latencies),
        max_latency_s=max(latencies, default=None),
    )


def set_load(
    episodes: Sequence[Episode], patients: Sequence[str], patient_hours: float, delay_s: Mapping[str, float]
) -> SetLoad:
    """Return a rule set's load; arguments as `count`, with every patient who was monitored."""
    per_patient = Counter(dict.fromkeys(patients, 0))
    per_patient.update(one.patient for one in episodes)
    return SetLoad(
        all=count(episodes, patient_hours, delay_s),
        by_priority=_rates((one.priority for one in episodes), patient_hours),
        by_type=_rates((one.type for one in episodes), patient_hours),
        still_open=sum(not one.ended for one in episodes),
        worst_share=worst_share(list(per_patient.values())),
        worst_patients=[(name, n) for name, n in per_patient.most_common(WORST_SHOWN) if n],
    )


def worst_share(alarms: Sequence[int], share: float = WORST_SHARE) -> float | None:
    """Return what share of all alarms the `share` of patients with the most have, at least one of them."""
    total = sum(alarms)
    if not total:
        return None
    chosen = math.ceil(share * len(alarms) - 1e-9)
    return sum(sorted(alarms, reverse=True)[:chosen]) / total


def removed(before: Sequence[Episode], after: Sequence[Episode]) -> list[Episode]:
    """Return the alarms of the first set that the second has no alarm for, of rule and patient, longest first."""
    others: dict[tuple[str, str], list[Episode]] = {}
    for one in after:
        others.setdefault((one.rule, one.patient), []).append(one)
    gone = [
        one
        for one in before
        if not any(one.overlaps(other) for other in others.get((one.rule, one.patient), ()))
    ]
    return sorted(gone, key=lambda one: -one.duration_s)


def rule_lines(
    episodes: tuple[Sequence[Episode], Sequence[Episode]],
    patient_hours: float,
    delay_s: tuple[Mapping[str, float], Mapping[str, float]],
) -> list[RuleLine]:
    """Compare both sets rule by rule, those with the most alarms under the first set first."""
    gone = removed(*episodes)
    lines = []
    for rule in {one.rule for some in episodes for one in some}:
        mine = [[one for one in some if one.rule == rule] for some in episodes]
        first, second = (count(some, patient_hours, delay_s[1]) for some in mine)
        lost = [one.duration_s for one in gone if one.rule == rule]
        lines.append(
            RuleLine(
                rule=rule,
                type=next(one.type for some in mine for one in some),
                delay_s=(delay_s[0].get(rule), delay_s[1].get(rule)),
                counts=(first, second),
                reduction=reduction(first.alarms, second.alarms),
                removed=len(lost),
                longest_removed_s=max(lost, default=None),
            )
        )
    return sorted(lines, key=lambda line: (line.type, -line.counts[0].alarms, line.rule))


def reduction(before: int, after: int) -> float | None:
    """Return the share of alarms that are gone; negative = more than before, None = there were none."""
    return 1 - after / before if before else None


def _rates(kinds: Iterable[str], patient_hours: float) -> dict[str, Rate]:
    return {kind: Rate(alarms, alarms / patient_hours) for kind, alarms in Counter(kinds).most_common()}


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
