"""Answers in FHIR: OperationOutcomes, 201 with a Location, and bundles with an answer for each entry."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from edge.gateway.accept import Refusal
from edge.gateway.http.answers import TITLES

FHIR_TYPE: Final = "application/fhir+json"
REASONS: Final = "urn:vigil:problem"
"""System of the reasons [M]: no registry knows it."""

ETAG: Final = 'W/"1"'
"""Readings have one version."""

ISSUE_CODES: Final[Mapping[str, str]] = {
    "unauthenticated": "login",
    "forbidden": "forbidden",
    "foreign-device": "forbidden",
    "not-found": "not-found",
    "method": "not-supported",
    "media-type": "not-supported",
    "resource-type": "not-supported",
    "slow": "timeout",
    "too-large": "too-long",
    "malformed": "structure",
    "not-json": "structure",
    "invalid": "structure",
    "busy": "transient",
    "not-stored": "transient",
    "busy-client": "throttled",
    "internal": "exception",
    "refused-by-kafka": "exception",
    "part-stored": "exception",
    "modifier": "extension",
    "unknown-code": "code-invalid",
    "status": "code-invalid",
    "comparator": "code-invalid",
    "unknown-unit": "code-invalid",
    "not-allowed": "forbidden",
    "device-associated": "conflict",
    "other-device": "conflict",
    "outdated": "conflict",
    "place-taken": "duplicate",
    "too-many-associations": "too-costly",
    "too-many-places": "too-costly",
    "unknown-location": "not-found",
    "no-beginning": "not-found",
    "no-identity": "required",
    "no-patient": "required",
    "no-place": "required",
    "no-device": "required",
    "no-value": "required",
    "no-time": "value",
    "transaction": "processing",
    "parameter": "not-supported",
    "parameter-value": "value",
    "fhir-version": "not-supported",
    "not-judged": "incomplete",
}
"""Issue types (FHIR value set issue-type) of problems and reasons; `invalid` of all others."""

CONFLICTS: Final = frozenset({"device-associated", "other-device", "outdated", "place-taken"})
"""Reasons that are about what is known already, and not about the resource alone."""

MODIFIED: Final = Refusal("modifier", "a modifierExtension changes what this means, and is not known here")

_encode = msgspec.json.Encoder().encode


def issue_of(reason: str, detail: str, place: str = "") -> dict[str, Any]:
    """Return an issue of an OperationOutcome; `place` is a FHIRPath."""
    found: dict[str, Any] = {
        "severity": "error",
        "code": ISSUE_CODES.get(reason, "invalid"),
        "details": {"coding": [{"system": REASONS, "code": reason}]},
        "diagnostics": detail,
    }
    return found | {"expression": [place]} if place else found


def outcome_of(issues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def problem(kind: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the answer to a request that is not taken; `kind` is one of `answers.TITLES`."""
    return said(TITLES[kind][0], outcome_of([issue_of(kind, detail)]), headers)


def said(status: int, resource: dict[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a resource as an answer."""
    return web.Response(
        status=status, body=_encode(resource), content_type=FHIR_TYPE, charset="utf-8", headers=headers
    )


def location_of(kind: str, number: str) -> str:
    """Return where a stored resource would be, below the base."""
    return f"{kind}/{number}/_history/1"


def status_of(refusal: Refusal) -> int:
    """Return the status of one refused resource."""
    if refusal.reason in ("foreign-device", "not-allowed"):
        return 403
    if refusal.reason in CONFLICTS:
        return 409
    return 400 if refusal.reason in ("not-json", "invalid") else 422


def entry_of(result: Refusal | None, kind: str, number: str) -> dict[str, Any]:
    """Return what became of a bundle's entry."""
    if result is None:
        return {"response": {"status": "201 Created", "location": location_of(kind, number), "etag": ETAG}}
    outcome = outcome_of([issue_of(result.reason, result.detail)])
    return {"response": {"status": str(status_of(result)), "outcome": outcome}}
