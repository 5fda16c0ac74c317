"""What a report compares, read from the topics: both sides' alerts up to where both have judged, and the wards."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import TopicPartition

from edge.records import Skipped, read_record
from streams.config.settings import Settings
from streams.contracts.alert import OF_DELIVERY, Alert
from streams.contracts.frame import OWN_STREAM
from streams.contracts.partition_names import canary_name
from streams.contracts.patient_state import Patient
from streams.contracts.topics import ALERTS, PATIENTS, READINGS, SHADOW_ALERTS
from streams.errors import UsageError, VigilError
from streams.kafka.connect import connect_admin, connect_consumer
from streams.kafka.log_end import ends_of, read_whole
from streams.kafka.log_search import offsets_at, read_between
from streams.kafka.rules_log import Decided, switches, trials
from streams.kafka.shadows import SHADOW_HEADER, shadow_settings

BEHIND_COMMIT: Final = 32
"""Records before the committed one that are read for their time: the very last may be a marker of a transaction."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is compared: from when (append time, ms), and by partition up to when both sides have judged."""

    since_ms: int
    until_ms: dict[int, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert and the partition of its patient's readings."""

    partition: int
    alert: Alert


def chosen(found: Sequence[Decided], name: str | None) -> Decided:
    """Return the trial of this name, or the newest one.

    Raises:
        UsageError: none is, or none of this name.
    """
    tried = trials(found)
    if name is None and tried:
        return tried[-1]
    for one in tried:
        if one.rules.name == name:
            return one
    known = ", ".join(f"{one.rules.name} ({one.rules.file})" for one in tried) or "none"
    raise UsageError(f"no such rules are tried; tried are: {known}")


def stretch_of(settings: Settings, found: Sequence[Decided], trial: Decided, since_ms: int) -> Stretch:
    """Return what can be compared: nothing from before the trial, or from before the present rules were in force."""
    in_force = switches(found)
    begins = [since_ms, in_force[-1].append_ts_ms if in_force else 0]
    if trial.rules.begin == "now":
        begins.append(trial.append_ts_ms)
    shadow = judged_until(settings, shadow_settings(settings, trial.rules.name).judging_group)
    present = judged_until(settings, settings.judging_group)
    partitions = range(settings.reading_partitions)
    return Stretch(max(begins), {p: min(shadow.get(p, 0), present.get(p, 0)) for p in partitions})


def judged_until(settings: Settings, group: str) -> dict[int, int]:
    """Return up to when a group has judged each partition of the readings, as it has committed: append time, ms."""
    topic = settings.topic(READINGS)
    with closing(connect_admin(settings)) as admin:
        committed = admin.list_group_offsets(group).get(group, {})
    ends = {tp: place.offset for tp, place in committed.items() if tp.topic == topic and place.offset > 0}
    until: dict[int, int] = {}
    with closing(connect_consumer(settings)) as consumer:
        begins = dict(consumer.beginning_offsets(list(ends))) if ends else {}
        first = {tp: min(end, max(begins[tp], end - BEHIND_COMMIT)) for tp, end in ends.items()}
        for record in read_between(consumer, first, ends):
            until[record.partition] = max(until.get(record.partition, 0), int(record.timestamp))
    return until


def heard(
    settings: Settings, topic: str, stretch: Stretch, skipped: Skipped, shadow: str = ""
) -> list[Heard]:
    """Return the alerts about patients that both sides judge, in the order of each partition.

    Args:
        settings: where the broker is.
        topic: `vitals.alerts`, or `vitals.shadow-alerts`.
        stretch: what is compared.
        skipped: told of records that cannot be read.
        shadow: only what was told under rules of this name.

    Raises:
        VigilError: the topic cannot be read.
    """
    assert topic in (ALERTS, SHADOW_ALERTS)
    canaries = {canary_name(partition) for partition in range(settings.reading_partitions)}
    found = []
    with closing(connect_consumer(settings)) as consumer:
        name = settings.topic(topic)
        tps = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
        ends = ends_of(consumer, tps)
        for record in read_between(consumer, offsets_at(consumer, tps, stretch.since_ms), ends):
            if shadow and dict(record.headers).get(SHADOW_HEADER) != shadow.encode():
                continue
            if (alert := read_record(Alert, record, skipped)) is None:
                continue
            until_ms = stretch.until_ms.get(record.partition, 0)
            if stretch.since_ms <= alert.append_ts_ms <= until_ms and _is_judged(alert, canaries):
                found.append(Heard(int(record.partition), alert))
    return found


def _is_judged(alert: Alert, canaries: set[str]) -> bool:
    """Whether an alarm is one that the judge of a patient tells: not delivery, a ward, a partition, our watch."""
    is_somebody = not alert.patient.startswith("~") or alert.patient.startswith(OWN_STREAM)
    return is_somebody and alert.patient not in canaries and alert.rule not in OF_DELIVERY


def wards(settings: Settings, skipped: Skipped) -> dict[str, str]:
    """Return each patient's ward as boards are shown it; who is no longer there has none."""
    found: dict[str, str] = {}
    for record in read_whole(settings, settings.topic(PATIENTS)):
        if record.value is None:
            continue
        if (patient := read_record(Patient, record, skipped)) is not None:
            found[patient.patient] = patient.ward
    return found


def until_by_patient(told: Iterable[Heard], stretch: Stretch) -> dict[str, int]:
    """Return up to when each patient's log is compared, ms."""
    return {one.alert.patient: stretch.until_ms.get(one.partition, 0) for one in told}


def lag_of(settings: Settings, name: str) -> dict[int, int]:
    """Return how many records of the readings each partition of a shadow has not committed.

    Raises:
        VigilError: the topic does not answer.
    """
    topic, group = settings.topic(READINGS), shadow_settings(settings, name).judging_group
    with closing(connect_admin(settings)) as admin, closing(connect_consumer(settings)) as consumer:
        committed: dict[Any, Any] = admin.list_group_offsets(group).get(group, {})
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        if not tps:
            raise VigilError(f"no topic {topic}: run vigil topics apply")
        ends = ends_of(consumer, tps)
    return {
        tp.partition: max(0, end - (committed[tp].offset if tp in committed else 0))
        for tp, end in ends.items()
    }
