"""`POST /v1/token`: a client shows a token that it signed itself and gets what it sends as Bearer (RFC 6749, RFC 7523).

Nothing is kept for it, so that any gateway takes what another gave: the client's own token is the access token, for as
long as it lasts. SMART Backend Services ask for this exchange.
"""

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

TOKEN_PATH: Final = "/v1/token"
FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 16_384
GRANT: Final = "client_credentials"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FIELDS_MAX: Final = 20
NEVER_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Lifetime = Callable[[str], int | None]
"""Given a client's own token, returns how many seconds it still counts, None if it proves nothing."""


def exchanged(form: bytes, media_type: str, lifetime_s: Lifetime) -> web.Response:
    """Return the answer to a token request."""
    if media_type != FORM or len(form) > FORM_BYTES_MAX:
        return _refused(400, "invalid_request", f"send {FORM} of at most {FORM_BYTES_MAX} bytes")
    try:
        found = parse_qs(form.decode("ascii"), strict_parsing=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return _refused(400, "invalid_request", "this is no form")
    fields = {name: values[0] for name, values in found.items() if len(values) == 1}
    if fields.get("grant_type") != GRANT:
        return _refused(400, "unsupported_grant_type", f"only {GRANT}")
    assertion = fields.get("client_assertion", "")
    if fields.get("client_assertion_type") != ASSERTION or not assertion:
        return _refused(401, "invalid_client", "send a client_assertion, a token that you signed")
    left_s = lifetime_s(assertion)
    if left_s is None:
        return _refused(401, "invalid_client", "the client_assertion proves nothing")
    said: dict[str, object] = {"access_token": assertion, "token_type": "bearer", "expires_in": left_s}
    if scope := fields.get("scope"):
        said["scope"] = scope
    return _json(200, said)


def _refused(status: int, error: str, description: str) -> web.Response:
    return _json(status, {"error": error, "error_description": description})


def _json(status: int, said: dict[str, object]) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(said).encode(), content_type="application/json", headers=NEVER_KEPT
    )
