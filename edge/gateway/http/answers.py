"""Answers over HTTP: what became of each reading, and RFC 9457 problems."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from edge.gateway.accept import Refusal

PROBLEM_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed": (400, "The body is not what its type says"),
    "unauthenticated": (401, "Nobody known sends this"),
    "forbidden": (403, "You may not send for any of these devices"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "This does not go with that"),
    "slow": (408, "The body did not come in time"),
    "too-large": (413, "The body is larger than it may be"),
    "media-type": (415, "This type or coding of a body is not known"),
    "unprocessable": (422, "No reading of it was taken"),
    "busy-client": (429, "You send more than you may"),
    "internal": (500, "The gateway failed"),
    "busy": (503, "Kafka does not take it now"),
    "not-stored": (503, "Kafka has not said that it has it"),
}
"""Every problem that is told, with its status and title."""

TYPE_PREFIX: Final = "urn:vigil:problem:"

_encode = msgspec.json.Encoder().encode


def problem(kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> web.Response:
    """Return an RFC 9457 answer: a kind of `TITLES`, and what a person needs to mend it."""
    status, title = TITLES[kind]
    body = {"type": TYPE_PREFIX + kind, "title": title, "status": status, "detail": detail, **more}
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type=PROBLEM_TYPE, headers=headers
    )


def retry_after(after_s: float) -> dict[str, str]:
    """Return the header of a problem that another try may be over, after so long, s."""
    return {"Retry-After": str(max(1, math.ceil(after_s)))}


def taken(results: Sequence[Refusal | None]) -> web.Response:
    """Return what became of each reading: 202 if any is in Kafka, else 403 or 422; the whole list if some are not."""
    refused = len(results) - results.count(None)
    if not refused:
        return web.Response(
            status=202, body=b'{"accepted":%d}' % len(results), content_type="application/json"
        )
    each = [
        {"status": "accepted"}
        if result is None
        else {"status": "refused", "reason": result.reason, "detail": result.detail}
        for result in results
    ]
    if refused < len(results):
        said: dict[str, Any] = {"accepted": len(results) - refused, "refused": refused, "results": each}
        return web.Response(status=202, body=_encode(said), content_type="application/json")
    first = next(result for result in results if result is not None)
    foreign = all(result is not None and result.reason == "foreign-device" for result in results)
    return problem("forbidden" if foreign else "unprocessable", first.detail, results=each)
