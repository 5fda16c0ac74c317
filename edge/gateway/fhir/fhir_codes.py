"""Which Observation is which signal or flag, by `edge/gateway/terms.py` and the codes of the vital-signs profile.

A code of the profile may stand for several signals: 8867-4 is a heart rate whatever it was counted from, 8480-6 a
systolic pressure wherever it was measured. The first counts, unless another code of the concept is more exact.
Sources: HL7 FHIR vital-signs profile (R4, R5) and the personal health device guide, which has 8867-4 beside the
oximeter's pulse rate; LOINC 80288-4 as `edge/fhir/` writes it.
"""

from typing import Final

from edge.fhir.elements import LOINC, MDC, SNOMED, UCUM
from edge.gateway.accept import Refusal
from edge.gateway.fhir.resources import Coding, Concept, Quantity
from edge.gateway.terms import ARTERIAL, EVENTS, PLACE, SIGNAL_OF_LOINC, TERM_OF, TERMS, UNIT_OF
from edge.readers.units import NO_UNIT, Unit, unit_of

YES_NO: Final = "http://terminology.hl7.org/CodeSystem/v2-0136"

PROFILE: Final[dict[str, tuple[str, ...]]] = {
    "8867-4": ("hr", "pulse"),
    "9279-1": ("resp",),
    "2708-6": ("spo2",),
    "8310-5": ("temp",),
    "8480-6": ("nbp_sys", "abp_sys"),
    "8462-4": ("nbp_dia", "abp_dia"),
    "8478-0": ("nbp_mean", "abp_mean"),
    "80288-4": ("consciousness",),
}
"""LOINC codes of the profile, and what each may stand for."""

MEANINGS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **{(LOINC, code): (signal,) for code, signal in SIGNAL_OF_LOINC.items()},
    **{(LOINC, code): signals for code, signals in PROFILE.items()},
    **{(MDC, key): (term.name,) for term in (*TERMS, *EVENTS) for key in (str(term.number), *term.names)},
}
"""What each code may stand for."""

RANK: Final = {(MDC, key): PLACE[id(term)] for key, term in TERM_OF.items()}
"""Of several codes of one signal the first in the table counts."""

ANSWERS: Final[dict[tuple[str, str], bool]] = {
    (LOINC, "LA33-6"): True,
    (LOINC, "LA32-8"): False,
    (SNOMED, "373066001"): True,
    (SNOMED, "373067005"): False,
    (YES_NO, "Y"): True,
    (YES_NO, "N"): False,
}
"""Yes and no, as codes say it."""

_ARTERIAL_CODES: Final = frozenset(map(str, ARTERIAL)) | {
    *(name for term in TERMS if term.number in ARTERIAL for name in term.names),
    *("MDC_PRESS_BLD_ART_ABP", "MDC_PRESS_BLD_ART", "MDC_PRESS_BLD_AORT"),
}
"""By number or name, as all codes here."""

UNIT_SYSTEMS: Final = frozenset({"", UCUM, MDC})


def is_arterial(concept: Concept | None) -> bool:
    """Whether a concept is of an arterial line, so that its pressures are not a cuff's."""
    return concept is not None and any(
        one.system == MDC and one.code in _ARTERIAL_CODES for one in concept.coding
    )


def signal_of(concept: Concept, arterial: bool = False) -> tuple[str, int] | Refusal:
    """Return the signal or flag that a concept names and its place in the table, or why it names none.

    Of a panel of an `arterial` line a pressure as such is the line's.
    """
    possible: tuple[str, ...] | None = None
    rank = len(TERMS)
    for coding in concept.coding:
        key = coding.system, coding.code
        meaning = MEANINGS.get(key)
        if meaning is None:
            continue
        rank = min(rank, RANK.get(key, rank))
        possible = meaning if possible is None else tuple(one for one in possible if one in meaning)
        if not possible:
            return Refusal("codes-disagree", "the codes are of two signals")
    if possible is None:
        return Refusal("unknown-code", "none of the codes is of a vital sign that Vigil knows")
    return possible[-1 if arterial else 0], rank


def unit_named(signal: str, quantity: Quantity) -> Unit | Refusal:
    """Return the unit of a quantity for readings of a signal: by its code, else by how it is written."""
    text = quantity.code or quantity.unit
    if text.strip(" \N{DEGREE SIGN}").lower() in NO_UNIT:
        return Refusal("unknown-unit", "the quantity has no unit")
    found = None
    if quantity.system in UNIT_SYSTEMS:
        found = unit_of(signal, UNIT_OF.get(text, text))
    return found or Refusal("unknown-unit", "the signal does not come in this unit")


def answer_of(coding: list[Coding]) -> bool | None:
    """Return the yes or no that codes say, None if they say neither, or both."""
    found = {ANSWERS[key] for one in coding if (key := (one.system, one.code)) in ANSWERS}
    return found.pop() if len(found) == 1 else None
