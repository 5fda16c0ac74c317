"""Readings as a FHIR R4 Bundle of Observations, with the codes of the vital-signs profile where it has one. Pure.

A collection bundle of `edge/fhir/vital_observations.py`. Source: HL7 FHIR R4 (4.0.1), Bundle.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from clinical.vitals import INDEX, SIGNALS
from edge.fhir.elements import instant, is_flag
from edge.fhir.vital_observations import reading_id, reading_observation

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
        "timestamp": instant(made_ts_ms),
        "entry": list(_entries(patient, readings)),
    }


def _entries(patient: str, readings: Iterable[Reading]) -> Iterator[dict[str, Any]]:
    for ts_ms, name, value, place in readings:
        signal = SIGNALS[INDEX[name]]
        if signal.loinc and not is_flag(signal):
            number = reading_id(patient, name, place)
            resource = {**reading_observation(patient, signal, ts_ms, value), "id": number}
            yield {"fullUrl": f"urn:uuid:{number}", "resource": resource}
