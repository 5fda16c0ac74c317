"""What a FHIR subscriber is sent: a Bundle that says what happened, of R5 itself or of its backport to R4. Pure.

Sources: HL7 FHIR R5 (5.0.0), Subscriptions Framework, SubscriptionStatus; HL7 Subscriptions R5 Backport 1.1.0, whose
status in R4 is a Parameters resource and whose Bundle a history.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from edge.fhir.alarm_flags import Alarm, evidence, evidence_id, flag
from edge.fhir.alarm_topic import topic_url
from edge.fhir.elements import instant
from edge.fhir.versions import FhirVersion
from edge.fhir.vital_observations import reading_id

Content = Literal["id-only", "full-resource"]
Kind = Literal["handshake", "heartbeat", "event-notification"]

PROFILES: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
STATUS_PROFILE: Final = f"{PROFILES}/backport-subscription-status-r4"
BUNDLE_PROFILE: Final = f"{PROFILES}/backport-subscription-notification-r4"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told, and how.

    Attributes:
        base: address of the door where topic and resources are read, without a slash at its end.
        name: id of the subscription, by which the subscriber knows it.
    """

    base: str
    name: str
    version: FhirVersion
    content: Content

    @property
    def reference(self) -> str:
        """Address of the subscription."""
        return f"{self.base}/Subscription/{self.name}"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event: its number and the alarm as it is after it; `has_evidence` where the event says what was measured."""

    number: int
    alarm: Alarm
    is_new: bool
    has_evidence: bool


def notification(
    to: Subscription,
    kind: Kind,
    bundle_id: str,
    last_number: int,
    now_ms: int,
    happened: Happened | None = None,
) -> dict[str, Any]:
    """Return the Bundle of one notification.

    Args:
        to: who is told.
        kind: what it is.
        bundle_id: the same with every try.
        last_number: the highest number of an event so far.
        now_ms: when it is made.
        happened: the event, of an event-notification.
    """
    said = _status_r5(to, kind, last_number, happened) if to.version == "5.0" else None
    status = said or _status_r4(to, kind, last_number, happened)
    status["id"] = reading_id(to.name, kind, bundle_id)
    first: dict[str, Any] = {"fullUrl": f"urn:uuid:{status['id']}", "resource": status}
    bundle: dict[str, Any] = {"resourceType": "Bundle", "id": bundle_id}
    if to.version == "5.0":
        bundle |= {"type": "subscription-notification"}
    else:  # a history needs a request and a response of each entry (bdl-3, bdl-4)
        bundle |= {"meta": {"profile": [BUNDLE_PROFILE]}, "type": "history"}
        first["request"] = {"method": "GET", "url": f"{to.reference}/$status"}
        first["response"] = {"status": "200"}
    return {**bundle, "timestamp": instant(now_ms), "entry": [first, *_content(to, happened)]}


def _content(to: Subscription, happened: Happened | None) -> list[dict[str, Any]]:
    if happened is None or to.content == "id-only":
        return []
    resources = [flag(happened.alarm)]
    if happened.has_evidence:
        resources.append(evidence(happened.alarm))
    return [
        {
            "fullUrl": f"{to.base}/{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
            "response": {"status": "201" if happened.is_new else "200"},
        }
        for one in resources
    ]


def _focus(to: Subscription, happened: Happened) -> tuple[str, str]:
    """Return the addresses of the Flag and of its evidence, the second empty where the event has none."""
    episode = happened.alarm.episode
    return (
        f"{to.base}/Flag/{episode}",
        f"{to.base}/Observation/{evidence_id(episode)}" if happened.has_evidence else "",
    )


def _state(kind: Kind) -> str:
    return "requested" if kind == "handshake" else "active"


def _at(happened: Happened) -> str:
    alarm = happened.alarm
    return instant(alarm.onset_ts_ms if alarm.changed_ts_ms is None else alarm.changed_ts_ms)


def _status_r5(to: Subscription, kind: Kind, last_number: int, happened: Happened | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "SubscriptionStatus",
        "status": _state(kind),
        "type": kind,
        "eventsSinceSubscriptionStart": str(last_number),  # an integer64 is a string in JSON
        "subscription": {"reference": to.reference},
        "topic": topic_url(to.base),
    }
    if happened is not None:
        focus, context = _focus(to, happened)
        event: dict[str, Any] = {
            "eventNumber": str(happened.number),
            "timestamp": _at(happened),
            "focus": {"reference": focus},
        }
        if context:
            event["additionalContext"] = [{"reference": context}]
        found["notificationEvent"] = [event]
    return found


def _status_r4(to: Subscription, kind: Kind, last_number: int, happened: Happened | None) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": to.reference}},
        {"name": "topic", "valueCanonical": topic_url(to.base)},
        {"name": "status", "valueCode": _state(kind)},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(last_number)},
    ]
    if happened is not None:
        focus, context = _focus(to, happened)
        parts: list[dict[str, Any]] = [
            {"name": "event-number", "valueString": str(happened.number)},
            {"name": "timestamp", "valueInstant": _at(happened)},
            {"name": "focus", "valueReference": {"reference": focus}},
        ]
        if context:
            parts.append({"name": "additional-context", "valueReference": {"reference": context}})
        parameters.append({"name": "notification-event", "part": parts})
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": parameters,
    }
