"""The whole comparison as plain data: what both rule sets told, by ward and rule, and the readings behind it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from edge.explanation.evidence import Evidence, around
from edge.records import Skipped
from edge.shadow.compare import (
    OUTCOMES,
    RANK,
    Condition,
    Difference,
    Told,
    conditions,
    counted,
    differences,
    episodes,
)
from edge.shadow.compared_topics import (
    Heard,
    Stretch,
    chosen,
    heard,
    stretch_of,
    until_by_patient,
    wards,
)
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, SHADOW_ALERTS
from streams.errors import VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.rules_log import Decided, read_rules, switches
from streams.kafka.security import seals_of

LISTED_MAX: Final = 2_000
"""Differences that a report lists; all of them are counted."""

AROUND_S: Final = 60.0
"""Readings are shown from so long before the onset to as long after the alarm's start."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A difference with the ward of its patient and, for as many as were asked for, the readings behind it."""

    difference: Difference
    ward: str
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a report tells. `total` are all differences, `seen` those that are listed, what matters most first."""

    trial: Decided
    present: Decided | None
    stretch: Stretch
    conditions: Sequence[Condition]
    counts: Mapping[tuple[str, str], Mapping[str, int]]
    total: int
    seen: Sequence[Seen]

    @property
    def until_ms(self) -> int:
        """Up to when all partitions were compared, ms; 0 = one has not been judged at all."""
        return min(self.stretch.until_ms.values(), default=0)


def compare(
    settings: Settings, name: str | None, since_ms: int, readings: int, skipped: Skipped
) -> Comparison:
    """Compare what a shadow told with what was told.

    Args:
        settings: of the workers whose alerts count.
        name: of the rules that are tried; None = those tried last.
        since_ms: not from before this, append time.
        readings: of how many differences the readings are fetched.
        skipped: told of records that cannot be read.

    Raises:
        UsageError: no such rules are tried.
        BrokerUnreachable: no broker answers.
        VigilError: a topic cannot be read.
    """
    found = read_rules(settings, settings.group, seals_of(settings))
    trial = chosen(found, name)
    stretch = stretch_of(settings, found, trial, since_ms)
    present = heard(settings, ALERTS, stretch, skipped)
    new = heard(settings, SHADOW_ALERTS, stretch, skipped, trial.rules.name)
    ward_of = wards(settings, skipped)
    joined = conditions(_told(present, stretch), _told(new, stretch))
    differ = sorted(
        differences(joined), key=lambda one: (OUTCOMES.index(one.outcome), one.condition.start_ms)
    )
    partition_of = {one.alert.patient: one.partition for one in (*present, *new)}
    events = _events((*present, *new))
    listed = differ[:LISTED_MAX]
    shown = _evidence(settings, listed[:readings], partition_of, events)
    in_force = switches(found)
    return Comparison(
        trial=trial,
        present=in_force[-1] if in_force else None,
        stretch=stretch,
        conditions=joined,
        counts=counted(joined, ward_of),
        total=len(differ),
        seen=[
            Seen(one, ward_of.get(one.condition.patient, ""), shown.get(number))
            for number, one in enumerate(listed)
        ],
    )


def _told(alerts: Sequence[Heard], stretch: Stretch) -> list[Told]:
    return episodes((one.alert for one in alerts), until_by_patient(alerts, stretch))


def _events(alerts: Iterable[Heard]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, dict[str, Any]] = {}
    for one in alerts:
        found.setdefault(one.alert.episode, {}).setdefault(one.alert.id, one.alert)
    return {
        episode: tuple(sorted(own.values(), key=lambda alert: (alert.event_ts_ms, alert.id)))
        for episode, own in found.items()
    }


def _evidence(
    settings: Settings,
    chosen_ones: Sequence[Difference],
    partition_of: Mapping[str, int],
    events: Mapping[str, tuple[Any, ...]],
) -> dict[int, Evidence]:
    """Return the readings behind differences, by their place; none of those that are no longer kept."""
    found: dict[int, Evidence] = {}
    if not chosen_ones:
        return found
    with closing(connect_consumer(settings)) as consumer:
        for number, one in enumerate(chosen_ones):
            alert = behind(one).start
            partition = partition_of[alert.patient]
            try:
                found[number] = around(
                    consumer, settings, alert, partition, events[alert.episode], AROUND_S, AROUND_S
                )
            except VigilError:
                continue
    return found


def behind(one: Difference) -> Told:
    """Return the episode that a difference is shown by: of the new rules where they told, else of the present."""
    return (*one.condition.new, *one.condition.present)[0]


def as_data(found: Comparison, lag: Mapping[int, int]) -> dict[str, Any]:
    """Return a comparison as plain data for JSON; times in ms, null = no valid reading."""
    return {
        "rules": _decision(found.trial),
        "present": None if found.present is None else _decision(found.present),
        "since_ts_ms": found.stretch.since_ms,
        "until_ts_ms": found.until_ms,
        "lag": {str(partition): records for partition, records in sorted(lag.items())},
        "totals": dict(Counter(one.outcome for one in found.conditions if one.began)),
        "counts": [{"ward": ward, "rule": rule, **line} for (ward, rule), line in found.counts.items()],
        "differences_total": found.total,
        "differences": [_difference(one) for one in found.seen],
    }


def _decision(one: Decided) -> dict[str, Any]:
    said = one.rules
    return {
        "name": said.name,
        "file": said.file,
        "number": said.number,
        "actor": said.actor,
        "reason": said.reason,
        "since_ts_ms": one.append_ts_ms,
    }


def _difference(seen: Seen) -> dict[str, Any]:
    one, evidence = seen.difference, seen.evidence
    condition, start = one.condition, behind(one).start
    return {
        "patient": condition.patient,
        "ward": seen.ward,
        "rule": condition.rule,
        "outcome": one.outcome,
        "shift_s": condition.shift_s,
        "start_ts_ms": condition.start_ms,
        "present": [_episode(told) for told in condition.present],
        "new": [_episode(told) for told in condition.new],
        "instead": list(one.instead),
        "reason": start.reason,
        "readings": None
        if evidence is None
        else [
            {"t_ms": moment.t_ms}
            | {name: value if value == value else None for name, value in moment.signals.items()}
            for moment in evidence.moments
        ],
    }


def _episode(told: Told) -> dict[str, Any]:
    return {
        "alert": told.start.id,
        "episode": told.start.episode,
        "onset_ts_ms": told.onset_ms,
        "start_ts_ms": told.start_ms,
        "end_ts_ms": told.end_ms,
        "priority": told.priority,
    }


def highest(told: Iterable[Told]) -> str:
    """Return the highest priority of episodes, a dash without any."""
    return max((one.priority for one in told), key=RANK.__getitem__, default="-")
