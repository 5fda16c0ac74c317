"""An observation's reading: OBX-5 that is no plain number, statuses and flags; `docs/devices.md` has the table."""

import re
from functools import lru_cache
from typing import Final, NamedTuple, cast

from edge.gateway.hl7.codes import signal_of
from edge.gateway.hl7.split import NULL, plain
from edge.gateway.terms import Known
from edge.readers.notation import PLAIN
from streams.contracts.frame import Comparator
from streams.decoding.wire_frames import WireBound

_NUMBER_FORM: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_NUMBER: Final = re.compile(_NUMBER_FORM, re.ASCII)
_BOUND: Final = re.compile(rf"([<>]=?)\s*({_NUMBER_FORM})", re.ASCII)
_EQUAL: Final = re.compile(rf"=?\s*({_NUMBER_FORM})", re.ASCII)

USED_STATUS: Final = frozenset({"", "A", "B", "C", "F", "P", "R", "S", "U", "V"})
NULL_STATUS: Final = frozenset({"X"})
WITHDRAWN_STATUS: Final = frozenset({"D", "W"})
"""OBX-11 (HL7 table 0085): a result, of whatever standing; none could be had; deleted or wrong. Others announce a
result that is still to come (I, O) or was not asked for (N)."""

NO_READING_FLAGS: Final = frozenset({"INV", "NAV", "CAL", "TEST", "DEMO"})
"""OBX-8 of IHE PCD-01 (measurement status of ISO/IEEE 11073-10201): invalid, not available, being calibrated, or no
patient's at all."""

NUMBER_TYPES: Final = frozenset({"NM", "SN", "ST", ""})
"""OBX-2 of a reading; ST and none because monitors send so. A wave is NA."""

Read = tuple[float | WireBound | None, str]
"""A reading or a bound in Vigil's unit, None = attached without either; what is to be told of it, or empty."""


class Measured(NamedTuple):
    """What an observation says whoever made it and when: the signal, how well its code is known, the reading."""

    signal: str
    rank: int
    value: float | WireBound | None

    @property
    def weight(self) -> tuple[bool, bool, int]:
        """How good it is among what is said of one signal: a value before a bound, a bound before nothing."""
        return self.value is not None, not isinstance(self.value, WireBound), -self.rank


@lru_cache(maxsize=16_384)
def measured_of(
    kind: str, identifier: str, text: str, unit: str, flags: str, status: str, marks: str
) -> tuple[Measured | None, str]:
    """Return what an observation says, None if it is none that Vigil takes; and what was left out of it, or empty.

    One look for all of it, because monitors say the same of a signal again and again.

    Args:
        kind: OBX-2.
        identifier: OBX-3.
        text: OBX-5.
        unit: OBX-6.
        flags: OBX-8.
        status: OBX-11.
        marks: the message's signs.
    """
    known = signal_of(identifier, unit, marks)
    if isinstance(known, str):
        return None, known
    status, kind = status.strip(), kind.strip()
    if status not in USED_STATUS and status not in NULL_STATUS:
        return None, "withdrawn" if status in WITHDRAWN_STATUS else "not-a-result"
    if kind not in NUMBER_TYPES:
        return None, "value-type"
    if status in NULL_STATUS or not NO_READING_FLAGS.isdisjoint(flags.split(marks[2])):
        return Measured(known.signal, known.place, None), ""
    value, fault = value_of(text, kind, marks, known)
    return Measured(known.signal, known.place, value), fault


def value_of(text: str, kind: str, marks: str, known: Known) -> Read:
    """Return what OBX-5 is as a reading of a signal.

    A bound (`>100`) is no value: it alarms only of a limit that it settles. Two values (components, repetitions, a
    range) are none: nobody knows which one is meant.
    """
    text = text.strip()
    if not text or text == NULL:
        return None, ""
    if kind == "SN":
        text = _structured(text, marks)
    number = text if _NUMBER.fullmatch(text) else None
    comparator = ""
    if number is None and (found := _BOUND.fullmatch(plain(text, marks))) is not None:
        comparator, number = found.groups()
    if number is None and (found := _EQUAL.fullmatch(plain(text, marks))) is not None:
        number = found[1]
    if number is None:
        return None, "" if PLAIN.is_missing(text, None) else "no-number"
    if known.unit is None:
        return None, "unknown-unit"
    value = known.unit.convert(float(number))
    if known.low <= value <= known.high:
        return (WireBound(cast(Comparator, comparator), value), "bound") if comparator else (value, "")
    # What no sensor reports is no reading: a code for "none", else told.
    return None, "" if PLAIN.is_missing(number, known.signal) else "implausible"


def _structured(text: str, marks: str) -> str:
    """Return an SN value as text: comparator and number; with a second number, as it is."""
    parts = [plain(one, marks) for one in text.split(marks[1])]
    parts += [""] * (4 - len(parts))
    if parts[2] or parts[3]:
        return text
    # `^100` is 100, and `100` alone was meant for it.
    return parts[0] + parts[1]
