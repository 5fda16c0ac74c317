"""A reading as a FHIR Observation, the same in R4 and R5, and one that is too old as the absence of one. Pure.

It has the codes of the vital-signs profile where that has one, its MDC code, its UCUM unit, its moment, and the patient
as an opaque identifier. Sources: HL7 FHIR R4 (4.0.1) and R5 (5.0.0), vital-signs profile and Observation.
"""

import hashlib
from typing import Any, Final

from clinical.vitals import ACVPU, Signal
from edge.fhir.elements import CATEGORY, PROFILE, codings_of, instant, is_flag, quantity, subject_of

VITAL_SIGNS: Final = "vital-signs"
ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
IN_PROFILE: Final = frozenset({"hr", "pulse", "spo2", "resp", "temp"})
"""Signals that the profile's table has; pressures are in it as panels only, which a single reading is none of."""


def reading_observation(patient: str, signal: Signal, ts_ms: int, value: float) -> dict[str, Any]:
    """Return the Observation of a reading, in the signal's unit, without an id."""
    return {**_head(patient, signal, ts_ms), **value_of(signal, value)}


def stale_observation(patient: str, signal: Signal, ts_ms: int, value: float) -> dict[str, Any]:
    """Return what is said of a last reading that is too old to count: there is no value now.

    FHIR lets no value stand beside dataAbsentReason (obs-6), so that nobody takes the old one for a new one; it is told
    in words, with its moment.
    """
    old = f"{said_value(signal, value)} at {instant(ts_ms)} is older than {signal.age_s_max} s and counts no more"
    return {
        **_head(patient, signal, ts_ms),
        "dataAbsentReason": {
            "coding": [{"system": ABSENT, "code": "temp-unknown"}],
            "text": "the last reading is too old",
        },
        "note": [{"text": f"last reading: {old}"}],
    }


def value_of(signal: Signal, value: float) -> dict[str, Any]:
    """Return the value[x] of a reading."""
    if signal.name == "consciousness":
        return {"valueCodeableConcept": {"text": ACVPU[round(value)]}}
    if is_flag(signal):
        return {"valueBoolean": bool(value)}
    return {"valueQuantity": quantity(value, signal.ucum, signal.unit)}


def said_value(signal: Signal, value: float) -> str:
    """Return a reading in words."""
    if signal.name == "consciousness":
        return ACVPU[round(value)]
    return ("yes" if value else "no") if is_flag(signal) else f"{value:g} {signal.unit}"


def reading_id(patient: str, signal: str, place: str) -> str:
    """Return a UUID for a reading, the same whenever it is made of it; `place` tells it from others of the signal."""
    digits = hashlib.blake2b(f"{patient}\x1f{signal}\x1f{place}".encode(), digest_size=16).hexdigest()
    version = digits[:12] + "8" + digits[13:16] + "8" + digits[17:]  # RFC 9562: made by a rule of one's own
    return "-".join((version[:8], version[8:12], version[12:16], version[16:20], version[20:]))


def _head(patient: str, signal: Signal, ts_ms: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": VITAL_SIGNS}]}],
        "code": {"coding": codings_of(signal), "text": signal.title},
        "subject": subject_of(patient),
        "effectiveDateTime": instant(ts_ms),
    }
    if signal.name in IN_PROFILE:
        found["meta"] = {"profile": [PROFILE]}
    return found
