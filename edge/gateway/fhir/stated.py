"""What says who is where, as read: a DeviceAssociation, an Encounter or a Location, with the id that it has here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edge.gateway.accept import Refusal
from edge.gateway.fhir.device_associations import association_identity, association_report
from edge.gateway.fhir.encounters import visit_report
from edge.gateway.fhir.fhir_ids import identity_of, number_of
from edge.gateway.fhir.fhir_places import place_identity, place_report
from edge.gateway.fhir.given_resources import Stated
from edge.gateway.fhir.outcomes import MODIFIED
from edge.gateway.fhir.resources import NOTHING, DeviceAssociation, Encounter, Location
from edge.gateway.opaque_ids import opaque
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.reports import Report

STATED: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "DeviceAssociation": msgspec.json.Decoder(DeviceAssociation).decode,
    "Encounter": msgspec.json.Decoder(Encounter).decode,
    "Location": msgspec.json.Decoder(Location).decode,
}
"""What reads each type."""

NO_IDENTITY: Final = Refusal(
    "no-identity",
    "nothing tells a resend of it from another one: give it an identifier, or PUT it under an id",
)
NO_SUCH_ID: Final = Refusal("invalid", "an id has 1 to 64 letters, digits, points and hyphens")

_fhir_id = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a resource beside itself.

    `kind` is what its path says, `name` the id that it is put under, empty where it is posted; `posted` are the ids of
    what stands in the same bundle, by fullUrl.
    """

    sender: str
    kind: str
    name: str
    if_none_exist: str
    posted: Mapping[str, str]


def number_given(text: bytes, about: About, pseudonyms: Pseudonyms) -> tuple[Any, str] | Refusal:
    """Return a resource, and the id that it has here: the one it is put under, else one made of its identity.

    Raises:
        msgspec.ValidationError: a field of it is not as FHIR has it.
    """
    resource = STATED[about.kind](text)
    if resource.resourceType != about.kind:
        return Refusal("resource-type", f"this is no {about.kind}")
    if resource.implicitRules or resource.modifierExtension is not NOTHING:
        return MODIFIED
    if about.name and resource.id not in ("", about.name):
        return Refusal("invalid", "its id is not the one that it is put under")
    if about.name:
        return (resource, opaque(about.name)) if _fhir_id(about.name) else NO_SUCH_ID
    identity = identity_of(resource.identifier, about.if_none_exist)
    if not identity and isinstance(resource, DeviceAssociation):
        identity = association_identity(resource, pseudonyms)
    elif not identity and isinstance(resource, Location):
        identity = place_identity(resource)
    return (resource, number_of(f"{about.kind}\x1f{identity}")) if identity else NO_IDENTITY


def stated_in(resource: Any, number: str, about: About, pseudonyms: Pseudonyms) -> Stated | Refusal:
    """Return what a resource says of who is where, or why it is not taken."""
    report: Report | Refusal
    if isinstance(resource, DeviceAssociation):
        report = association_report(resource, number, about.sender, pseudonyms)
    elif isinstance(resource, Encounter):
        report = visit_report(resource, number, about.posted, pseudonyms)
    else:
        report = place_report(resource, number)
    return report if isinstance(report, Refusal) else Stated(about.kind, number, report)
