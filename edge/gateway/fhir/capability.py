"""`GET /fhir/metadata`: the CapabilityStatement, the same words in R4 and R5."""

from typing import Any, Final

from edge.fhir.elements import LOINC, PROFILE
from edge.fhir.statement import statement
from edge.fhir.versions import DEFAULT_VERSION

ABOUT: Final = (
    "Observations of vital signs, of R4 and of R5. 201 says that Kafka has the reading on all copies. A resend is one "
    f"reading: by its identifier, else by If-None-Exist, else by its content. Codes are of {LOINC} and ISO/IEEE 11073. "
    "Encounter, Location and R5's DeviceAssociation (a statement of R4 has no word for it) say who is on which device."
)
OBSERVATIONS: Final[dict[str, Any]] = {
    "type": "Observation",
    "supportedProfile": [PROFILE],
    "interaction": [{"code": "create"}],
    "conditionalCreate": True,
}


def _stated(kind: str) -> dict[str, Any]:
    """Return what is done with a type that says who is where."""
    return {
        "type": kind,
        "interaction": [{"code": "create"}, {"code": "update"}],
        "updateCreate": True,
        "conditionalCreate": True,
    }


def capability_statement() -> dict[str, Any]:
    """Return the resource."""
    return statement(
        "Vigil gateway",
        {"description": "Readings of bedside devices"},
        DEFAULT_VERSION,
        {
            "documentation": ABOUT,
            "resource": [OBSERVATIONS, *map(_stated, ("Encounter", "Location"))],
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
        },
    )
