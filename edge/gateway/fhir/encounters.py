"""Encounters of R4 and R5 as visits: where a patient is and was, from when to when, as `location` says it.

Sources: HL7 FHIR R4 and R5, value sets encounter-status and encounter-location-status. What the two versions call
differently is taken alike: `period` and `actualPeriod`, `physicalType` and `form`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.adt_stays import FOREVER
from edge.gateway.fhir.fhir_ids import patient_in
from edge.gateway.fhir.fhir_places import PlaceNamed, place_named
from edge.gateway.fhir.fhir_times import CHARACTERS_MAX, NOT_A_TIME, moment_ms
from edge.gateway.fhir.outcomes import MODIFIED
from edge.gateway.fhir.resources import NOTHING, Concept, Encounter, EncounterLocation, Period
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.reports import StayReport, VisitReport

UNDER_WAY: Final = frozenset({"arrived", "triaged", "in-progress", "onleave", "on-hold"})
"""The patient is where a location is `active`; on leave, where none is, in no bed."""

OVER: Final = frozenset({"finished", "discharged", "completed", "discontinued"})
NEVER: Final = frozenset({"planned", "cancelled", "entered-in-error"})
"""Nobody is, or ever was, anywhere because of it."""

STATUS: Final = Refusal("status", f"the status is none of {', '.join(sorted(UNDER_WAY | OVER | NEVER))}")
THERE: Final = frozenset({"", "active", "completed"})
NOT_THERE: Final = frozenset({"planned", "reserved"})
PLACE_STATUS: Final = Refusal(
    "status", "a location's status is none of active, completed, planned and reserved"
)
PLACE_TYPES: Final = frozenset({"", "http://terminology.hl7.org/CodeSystem/location-physical-type"})
BED: Final = "bd"
TWICE: Final = Refusal(
    "contradiction",
    "two locations hold the same time: end the first, or say which are beds (physicalType, in R5 form, bd)",
)
NO_START: Final = Refusal("no-time", "a location, or the Encounter, says when it began (period.start)")
NO_END: Final = Refusal(
    "no-time", "it is over, and neither a location nor the Encounter says when (period.end)"
)
BACKWARDS: Final = Refusal("invalid", "it ends before it begins")

Span = tuple[int | None, int | None]
"""From and until, ms; None where it is not said."""


def visit_report(
    encounter: Encounter, number: str, posted: Mapping[str, str], pseudonyms: Pseudonyms
) -> VisitReport | Refusal:
    """Return what an Encounter says of where its patient is, or why it is not taken; `posted`: see `place_named`."""
    if encounter.status not in UNDER_WAY | OVER | NEVER:
        return STATUS
    patient = patient_in(encounter.subject, pseudonyms)
    if isinstance(patient, Refusal):
        return patient
    if encounter.period is not None and encounter.actualPeriod is not None:
        return Refusal("contradiction", "give period (R4) or actualPeriod (R5), not both")
    whole = span_of(encounter.actualPeriod or encounter.period)
    version_ms = _version_of(encounter)
    if isinstance(whole, Refusal):
        return whole
    if isinstance(version_ms, Refusal):
        return version_ms
    if encounter.status in NEVER:
        return VisitReport(number, patient, (), None, version_ms, version_ms)
    ended_ms = whole[1] if encounter.status in OVER else None
    stays: list[StayReport] | Refusal | None = None
    if encounter.location:
        stays = _stays(encounter, (whole[0], ended_ms), posted)
    elif encounter.status in OVER and ended_ms is None:
        return NO_END
    if isinstance(stays, Refusal):
        return stays
    times = [ms for one in stays or () for ms in (one.from_ms, one.until_ms) if ms is not None]
    newest_ms = max([*times, *(ms for ms in (whole[0], ended_ms) if ms is not None)], default=None)
    told = None if stays is None else tuple(stays)
    return VisitReport(
        number, patient, told, ended_ms, newest_ms if version_ms is None else version_ms, version_ms
    )


def span_of(period: Period | None) -> Span | Refusal:
    """Return a period's beginning and end, or why they are no times."""
    found: list[int | None] = []
    for text in ("", "") if period is None else (period.start, period.end):
        at_ms = _moment(text) if text else None
        if isinstance(at_ms, Refusal):
            return at_ms
        found.append(at_ms)
    from_ms, until_ms = found
    if from_ms is not None and until_ms is not None and until_ms < from_ms:
        return BACKWARDS
    return from_ms, until_ms


def _moment(text: str) -> int | Refusal:
    return moment_ms(text) if len(text) <= CHARACTERS_MAX else NOT_A_TIME


def _version_of(encounter: Encounter) -> int | Refusal | None:
    text = "" if encounter.meta is None else encounter.meta.lastUpdated
    return _moment(text) if text else None


def _stays(encounter: Encounter, whole: Span, posted: Mapping[str, str]) -> list[StayReport] | Refusal:
    """Return the stays of an Encounter that says where, rising; of a bed and what it stands in, the bed counts."""
    found: list[StayReport] = []
    for one in _beds(encounter.location):
        if one.modifierExtension is not NOTHING:
            return MODIFIED
        if one.status not in THERE | NOT_THERE:
            return PLACE_STATUS
        if one.status in NOT_THERE:
            continue
        place = place_named(one.location, posted)
        if isinstance(place, Refusal):
            return place
        stay = _stay(one, place, whole, encounter.status in OVER)
        if isinstance(stay, Refusal):
            return stay
        if stay.until_ms != stay.from_ms:
            found.append(stay)
    found.sort(key=lambda stay: stay.from_ms)
    for stay, later in pairwise(found):
        if (FOREVER if stay.until_ms is None else stay.until_ms) > later.from_ms:
            return TWICE
    return found


def _beds(locations: Sequence[EncounterLocation]) -> Sequence[EncounterLocation]:
    beds = [one for one in locations if _is_bed(one.physicalType) or _is_bed(one.form)]
    return beds or locations


def _is_bed(kind: Concept | None) -> bool:
    return kind is not None and any(one.system in PLACE_TYPES and one.code == BED for one in kind.coding)


def _stay(one: EncounterLocation, place: PlaceNamed, whole: Span, is_over: bool) -> StayReport | Refusal:
    """Return one stay; what its location leaves out of its time, the Encounter says."""
    own = span_of(one.period)
    if isinstance(own, Refusal):
        return own
    from_ms = whole[0] if own[0] is None else own[0]
    until_ms = own[1]
    if from_ms is None:
        return NO_START
    if whole[1] is not None:
        until_ms = whole[1] if until_ms is None else min(until_ms, whole[1])
    if until_ms is None and (is_over or one.status == "completed"):
        return NO_END
    if until_ms is not None and until_ms < from_ms:
        return BACKWARDS
    return StayReport(from_ms, until_ms, place.place, place.place_id)
