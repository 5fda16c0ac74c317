"""What `/openapi.json` says of FHIR: its paths, and the statuses that each may have."""

from typing import Any, Final

from edge.gateway.fhir.fhir_intake import IF_NONE_EXIST, IF_NONE_EXIST_CHARACTERS_MAX, METADATA_PATH
from edge.gateway.fhir.given_resources import BASE, OBSERVATION
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.fhir.stated import STATED

REFUSED: Final = {
    "400": "the body is no resource of this type",
    "401": "nobody known sends this",
    "403": "not your device, or you may not say who a patient is",
    "405": "this is not done with that path",
    "408": "the body did not come in time",
    "409": "it contradicts what is known",
    "413": "the body is larger than it may be",
    "415": "this type or coding of a body is not known",
    "422": "it is not taken; the OperationOutcome says why",
    "429": "you have too much under way",
    "500": "the gateway failed, or Kafka has a part of a transaction",
    "503": "Kafka does not take it now, or has not said that it has it",
}


def fhir_paths() -> dict[str, Any]:
    """Return the paths of FHIR, as OpenAPI has them."""
    posted = {f"{BASE}/{kind}": {"post": _operation("create", kind)} for kind in (OBSERVATION, *STATED)}
    updated = {f"{BASE}/{kind}/{{id}}": {"put": _operation("update", kind)} for kind in STATED}
    return {
        BASE: {"post": _operation("take", "Bundle")},
        **posted,
        **updated,
        METADATA_PATH: {
            "get": {
                "summary": "The CapabilityStatement",
                "responses": {"200": _said("what is taken", "CapabilityStatement")},
            }
        },
    }


def _operation(what: str, kind: str) -> dict[str, Any]:
    """Return an operation on a type: `take` of a whole bundle, `create` or `update` of one resource."""
    stored = {
        "description": "Kafka has it",
        "headers": {name: {"schema": {"type": "string"}} for name in ("Location", "ETag")},
    }
    answers = {"200": _said("each entry's answer", "Bundle")} if what == "take" else {"201": stored}
    answers |= {status: _said(about, "OperationOutcome") for status, about in REFUSED.items()}
    for status in ("429", "503"):
        answers[status]["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    found: dict[str, Any] = {
        "operationId": f"{what}{kind}",
        "summary": f"{what.capitalize()} a {kind} (FHIR R4 or R5)",
        "security": [{"bearer": []}],
        "requestBody": {"required": True, "content": _content(kind)},
        "responses": answers,
    }
    if what != "take":
        found["parameters"] = [_id_parameter() if what == "update" else _once_parameter()]
    return found


def _content(kind: str) -> dict[str, Any]:
    resource = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": kind}},
    }
    return {FHIR_TYPE: {"schema": resource}, "application/json": {"schema": resource}}


def _said(about: str, kind: str) -> dict[str, Any]:
    return {"description": about, "content": {FHIR_TYPE: _content(kind)[FHIR_TYPE]}}


def _id_parameter() -> dict[str, Any]:
    form = {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}
    return {"name": "id", "in": "path", "required": True, "schema": form}


def _once_parameter() -> dict[str, Any]:
    return {
        "name": IF_NONE_EXIST,
        "in": "header",
        "required": False,
        "description": "Names a resource without an identifier: the same text, the same resource.",
        "schema": {"type": "string", "maxLength": IF_NONE_EXIST_CHARACTERS_MAX, "pattern": "^[!-~]+$"},
    }
