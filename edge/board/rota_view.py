"""Who is on, as the board shows it: of each ward what is assigned, and who is asked for each of its beds. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.contracts.alert import WARD
from streams.contracts.deliveries import Assignment
from streams.contracts.duty import Duty
from streams.contracts.people import ANY_WARD, Person
from streams.contracts.reference import Reference
from streams.contracts.topics import DAY_MS

SOON_MS: Final = DAY_MS
"""Shifts that begin within so long are shown as planned; later ones `vigil assign list --all` tells."""


def rota_of(
    known: Mapping[bytes, Assignment],
    beds: Mapping[str, str],
    reference: Reference,
    person: Person,
    now_ms: int,
) -> dict[str, Any]:
    """Return what a person is shown of who is on.

    Beds, and what is assigned to them, only where the person may view; a ward's own also where it may be configured.

    Args:
        known: assignments by key.
        beds: the ward of each patient on the board.
        reference: what wards and beds are called.
        person: who asks.
        now_ms: the present, ms.
    """
    near = {
        key: one
        for key, one in known.items()
        if one.from_ts_ms < now_ms + SOON_MS and now_ms < one.until_ts_ms
    }
    duty = Duty()
    for key, one in near.items():
        duty.take(key, one)
    by_ward: dict[str, list[Assignment]] = {}
    for one in near.values():
        by_ward.setdefault(ward_of(one.place, beds), []).append(one)
    of_ward: dict[str, list[str]] = {}
    for patient, ward in beds.items():
        of_ward.setdefault(ward, []).append(patient)
    named = (ward for ward in person.wards if ward != ANY_WARD)
    wards = {*by_ward, *of_ward, *named}
    return {
        "now_ts_ms": now_ms,
        "wards": [
            _ward(ward, by_ward.get(ward, []), of_ward.get(ward, []), duty, reference, person, now_ms)
            for ward in sorted(wards, key=lambda ward: (reference.ward_name(ward), ward))
            if person.may_by_role("view", ward) or person.may_by_role("configure", ward)
        ],
    }


def ward_of(place: str, beds: Mapping[str, str]) -> str:
    """Return the ward of a place, empty of a bed that is nowhere."""
    return place.removeprefix(WARD) if place.startswith(WARD) else beds.get(place, "")


def _ward(
    ward: str,
    said: Iterable[Assignment],
    patients: Iterable[str],
    duty: Duty,
    reference: Reference,
    person: Person,
    now_ms: int,
) -> dict[str, Any]:
    may_view = person.may_by_role("view", ward)
    shown = [one for one in said if may_view or one.place.startswith(WARD)]
    shown.sort(
        key=lambda one: (not one.place.startswith(WARD), one.place, one.role, one.from_ts_ms, one.person)
    )
    roles = sorted({one.role for one in shown})
    return {
        "ward": ward,
        "name": reference.ward_name(ward),
        "may": person.may_by_role("configure", ward),
        "assignments": [
            one.model_dump(exclude={"kind"})
            | {
                "is_ward": one.place.startswith(WARD),
                "label": "" if one.place.startswith(WARD) else reference.label(one.place),
                "is_on": one.from_ts_ms <= now_ms,
            }
            for one in shown
        ],
        "beds": [
            {
                "patient": patient,
                "label": reference.label(patient),
                "asked": [
                    {"role": role, "people": list(people), "own": people == duty.own(patient, role, now_ms)}
                    for role in roles
                    if (people := duty.on(patient, ward, role, now_ms))
                ],
            }
            for patient in sorted(patients, key=lambda patient: (reference.label(patient), patient))
            if may_view
        ],
    }
