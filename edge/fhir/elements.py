"""What FHIR resources are made of: systems of codes, codings, quantities, who it is about, instants. Pure.

The systems are those of what comes in, too (`edge/gateway/fhir/`).
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from clinical.vitals import FLAGS, Signal
from edge.gateway.terms import EVENTS
from streams.contracts.alert import WARD
from streams.contracts.frame import OWN_STREAM

LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"
SNOMED: Final = "http://snomed.info/sct"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
PROFILE: Final = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
STREAM: Final = "urn:vigil:stream"
"""System of the patients' opaque stream ids [M]: no registry knows it."""

OWN_SIGNALS: Final = "urn:vigil:signal"
"""System of what no other system that we could read has a code for [M]."""

PROFILE_CODES: Final = {"spo2": "2708-6"}
"""Where the profile's table of codes fixes another one than the sensor's own: both are given, as it asks for."""

_BOUND: Final = re.compile(r"([<>]=?)(-?\d{1,9}(?:\.\d{1,9})?(?:e[+-]?\d{1,2})?)", re.ASCII)
_EVENT_OF: Final = {term.name: term for term in reversed(EVENTS)}


def codings_of(signal: Signal) -> list[dict[str, str]]:
    """Return what a signal is called: LOINC, the profile's own code before it, and MDC, of flags the event's."""
    found = [
        {"system": LOINC, "code": code} for code in (PROFILE_CODES.get(signal.name), signal.loinc) if code
    ]
    if signal.mdc:
        found.append({"system": MDC, "code": str(signal.mdc), "display": signal.mdc_name})
    elif (term := _EVENT_OF.get(signal.name)) is not None:
        found.append({"system": MDC, "code": str(term.number), "display": term.names[0]})
    return found or [{"system": OWN_SIGNALS, "code": signal.name}]


def quantity(value: float, ucum: str, unit: str = "") -> dict[str, Any]:
    """Return a number with its UCUM unit; `unit` is how people write it."""
    return {"value": value, "unit": unit or ucum, "system": UCUM, "code": ucum}


def bounded_quantity(bound: str, ucum: str, unit: str = "") -> dict[str, Any] | None:
    """Return what a device said in place of a value, as `<80`, with its comparator; None where it is no such text."""
    found = _BOUND.fullmatch(bound)
    if found is None:
        return None
    number = quantity(float(found[2]), ucum, unit)
    return {"value": number.pop("value"), "comparator": found[1], **number}


def is_flag(signal: Signal) -> bool:
    """Tell whether a signal is yes or no."""
    return signal.name in FLAGS


def subject_of(patient: str, of_flag: bool = False) -> dict[str, Any]:
    """Return whom a resource is about, by Vigil's own id; a Flag is about no device, so there no type is said."""
    found: dict[str, Any] = {"identifier": {"system": STREAM, "value": patient}}
    if patient.startswith(WARD):
        return {"type": "Location", **found}
    if patient.startswith(OWN_STREAM):
        return found if of_flag else {"type": "Device", **found}
    return found if patient.startswith("~") else {"type": "Patient", **found}


def instant(ts_ms: int) -> str:
    """Return a moment, Unix epoch in ms, as FHIR writes it."""
    moment = datetime.fromtimestamp(ts_ms // 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts_ms % 1000:03d}Z"
