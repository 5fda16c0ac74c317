"""`GET /fhir/metadata` of a board: the CapabilityStatement of reading, in R4 or R5. Pure."""

from typing import Any, Final

from edge.board.fhir_search import DETAIL, PARAMETERS, Kind
from edge.fhir.alarm_topic import topic_url
from edge.fhir.elements import LOINC, PROFILE
from edge.fhir.statement import statement
from edge.fhir.versions import FhirVersion

TOPIC_EXTENSION: Final = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capability-subscriptiontopic-canonical"
)
"""Where R4 names topics. Source: HL7 Subscriptions R5 Backport 1.1.0."""

TYPES: Final = {
    "patient": "reference",
    "_id": "token",
    "code": "token",
    "category": "token",
    "status": "token",
    "date": "date",
    "_lastUpdated": "date",
}
"""Search parameters that are told; the others are of the answer's form."""

ABOUT: Final = (
    "Last values and alarms as the ward board shows them, of R4 and of R5 (fhirVersion in Accept). Parameters that are "
    "not known are refused. A last value that is too old is no value: dataAbsentReason stands there instead. A search "
    "of partitions that are not judged now says so by an OperationOutcome in it."
)
OBSERVED: Final = (
    f"Last values, codes of {LOINC} and ISO/IEEE 11073; evidence of alarms, which alone can be read by id."
)
FLAGGED: Final = "Alarms: active while they are open, inactive for as long as the board remembers them."
SUBSCRIBED: Final = "Set up by the operator in the routing file, not here."


def board_capability(base: str, version: FhirVersion) -> dict[str, Any]:
    """Return the resource; `base` is the address of the door."""
    resources = [
        {**_resource("Observation", OBSERVED), "supportedProfile": [PROFILE]},
        {**_resource("Flag", FLAGGED), "searchInclude": [DETAIL]},
    ]
    if version == "4.0":  # R4 has no type SubscriptionTopic
        topic = {"url": TOPIC_EXTENSION, "valueCanonical": topic_url(base)}
        resources.append({"type": "Subscription", "documentation": SUBSCRIBED, "extension": [topic]})
    else:
        reads = [{"code": "read"}, {"code": "search-type"}]
        resources.append({"type": "SubscriptionTopic", "interaction": reads, "documentation": SUBSCRIBED})
    about = {"description": "Last values and alarms", "url": base}
    return statement("Vigil board", about, version, {"documentation": ABOUT, "resource": resources})


def _resource(kind: Kind, about: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "documentation": about,
        "searchParam": [
            {"name": name, "type": type_} for name, type_ in TYPES.items() if name in PARAMETERS[kind]
        ],
    }
