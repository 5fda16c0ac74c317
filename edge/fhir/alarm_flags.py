"""An alarm as a FHIR Flag, and its evidence as an Observation: the same resources in R4 and R5. Pure.

The Flag says what is open; its evidence the value that violated, the limits in force and where they are from. The
extensions `flag-priority` and `flag-detail` are HL7's; FHIR has no word for an acknowledged or a latched alarm.
Sources: HL7 FHIR R4 (4.0.1) and R5 (5.0.0), Flag and Observation; IHE PCD-04 for the facets.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from clinical.vitals import INDEX, SIGNALS
from edge.fhir.citations import citation_of
from edge.fhir.elements import (
    LOINC,
    MDC,
    bounded_quantity,
    codings_of,
    instant,
    is_flag,
    quantity,
    subject_of,
)
from edge.fhir.vital_observations import ABSENT, value_of
from edge.ward_state import state_of
from streams.contracts.alert import Alert, AlertType, Evidence, Priority, Source

AlarmState = Literal["active", "acknowledged", "latched", "over"]

EPISODES: Final = "urn:vigil:episode"
RULES: Final = "urn:vigil:rule"
TYPES: Final = "urn:vigil:alarm-type"
EVIDENCE: Final = "urn:vigil:evidence"
CATEGORIES: Final = "urn:vigil:observation-category"
ALARM_STATE: Final = "urn:vigil:alarm-state"
"""Systems and an extension of our own [M]: no registry knows them."""

ALARM_EVIDENCE: Final = "alarm-evidence"
EVIDENCE_SUFFIX: Final = "-evidence"
"""Ends the id of an evidence; an episode's id is before it."""

FLAG_PRIORITY: Final = "http://hl7.org/fhir/StructureDefinition/flag-priority"
FLAG_DETAIL: Final = "http://hl7.org/fhir/StructureDefinition/flag-detail"
PRIORITY_SYSTEM: Final = "http://hl7.org/fhir/flag-priority-code"
PRIORITIES: Final[dict[Priority, str]] = {"high": "PH", "medium": "PM", "low": "PL"}
CATEGORY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/flag-category"
CLOSING: Final = frozenset({"end", "reset"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm with its evidence; times in ms, None where nobody has said them.

    Attributes:
        number: of its last event in the episode.
        changed_ts_ms: when the broker took what decided that.
        measured_ts_ms: when the value of the evidence was measured.
    """

    patient: str
    episode: str
    rule: str
    priority: Priority
    state: AlarmState
    onset_ts_ms: int
    reason: str
    source: Source
    evidence: Evidence
    number: int = 0
    event: str | None = None
    type: AlertType | None = None
    changed_ts_ms: int | None = None
    measured_ts_ms: int | None = None
    ended_ts_ms: int | None = None


def alarm_of(alert: Alert) -> Alarm:
    """Return the alarm as its last event tells it; the value that ended it is none that violated, and left out."""
    is_over = alert.phase in CLOSING
    evidence_of = alert.evidence.model_copy(update={"value": None}) if is_over else alert.evidence
    number = alert.id.removeprefix(f"{alert.episode}-")
    return Alarm(
        patient=alert.patient,
        episode=alert.episode,
        rule=alert.rule,
        priority=alert.priority,
        state="over" if is_over else state_of(alert),
        onset_ts_ms=alert.onset_ts_ms,
        reason=alert.reason,
        source=alert.source,
        evidence=evidence_of,
        number=int(number) if number.isdecimal() else 0,
        event=alert.event,
        type=alert.type,
        changed_ts_ms=alert.append_ts_ms,
        measured_ts_ms=alert.event_ts_ms,
        ended_ts_ms=alert.event_ts_ms if is_over else None,
    )


def evidence_id(episode: str) -> str:
    """Return the id of the Observation that holds an episode's evidence."""
    return f"{episode}{EVIDENCE_SUFFIX}"


def flag(alarm: Alarm) -> dict[str, Any]:
    """Return the Flag of an alarm; its id is the episode's, its version the number of the last event."""
    period = {"start": instant(alarm.onset_ts_ms)}
    if alarm.ended_ts_ms is not None:
        period["end"] = instant(max(alarm.ended_ts_ms, alarm.onset_ts_ms))
    categories = [{"coding": [{"system": TYPES, "code": alarm.type}]}] if alarm.type else []
    if alarm.type != "technical":
        categories.insert(0, {"coding": [{"system": CATEGORY_SYSTEM, "code": "clinical"}]})
    priority = {"system": PRIORITY_SYSTEM, "code": PRIORITIES[alarm.priority]}
    return {
        "resourceType": "Flag",
        "id": alarm.episode,
        "meta": _meta(alarm),
        "extension": [
            {"url": FLAG_PRIORITY, "valueCodeableConcept": {"coding": [priority], "text": alarm.priority}},
            {
                "url": FLAG_DETAIL,
                "valueReference": {"reference": f"Observation/{evidence_id(alarm.episode)}"},
            },
            {"url": ALARM_STATE, "valueCode": alarm.state},
        ],
        "identifier": [{"system": EPISODES, "value": alarm.episode}],
        "status": "inactive" if alarm.state == "over" else "active",
        "category": categories,
        "code": _code(alarm),
        "subject": subject_of(alarm.patient, of_flag=True),
        "period": period,
    }


def evidence(alarm: Alarm) -> dict[str, Any]:
    """Return the Observation of an alarm's evidence: components, so that nobody takes it for a reading of now."""
    citation = citation_of(alarm.rule, alarm.evidence.low, alarm.evidence.high)
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": evidence_id(alarm.episode),
        "meta": _meta(alarm),
        "status": "final",
        "category": [{"coding": [{"system": CATEGORIES, "code": ALARM_EVIDENCE}]}],
        "code": _code(alarm),
        "subject": subject_of(alarm.patient),
        "effectiveDateTime": instant(
            alarm.onset_ts_ms if alarm.measured_ts_ms is None else alarm.measured_ts_ms
        ),
        "component": list(_components(alarm, citation)),
    }
    if alarm.source.device:
        found["device"] = {"identifier": {"value": alarm.source.device}}
    if citation:
        found["note"] = [{"text": f"limits: {citation}"}]
    return found


def _meta(alarm: Alarm) -> dict[str, str]:
    found = {"versionId": str(alarm.number)}
    return found if alarm.changed_ts_ms is None else {**found, "lastUpdated": instant(alarm.changed_ts_ms)}


def _code(alarm: Alarm) -> dict[str, Any]:
    codings = [{"system": MDC, "code": alarm.event}] if alarm.event else []
    codings.append({"system": RULES, "code": alarm.rule})
    return {"coding": codings, "text": alarm.reason or alarm.rule}


def _components(alarm: Alarm, citation: str) -> list[dict[str, Any]]:
    """Return the value with its limits first, then what else was decided by."""
    said, unit = alarm.evidence, alarm.source.unit or "1"
    value: dict[str, Any] = {"code": _what(alarm.source), **_measured(alarm.source, said)}
    limits = {
        side: quantity(limit, unit)
        for side, limit in (("low", said.low), ("high", said.high))
        if limit is not None
    }
    if limits:
        meaning = {"text": "alarm limits in force"}
        value["referenceRange"] = [{**limits, "type": meaning, **({"text": citation} if citation else {})}]
    found = [value]
    worst = quantity(said.extreme, unit) if said.extreme is not None else _bound(alarm.source, said)
    if worst is not None:
        found.append(_more("extreme", "worst value of the episode", valueQuantity=worst))
    for name, title, seconds in (
        ("delay", "how long the violation had to last", said.delay_s),
        ("silent", "time without a valid reading or frame", said.silent_s),
    ):
        if seconds is not None:
            found.append(_more(name, title, valueQuantity=quantity(seconds, "s")))
    for name, title, inputs in (
        ("missing", "inputs that the score lacked", said.missing),
        ("old", "inputs that counted with their last points", said.old),
    ):
        if inputs:
            found.append(_more(name, title, valueString=", ".join(inputs)))
    return found


def _measured(source: Source, said: Evidence) -> dict[str, Any]:
    """Return the value; a bound in place of one has its comparator, so that nobody takes its number for the value."""
    value = said.value
    if value is None and (bound := _bound(source, said)) is not None:
        return {"valueQuantity": bound}
    if value is None:
        return {"dataAbsentReason": {"coding": [{"system": ABSENT, "code": "unknown"}]}}
    if source.kind == "signal" and source.name in INDEX:
        signal = SIGNALS[INDEX[source.name]]
        if is_flag(signal) or source.unit in (None, signal.ucum):
            return value_of(signal, value)
    return {"valueQuantity": quantity(value, source.unit or "1")}


def _bound(source: Source, said: Evidence) -> dict[str, Any] | None:
    return bounded_quantity(said.bound, source.unit or "1") if said.bound else None


def _what(source: Source) -> dict[str, Any]:
    """Return what was measured: a signal by its codes, else what the alert says of its source."""
    if source.kind == "signal" and source.name in INDEX:
        signal = SIGNALS[INDEX[source.name]]
        return {"coding": codings_of(signal), "text": signal.title}
    codings = [{"system": source.system, "code": source.code}] if source.system and source.code else []
    if source.loinc and source.system != LOINC:
        codings.append({"system": LOINC, "code": source.loinc})
    return {"coding": codings, "text": source.name} if codings else {"text": source.name}


def _more(name: str, title: str, **value: Any) -> dict[str, Any]:
    return {"code": {"coding": [{"system": EVIDENCE, "code": name}], "text": title}, **value}
