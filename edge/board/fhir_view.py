"""What a board knows, as FHIR resources: last values, alarms with their evidence, and what is not judged. Pure.

Everything is said as the board's pages say it: an alarm is open where they show it, and a value that they strike
through for its age is no value here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from clinical.vitals import INDEX, SIGNALS
from edge.board.fhir_search import FLAG_STATUSES, Search
from edge.board.live import Live
from edge.board.state import Told
from edge.fhir.alarm_flags import (
    ALARM_EVIDENCE,
    EVIDENCE_SUFFIX,
    Alarm,
    alarm_of,
    evidence,
    flag,
)
from edge.fhir.vital_observations import VITAL_SIGNS, reading_id, reading_observation, stale_observation
from streams.contracts.alert import Evidence, Source
from streams.contracts.patient_state import OpenAlarm
from streams.contracts.topics import DAY_MS

BEHIND_MS: Final = 15_000
"""A partition that is judged so far behind counts as not judged: as in `edge/board/assets/silence.js`."""

OVER_MS_MAX: Final = DAY_MS
"""So long after its last event an alarm that is over is told of: so long a board that starts reads back."""

ALL: Final = FLAG_STATUSES

Found = tuple[str, dict[str, Any]]
"""The place of a resource among those of a search, and the resource."""


class FhirView:
    """Makes resources of what was read.

    Args:
        live: beds as they are shown.
    """

    def __init__(self, live: Live) -> None:
        self._live = live

    def observations(self, patient: str, search: Search, now_ms: int) -> Iterator[Found]:
        """Yield a patient's Observations that are asked for: last values, then evidence of alarms."""
        told = self._live.state.told.get(patient)
        if told is None:
            return
        if search.categories is None or VITAL_SIGNS in search.categories:
            yield from _values(patient, told, search, now_ms)
        if search.signals is None and (search.categories is None or ALARM_EVIDENCE in search.categories):
            ids = search.ids
            if ids is not None:
                ends = (one for one in ids if one.endswith(EVIDENCE_SUFFIX))
                ids = frozenset(one.removesuffix(EVIDENCE_SUFFIX) for one in ends)
            for alarm in self._alarms(patient, told, now_ms, ids=ids):
                at_ms = alarm.onset_ts_ms if alarm.measured_ts_ms is None else alarm.measured_ts_ms
                if search.is_within(at_ms):
                    yield f"e{alarm.episode}", evidence(alarm)

    def flags(self, patient: str, search: Search, now_ms: int) -> Iterator[tuple[str, Alarm]]:
        """Yield a patient's alarms that are asked for."""
        told = self._live.state.told.get(patient)
        if told is None:
            return
        for alarm in self._alarms(patient, told, now_ms, search.statuses or ALL, search.ids):
            # An alarm that only the patient's record names was last changed at a time that is not known: it is shown.
            if alarm.changed_ts_ms is None or search.is_within(alarm.changed_ts_ms):
                yield alarm.episode, alarm

    def read(self, kind: str, name: str, now_ms: int) -> tuple[str, dict[str, Any]] | None:
        """Return the patient and the resource of an id, a Flag's or an evidence's; None where there is none."""
        if kind == "Observation" and not name.endswith(EVIDENCE_SUFFIX):
            return None
        episode = name.removesuffix(EVIDENCE_SUFFIX) if kind == "Observation" else name
        for patient in self._live.shown:
            told = self._live.state.told.get(patient)
            if told is None:
                continue
            if episode in told.episodes or any(one.episode == episode for one in _own_alarms(told)):
                for found in self._alarms(patient, told, now_ms, ids=frozenset({episode})):
                    return patient, flag(found) if kind == "Flag" else evidence(found)
        return None

    def unjudged(self, patients: Iterable[str] | None, now_ms: int) -> dict[int, int | None]:
        """Return the partitions of patients, None = all, that are not judged now, and up to when they were, ms."""
        if patients is None:
            partitions = set(range(self._live.partitions))
        else:
            shown = (self._live.shown.get(patient) for patient in patients)
            partitions = {one.partition for one in shown if one is not None}
        judged = {number: self._live.state.judged.get(number) for number in sorted(partitions)}
        return {
            number: until_ms
            for number, until_ms in judged.items()
            if until_ms is None or now_ms - until_ms > BEHIND_MS
        }

    def _alarms(
        self,
        patient: str,
        told: Told,
        now_ms: int,
        statuses: frozenset[str] = ALL,
        ids: frozenset[str] | None = None,
    ) -> Iterator[Alarm]:
        """Yield a patient's alarms by episode: open ones as they are shown, and those that were over not long ago."""
        shown = self._live.state.open_alarms(patient)
        wanted = set(shown) if "active" in statuses else set[str]()
        if "inactive" in statuses:
            wanted |= told.episodes.keys() - shown.keys()
        if ids is not None:
            wanted &= ids
        own = {one.episode: one for one in _own_alarms(told)} if wanted else {}
        for episode in sorted(wanted):
            known, open_now = told.episodes.get(episode), shown.get(episode)
            if known is not None and open_now is None and now_ms - known.append_ts_ms > OVER_MS_MAX:
                continue
            if known is not None and known.last is not None:
                last = alarm_of(known.last[1])
                if known.measured is not None:
                    measured = alarm_of(known.measured[1])
                    last = replace(
                        last,
                        source=measured.source,
                        evidence=measured.evidence,
                        measured_ts_ms=measured.measured_ts_ms,
                    )
                if open_now is None:
                    yield replace(last, state="over")
                else:
                    yield replace(last, state=open_now["state"], priority=open_now["priority"])
            elif episode in own:
                yield _untold(patient, own[episode])


def _values(patient: str, told: Told, search: Search, now_ms: int) -> Iterator[Found]:
    record = told.record()
    for name, last in sorted(record.values.items(), key=lambda one: INDEX.get(one[0], -1)) if record else ():
        if name not in INDEX or (search.signals is not None and name not in search.signals):
            continue
        number = reading_id(patient, name, str(last.ts_ms))
        if not search.is_within(last.ts_ms) or (search.ids is not None and number not in search.ids):
            continue
        signal = SIGNALS[INDEX[name]]
        is_stale = now_ms - last.ts_ms > signal.age_s_max * 1000
        made = stale_observation if is_stale else reading_observation
        yield f"a{INDEX[name]:02d}", {**made(patient, signal, last.ts_ms, last.value), "id": number}


def _own_alarms(told: Told) -> Iterator[OpenAlarm]:
    """Yield the alarms that the patient's own records name."""
    for each in told.own.values():
        if each.record is not None:
            yield from each.record.alarms


def _untold(patient: str, alarm: OpenAlarm) -> Alarm:
    """Return an alarm of which only the patient's own record is known, with the numbers that stand there."""
    kind = "signal" if alarm.signal in INDEX else "alarm-system"
    return Alarm(
        patient=patient,
        episode=alarm.episode,
        rule=alarm.rule,
        priority=alarm.priority,
        state=alarm.state,
        onset_ts_ms=alarm.onset_ts_ms,
        reason=alarm.reason,
        source=Source(kind=kind, name=alarm.signal or alarm.rule, unit=alarm.unit),
        evidence=Evidence(
            value=alarm.value, low=alarm.low, high=alarm.high, extreme=alarm.extreme, bound=alarm.bound
        ),
        event=alarm.event,
        type=alarm.type,
    )
