"""Answers of the board over HTTP: the headers that all of them carry, JSON, and RFC 9457 problems."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from edge.board.events import encode
from edge.gateway.http.answers import PROBLEM_TYPE, TYPE_PREFIX

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{what} 'self'" for what in ("script-src", "style-src", "img-src", "connect-src", "worker-src")),
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy Level 3: nothing from elsewhere, nothing inline, nobody frames it."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer Chromium posts the sign-in form with Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Server": "vigil",
}
NEVER_KEPT: Final = {"Cache-Control": "no-store"}
"""What names a patient stays in no cache."""

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed": (400, "This is not understood"),
    "unauthenticated": (401, "Nobody has signed in"),
    "forbidden": (403, "You may not do this"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "This does not go with that"),
    "too-large": (413, "The body is larger than it may be"),
    "media-type": (415, "Send JSON"),
    "internal": (500, "The board failed"),
    "busy": (503, "Not now"),
    "unanswered": (504, "No answer has come yet"),
}
KIND_OF: Final = {status: kind for kind, (status, _) in TITLES.items()}


def problem(kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> web.Response:
    """Return an RFC 9457 answer: a kind of `TITLES`, and what a person needs to mend it."""
    status, title = TITLES[kind]
    body = {"type": TYPE_PREFIX + kind, "title": title, "status": status, "detail": detail, **more}
    return web.Response(
        status=status, body=encode(body), content_type=PROBLEM_TYPE, headers={**NEVER_KEPT, **(headers or {})}
    )


def found(data: Any) -> web.Response:
    """Return JSON."""
    return web.Response(body=encode(data), content_type="application/json", headers=NEVER_KEPT)
