"""Which observation of HL7 is which signal or flag, and in which unit, by `edge/gateway/terms.py`."""

from functools import lru_cache
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.hl7.split import plain
from edge.gateway.terms import (
    ARTERIAL,
    DISCONNECTED,
    EVENT_OF,
    PLACE,
    SIGNAL_OF_LOINC,
    TERM_OF,
    TERMS,
    UNIT_OF,
    Known,
)
from edge.readers.units import Unit, unit_of

_MDC_SYSTEMS: Final = frozenset({"", "MDC", "IEEE"})


def triplets(text: str, marks: str) -> list[tuple[str, str, str]]:
    """Return the one or two (code, text, system) of a coded field."""
    parts = [plain(one, marks) for one in text.split(marks[1])]
    parts += [""] * (6 - len(parts))
    return [(parts[0], parts[1], parts[2]), (parts[3], parts[4], parts[5])]


@lru_cache(maxsize=4_096)
def signal_of(identifier: str, unit: str, marks: str) -> Known | str:
    """Return the signal that OBX-3 names, with the unit of OBX-6; "" if it is none of ours, else why it is not clear.

    By number, by name, or both; where number and name are of two signals, it is neither.
    """
    found: set[str] = set()
    places: list[int] = []
    for code, name, system in triplets(identifier, marks):
        if system.upper() == "LN":
            found |= {SIGNAL_OF_LOINC[code]} if code in SIGNAL_OF_LOINC else set()
        elif system.upper() in _MDC_SYSTEMS:
            terms = [TERM_OF[key] for key in (code, name) if key in TERM_OF]
            found |= {term.name for term in terms}
            places += [PLACE[id(term)] for term in terms]
    if not found:
        return ""
    if len(found) > 1:
        return "codes-disagree"
    (signal,) = found
    bounds = SIGNALS[INDEX[signal]]
    place = min(places, default=len(TERMS))
    return Known(signal, place, bounds.low, bounds.high, unit_named(signal, unit, marks))


def unit_named(signal: str, text: str, marks: str) -> Unit | None:
    """Return the unit of OBX-6 for readings of a signal (no text = Vigil's own), None if it is none of its units.

    MDC codes and names, UCUM, and what monitors write. Where a code and its name are of two units, the name counts:
    monitors are known to write a wrong number beside a right name.
    """
    if not plain(text, marks):
        return unit_of(signal, "")
    for code, name, _ in triplets(text, marks):
        for key in (name, code):
            unit = unit_of(signal, UNIT_OF.get(key, key)) if key else None
            if unit is not None:
                return unit
    return None


@lru_cache(maxsize=4_096)
def flag_of(event: str, source: str, marks: str) -> str:
    """Return the frame's flag that an alarm's event is, empty if it is none; `source` is the alarm's source."""
    term = next(
        (
            EVENT_OF[key]
            for code, name, _ in triplets(event, marks)
            for key in (code, name)
            if key in EVENT_OF
        ),
        None,
    )
    if term is DISCONNECTED:
        parts = {part for one in triplets(source, marks) for part in one[:2]}
        arterial = parts & {str(number) for number in ARTERIAL} or any("_ART" in part for part in parts)
        return term.name if arterial else ""
    return "" if term is None else term.name
