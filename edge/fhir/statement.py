"""The CapabilityStatement of one of our doors. Pure."""

from typing import Any, Final

from edge.fhir.versions import FHIR_JSON, NUMBERS, FhirVersion

DATE: Final = "2026-11-30"
"""Of what they say."""


def statement(
    name: str, implementation: dict[str, str], version: FhirVersion, rest: dict[str, Any]
) -> dict[str, Any]:
    """Return the resource; `rest` is what its server does."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": name},
        "implementation": implementation,
        "fhirVersion": NUMBERS[version],
        "format": ["json", FHIR_JSON],
        "rest": [{"mode": "server", **rest}],
    }
