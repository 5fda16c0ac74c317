"""Visits and names of places as records: what a report comes to beside what is known, or why it is refused."""

from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.adt_stays import FOREVER
from edge.gateway.associations import Facts
from edge.gateway.reports import PlaceReport, VisitReport
from streams.contracts.association import (
    KEPT_MS,
    NAMED_PLACES_MAX,
    STAYS_MAX,
    NamedPlace,
    Visit,
    VisitStay,
)

UNKNOWN_LOCATION: Final = Refusal(
    "unknown-location",
    "you have sent no Location of this id that is in use: send it first, or name the bed by location.identifier",
)
OUTDATED: Final = Refusal("outdated", "a newer version of this Encounter is known (meta.lastUpdated)")
NO_PLACE: Final = Refusal("no-place", "it says nowhere where the patient is, and nothing is known of it")


def visit_of(facts: Facts, reporter: str, report: VisitReport, now_ms: int) -> Visit | Refusal:
    """Return a visit as it is known with this report; raises ValidationError where something of it is no id or time."""
    told = Visit(
        id=report.id,
        patient=report.patient,
        stays=(),
        reporter=reporter,
        event_ts_ms=report.event_ms,
        version_ts_ms=report.version_ms,
    )
    known = facts.by_key.get(told.key)
    before = known if isinstance(known, Visit) else None
    if before is not None and (before.version_ts_ms or 0) > (told.version_ts_ms or FOREVER):
        return OUTDATED
    stays = _still(before, report.until_ms) if report.stays is None else _found(facts, reporter, report)
    if isinstance(stays, Refusal):
        return stays
    kept = [one for one in stays if one.until_ts_ms is None or one.until_ts_ms >= now_ms - KEPT_MS]
    if len(kept) > STAYS_MAX:
        return Refusal("too-large", f"more than {STAYS_MAX} places in the days that count")
    return told.model_copy(update={"stays": tuple(kept)})


def named_place_of(facts: Facts, reporter: str, report: PlaceReport) -> NamedPlace | Refusal:
    """Return the name of a place as a record; raises ValidationError where something of it is no id."""
    told = NamedPlace(id=report.id, place=report.place, reporter=reporter)
    if told.place is None:
        return told
    # A bed may be a "1" in each room: what is called the same is taken for the same, and then for another's.
    if facts.named.is_called_otherwise(reporter, told.place, told.id):
        return Refusal(
            "place-taken", "another Location of yours is called so: give each an identifier of its own"
        )
    is_new = facts.named.place_of(reporter, told.id) is None
    if is_new and facts.named.count(reporter) >= NAMED_PLACES_MAX:
        return Refusal(
            "too-many-places", f"you have {NAMED_PLACES_MAX} Locations in use: mark some as inactive"
        )
    return told


def _found(facts: Facts, reporter: str, report: VisitReport) -> list[VisitStay] | Refusal:
    """Return the stays that a report names; a place that nobody has named is never guessed."""
    found = []
    for stay in report.stays or ():
        place = stay.place or facts.named.place_of(reporter, stay.place_id)
        if place is None:
            return UNKNOWN_LOCATION
        found.append(VisitStay(place=place, from_ts_ms=stay.from_ms, until_ts_ms=stay.until_ms))
    return found


def _still(before: Visit | None, until_ms: int | None) -> list[VisitStay] | Refusal:
    """Return the stays that were known, up to the end of the visit if it is over."""
    if before is None:
        return NO_PLACE if until_ms is None else []
    if until_ms is None:
        return list(before.stays)
    return [
        stay if stay.until_ts_ms is not None and stay.until_ts_ms <= until_ms else _ended(stay, until_ms)
        for stay in before.stays
        if stay.from_ts_ms < until_ms
    ]


def _ended(stay: VisitStay, until_ms: int) -> VisitStay:
    return VisitStay(place=stay.place, from_ts_ms=stay.from_ts_ms, until_ts_ms=until_ms)
