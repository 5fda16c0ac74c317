"""Readings as a FHIR R4 Bundle of Observations, with the codes of the vital-signs profile where it has one. Pure.

A collection bundle: every reading is an Observation with its LOINC code, the profile's own code beside it where the
profile fixes another one, its MDC code, its UCUM unit, its moment, and the patient as an opaque identifier. Sources:
HL7 FHIR R4 (4.0.1) vital-signs profile, Bundle and Observation.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from clinical.vitals import ACVPU, FLAGS, INDEX, SIGNALS, Signal
from streams.contracts.frame import OWN_STREAM

LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
PROFILE: Final = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
STREAM: Final = "urn:vigil:stream"
"""System of the patients' opaque stream ids [M]: no registry knows it."""

PROFILE_CODES: Final = {"spo2": "2708-6"}
"""Where the profile's table of codes fixes another one than the sensor's own: both are given, as it asks for."""

IN_PROFILE: Final = frozenset({"hr", "pulse", "spo2", "resp", "temp"})
"""Signals that the profile's table has; pressures are in it as panels only, which a single reading is none of."""

ENTRIES_MAX: Final = 100_000
"""Of one bundle: some 70 MB; more is for Parquet."""


Reading = tuple[int, str, float, str]
"""Moment in ms, signal, value in its unit, and the reading's place in the log, which tells it from others."""


def bundle(patient: str, readings: Iterable[Reading], made_ts_ms: int) -> dict[str, Any]:
    """Return a Bundle of a patient's readings.

    Signals without a code that others use are left out.
    """
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(made_ts_ms),
        "entry": list(_entries(patient, readings)),
    }


def _entries(patient: str, readings: Iterable[Reading]) -> Iterator[dict[str, Any]]:
    for ts_ms, name, value, place in readings:
        signal = SIGNALS[INDEX[name]]
        if signal.loinc and name not in FLAGS:
            number = _uuid(patient, name, place)
            resource = {**_observation(patient, signal, ts_ms), **_value(signal, value), "id": number}
            yield {"fullUrl": f"urn:uuid:{number}", "resource": resource}


def _value(signal: Signal, value: float) -> dict[str, Any]:
    if signal.name == "consciousness":
        return {"valueCodeableConcept": {"text": ACVPU[round(value)]}}
    return {
        "valueQuantity": {"value": value, "unit": signal.unit, "system": UCUM, "code": signal.ucum},
    }


def _observation(patient: str, signal: Signal, ts_ms: int) -> dict[str, Any]:
    codes = [{"system": LOINC, "code": signal.loinc}]
    if signal.name in PROFILE_CODES:
        codes.insert(0, {"system": LOINC, "code": PROFILE_CODES[signal.name]})
    if signal.mdc:
        codes.append({"system": MDC, "code": str(signal.mdc), "display": signal.mdc_name})
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": codes, "text": signal.title},
        "subject": {
            "type": "Device" if patient.startswith(OWN_STREAM) else "Patient",
            "identifier": {"system": STREAM, "value": patient},
        },
        "effectiveDateTime": _instant(ts_ms),
    }
    if signal.name in IN_PROFILE:
        found["meta"] = {"profile": [PROFILE]}
    return found


def _uuid(patient: str, signal: str, place: str) -> str:
    """Return a name for a reading, the same in every export of it."""
    digits = hashlib.blake2b(f"{patient}\x1f{signal}\x1f{place}".encode(), digest_size=16).hexdigest()
    version = digits[:12] + "8" + digits[13:16] + "8" + digits[17:]  # RFC 9562: made by a rule of one's own
    return "-".join((version[:8], version[8:12], version[12:16], version[16:20], version[20:]))


def _instant(ts_ms: int) -> str:
    moment = datetime.fromtimestamp(ts_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts_ms % 1000:03d}Z"
