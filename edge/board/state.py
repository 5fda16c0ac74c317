"""What the topics say of every bed: each log counts in its own order, and logs among each other in none. Pure.

A patient's own record and the alerts lie in logs of their own. What the record says is as old as its `judged_ts_ms`:
an alarm that a later alert begins is open although the record does not name it yet, and one that an alert has ended is
over although the record still does. So it is the same in whatever order the logs were read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from edge.board.alarm_events import Episode, severity, untold
from edge.board.position import Log, Position, reached
from edge.gateway.adt_silence import ADT
from edge.gateway.spool_alarm import SPOOL
from edge.ward_state import CANARY, QUIET, SEVERITIES
from streams.contracts.alert import WARD, Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.partition_names import PARTITION, canary_name
from streams.contracts.patient_state import Heartbeat, Limits, Patient
from streams.contracts.reference import Reference

WARDS_KEPT_MAX: Final = 32
"""Wards that a patient was in, remembered; a stay has a few [M]."""

ENDED_KEPT_MAX: Final = 64
"""Episodes of a patient remembered after their end, so that an event that comes again does not open them again."""

MILESTONES_MAX: Final = 64
"""Of an episode, the newest."""

DELIVERED_KEPT_MAX: Final = 128
"""Episodes of a patient whose deliveries are remembered."""

ALARM_SYSTEM: Final = (PARTITION, ADT, SPOOL)
"""What is about no ward, but about the alarm system itself: shown to everybody."""

CANARIES: Final = canary_name(0).removesuffix("0")

Bed = dict[str, Any]
"""A bed as a page gets it; see docs/board.md."""


@dataclass(slots=True)
class _Own:
    """A patient's own record in one partition; none = deleted, at that time by the writer's clock, ms."""

    record: Patient | None
    gone_ts_ms: int = -1


@dataclass(slots=True)
class Told:
    """What all logs have said of one patient."""

    own: dict[int, _Own] = field(default_factory=dict)
    limits: dict[int, Limits] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    alerted: set[int] = field(default_factory=set)
    deliveries: dict[str, dict[tuple[str, str, int], Delivery]] = field(default_factory=dict)
    at: dict[Log, int] = field(default_factory=dict)
    """The last record of each log that was about this patient."""
    wards: dict[tuple[Log, str], int | None] = field(default_factory=dict)
    """Named by the patient's records of each log, with the offset of the next that does not; None = the last does."""

    def name_ward(self, log: Log, offset: int, ward: str | None) -> None:
        """Remember which ward a record names, None = it deletes the patient."""
        for named, left in self.wards.items():
            if named[0] == log and left is None and named[1] != ward:
                self.wards[named] = offset
        if ward is not None:
            self.wards.pop((log, ward), None)
            self.wards[log, ward] = None
        while len(self.wards) > WARDS_KEPT_MAX:
            del self.wards[next(iter(self.wards))]

    def record(self) -> Patient | None:
        """Return the patient's own record; of two in two partitions the one that was heard of last."""
        found = [(each.record, number) for number, each in self.own.items() if each.record is not None]
        newest = max(found, key=lambda one: (one[0].seen_ts_ms or -1, one[1]), default=None)
        return newest[0] if newest else None

    def partition(self) -> int:
        """Return the partition where the patient is."""
        found = [(each.record, number) for number, each in self.own.items() if each.record is not None]
        if found:
            return max(found, key=lambda one: (one[0].seen_ts_ms or -1, one[1]))[1]
        return max(self.alerted, default=0)


class BoardState:
    """All beds. Every `take_` returns whom the record is about, an empty text where it changes no bed."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.judged: dict[int, int] = {}
        """Append time of the newest tick that was judged, by partition of all but the readings, ms."""
        self.windows: dict[int, str] = {}
        """Where live windows of a partition of the readings are asked for."""
        self.readings = 0
        """How many partitions the readings have, as far as was heard; 0 = as many as all else."""
        self._beats: dict[int, int] = {}
        """What each partition of the readings has judged."""
        self.reference = Reference()
        """What is written above beds."""

    def take_patient(self, log: Log, offset: int, patient: str, record: Patient | None, ts_ms: int) -> str:
        """Take a patient's own record, or that it was deleted at `ts_ms`."""
        if patient.startswith(CANARIES):
            return ""
        told = self._of(patient, log, offset)
        before = told.own.get(log.partition)
        if record is None:
            told.own[log.partition] = _Own(None, ts_ms)
        elif before is None or before.record is None or _judged(before.record) <= _judged(record):
            told.own[log.partition] = _Own(record, before.gone_ts_ms if before else -1)
        told.name_ward(log, offset, record.ward if record else None)
        return patient

    def take_alert(self, log: Log, offset: int, alert: Alert) -> str:
        """Take an event of an alarm."""
        if alert.rule == CANARY:
            return ""
        told = self._of(alert.patient, log, offset)
        told.alerted.add(log.partition)
        told.episodes.setdefault(alert.episode, Episode()).take(alert)
        _forget_ended(told)
        return alert.patient

    def take_delivery(self, log: Log, offset: int, delivery: Delivery) -> str:
        """Take a milestone of an alert's way to somebody."""
        told = self._of(delivery.patient, log, offset)
        found = told.deliveries.setdefault(delivery.episode, {})
        found[delivery.id, delivery.milestone, delivery.attempt] = delivery
        while len(found) > MILESTONES_MAX:
            del found[next(iter(found))]
        while len(told.deliveries) > DELIVERED_KEPT_MAX:
            del told.deliveries[next(iter(told.deliveries))]
        return delivery.patient

    def take_limits(self, partition: int, patient: str, limits: Limits | None) -> None:
        """Take limits in force; they change no bed of the ward's view."""
        if limits is not None:
            self.told.setdefault(patient, Told()).limits[partition] = limits
        elif patient in self.told:
            self.told[patient].limits.pop(partition, None)

    def take_beat(self, beat: Heartbeat, places: int = 0) -> None:
        """Take a sign of life of a partition of the readings; all else has `places` partitions, 0 = as many.

        Where the readings have a multiple, a place is judged up to where all partitions of its patients are.
        """
        if beat.judged_ts_ms < self._beats.get(beat.partition, 0):
            return
        self._beats[beat.partition] = beat.judged_ts_ms
        if beat.windows is not None:
            self.windows[beat.partition] = beat.windows
        else:
            self.windows.pop(beat.partition, None)
        self.readings = max(self.readings, beat.partitions or 0)
        place = beat.partition % places if places else beat.partition
        parts = range(place, self.readings, places) if 0 < places < self.readings else (beat.partition,)
        if all(part in self._beats for part in parts):
            self.judged[place] = min(self._beats[part] for part in parts)
        else:
            self.judged.pop(place, None)

    def limits(self, patient: str) -> Limits | None:
        """Return the limits in force where the patient is."""
        told = self.told.get(patient)
        if told is None or not told.limits:
            return None
        return told.limits.get(told.partition()) or next(iter(told.limits.values()))

    def bed(self, patient: str) -> Bed | None:
        """Return how a bed is shown, None where there is nothing to show."""
        told = self.told.get(patient)
        if told is None:
            return None
        alarms = sorted(
            _alarms(told), key=lambda one: (_rank(severity(one)), one["onset_ts_ms"], one["episode"])
        )
        record = told.record()
        if record is None and not alarms:
            return None
        return {
            "patient": patient,
            "ward": _ward(patient, record),
            "bed": label_of(self.reference, patient),
            "seen_ts_ms": record.seen_ts_ms if record else None,
            "partition": told.partition(),
            "severity": severity(alarms[0]) if alarms else QUIET,
            "pause": {"mode": record.pause, "until_ts_ms": record.pause_until_ts_ms}
            if record and record.pause
            else None,
            "limits_widened": list(record.limits_widened) if record else [],
            "values": {name: value.model_dump() for name, value in record.values.items()} if record else {},
            "scores": {name: _score(score) for name, score in record.scores.items()} if record else {},
            "alarms": alarms,
        }

    def open_alarms(self, patient: str) -> dict[str, dict[str, Any]]:
        """Return the open alarms of a bed as a page gets them, by episode."""
        told = self.told.get(patient)
        return {one["episode"]: one for one in _alarms(told)} if told is not None else {}

    def _of(self, patient: str, log: Log, offset: int) -> Told:
        told = self.told.setdefault(patient, Told())
        told.at[log] = max(offset, told.at.get(log, -1))
        return told


def label_of(reference: Reference, patient: str) -> str | None:
    """Return what is written above a bed, and of a ward's own alarms what the ward is called; None where nothing is."""
    if not patient.startswith(WARD):
        return reference.bed_label(patient)
    ward = patient.removeprefix(WARD)
    return f"Ward {name}" if (name := reference.ward_name(ward)) != ward else None


def is_of_the_alarm_system(patient: str) -> bool:
    """Tell whether a bed stands for a part of the alarm system and not for a patient or a ward."""
    return patient.startswith(ALARM_SYSTEM)


def wards_of(patient: str, told: Told, position: Position) -> list[str | None]:
    """Return in which wards any board may have shown a bed at a position; None = as one of the alarm system itself."""
    if is_of_the_alarm_system(patient):
        return [None]
    named = [
        ward for (log, ward), left in told.wards.items() if left is None or not reached(position, log, left)
    ]
    return [_ward(patient, None), *named]


def _alarms(told: Told) -> Iterator[dict[str, Any]]:
    """Yield the open alarms."""
    listed = {
        alarm.episode: (alarm, _judged(each.record))
        for each in told.own.values()
        if each.record is not None
        for alarm in each.record.alarms
        if alarm.rule != CANARY
    }
    for name, episode in told.episodes.items():
        if episode.closed or (name not in listed and not _is_newer(told, episode)):
            continue
        alarm, judged_ts_ms = listed.get(name, (None, -1))
        newer = alarm if judged_ts_ms > episode.append_ts_ms else None
        yield episode.shown(_delivered(told, name), newer)
    for name, (alarm, _) in listed.items():
        if name not in told.episodes:
            yield untold(alarm, _delivered(told, name))


def _is_newer(told: Told, episode: Episode) -> bool:
    """Tell whether an alarm began after the words that do not name it, or nothing was said at all."""
    said = [
        _judged(each.record) if each.record is not None else each.gone_ts_ms for each in told.own.values()
    ]
    return not said or episode.append_ts_ms >= max(said)


def _delivered(told: Told, episode: str) -> list[dict[str, object]]:
    found = told.deliveries.get(episode, {}).values()
    shown = [
        {
            "recipient": one.recipient,
            "channel": one.channel,
            "milestone": one.milestone,
            "at_ts_ms": one.at_ts_ms,
        }
        for one in found
    ]
    return sorted(
        shown, key=lambda one: (one["at_ts_ms"], one["recipient"], one["channel"], one["milestone"])
    )


def _ward(patient: str, record: Patient | None) -> str:
    if patient.startswith(WARD):
        return patient.removeprefix(WARD)
    return record.ward if record else ""


def _score(score: Any) -> dict[str, Any]:
    return score.model_dump(mode="json")  # type: ignore[no-any-return]


def _judged(record: Patient) -> int:
    return record.judged_ts_ms if record.judged_ts_ms is not None else -1


def _rank(name: str) -> int:
    return SEVERITIES.index(name)


def _forget_ended(told: Told) -> None:
    ended = [name for name, episode in told.episodes.items() if episode.closed]
    for name in ended[: max(0, len(ended) - ENDED_KEPT_MAX)]:
        del told.episodes[name]
