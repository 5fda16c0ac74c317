"""Locations: what a sender calls a bed, and which bed a reference is to."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_ids import is_whole
from edge.gateway.fhir.resources import Identifier, Location, Reference
from edge.gateway.opaque_ids import opaque
from edge.gateway.reports import PlaceReport
from edge.gateway.visits import UNKNOWN_LOCATION

STATUSES: Final = frozenset({"", "active", "suspended", "inactive"})
DAMAGED: Final = Refusal("damaged-device", "the place's name has lost characters on its way, or is too long")
NO_NAME: Final = Refusal("no-place", "name the bed: identifier, else name")


class PlaceNamed(NamedTuple):
    """A place by its name, or by the id of a Location that says it."""

    place: str = ""
    place_id: str = ""


def place_report(location: Location, number: str) -> PlaceReport | Refusal:
    """Return what a Location calls a bed: its first identifier's value, else its name, as placements name it."""
    if location.status not in STATUSES:
        return Refusal("status", "the status is none of active, suspended and inactive")
    if location.mode not in ("", "instance"):
        return Refusal("no-place", "a kind of places is no place")
    if location.status == "inactive":
        return PlaceReport(number, None)
    text = _value_in(location.identifier) or location.name.strip()
    if not text:
        return NO_NAME
    return PlaceReport(number, opaque(text)) if is_whole("", text) else DAMAGED


def place_identity(location: Location) -> str:
    """Return what tells a Location without an identifier from others."""
    return f"name\x1f{location.name.strip()}"


def place_named(reference: Reference | None, posted: Mapping[str, str]) -> PlaceNamed | Refusal:
    """Return the place that is referred to; `posted` are the ids of what stands in the same bundle, by fullUrl."""
    if reference is None or reference.type not in ("", "Location"):
        return UNKNOWN_LOCATION
    if reference.identifier is not None and (text := reference.identifier.value.strip()):
        return PlaceNamed(opaque(text)) if is_whole("", text) else DAMAGED
    if reference.reference in posted:
        return PlaceNamed(place_id=posted[reference.reference])
    kind, slash, number = reference.reference.partition("/_history/")[0].partition("/")
    if kind == "Location" and slash and number and "/" not in number and is_whole("", number):
        return PlaceNamed(place_id=opaque(number))
    return UNKNOWN_LOCATION  # of another server, or contained


def _value_in(identifiers: list[Identifier]) -> str:
    return next((text for one in identifiers if (text := one.value.strip())), "")
