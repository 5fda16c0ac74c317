"""ADT messages: who was admitted, moved, sent home or merged, as the registrar takes it."""

from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.identifiers import Patients, place_of
from edge.gateway.hl7.observations import time_of
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.split import Header, field
from edge.gateway.opaque_ids import is_damaged
from edge.gateway.reports import AdtEvent, AdtKind

KINDS: Final[dict[str, AdtKind]] = {
    "A01": "admit",
    "A02": "transfer",
    "A03": "discharge",
    "A08": "update",
    "A12": "cancel-transfer",
    "A13": "cancel-discharge",
    "A40": "merge",
}


def read_adt(
    header: Header, segments: list[str], profile: Profile, patients: Patients
) -> list[AdtEvent] | Refusal:
    """Return what an ADT message says; a merge may name several pairs of patients.

    The time is EVN-6 (when it happened), else EVN-2, else MSH-7.
    """
    kind = KINDS.get(header.component(9, 2))
    if kind is None:
        return Refusal("event", f"of ADT, {', '.join(KINDS)} are taken")
    marks = header.marks
    found: dict[str, list[list[str]]] = {}
    for segment in segments:
        if segment[:3] in ("EVN", "PID", "PV1", "MRG"):
            found.setdefault(segment[:3], []).append(segment.split(marks[0]))
    event = found.get("EVN", [[]])[0]
    at_ms = time_of(field(event, 6), field(event, 2), header.text(7), marks, profile.zone)
    if at_ms is None:
        return Refusal("no-time", "neither EVN-6, EVN-2 nor MSH-7 is a time")
    visit = found.get("PV1", [[]])[0]
    place = place_of(field(visit, 3), marks) or None
    before = place_of(field(visit, 6), marks) or None
    if is_damaged(place or "") or is_damaged(before or ""):
        return Refusal("damaged-device", "a place in PV1-3 or PV1-6 has lost characters on its way")
    merged = found.get("MRG", [])
    message_id = header.field(10).decode("utf-8", "replace").strip()
    events: list[AdtEvent] = []
    for number, person in enumerate(found.get("PID", [])):
        patient = patients.of(field(person, 3), marks, profile.authority)
        prior: str | None = ""
        if number < len(merged):
            prior = patients.of(field(merged[number], 1), marks, profile.authority)
        if patient is None or prior is None:
            return Refusal(
                "damaged-patient", "an identifier in PID-3 or MRG-1 has lost characters on its way"
            )
        if not patient or (kind == "merge" and not prior):
            return Refusal("no-patient", "PID-3 or MRG-1 names nobody")
        own_id = f"{message_id}.{number}" if number else message_id
        events.append(AdtEvent(kind, patient, place, prior or None, before, at_ms, own_id))
    return events or Refusal("no-patient", "there is no PID segment")
