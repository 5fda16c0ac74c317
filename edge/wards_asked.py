"""Which ward somebody means at the command line, and how a bed is named there so that it can be named back."""

from collections.abc import Iterable
from typing import Final

from streams.contracts.reference import Reference
from streams.errors import VigilError

NAMED_MAX: Final = 20
"""Wards that are named to who asked for another one."""


def ward_asked(asked: str, known: Iterable[str], reference: Reference) -> str:
    """Return the id of a ward in which there are patients, asked for by its id or by what it is called.

    Raises:
        VigilError: there are none in such a ward: silence would look like an all-clear.
    """
    wards = sorted({*known} - {""})
    named = [ward for ward in wards if asked in (ward, reference.ward_name(ward))]
    if asked in wards or len(named) == 1:
        return asked if asked in wards else named[0]
    where = ", ".join(wards[:NAMED_MAX]) + (", ..." if len(wards) > NAMED_MAX else "")
    raise VigilError(f"no patient is in ward {asked}; there are patients in: {where or 'no ward'}")


def bed_named(patient: str, reference: Reference) -> str:
    """Return what is written above a bed, with the patient's id, by which commands know it."""
    label = reference.label(patient)
    return label if label == patient else f"{label} ({patient})"
