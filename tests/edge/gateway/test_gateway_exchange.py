"""`POST /v1/token`: a client's own token is exchanged once, for what it sends as Bearer."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
from gateway_world import RecordingDoor, post, serving

from edge.gateway.http.exchange import ASSERTION, FORM, FORM_BYTES_MAX, GRANT, TOKEN_PATH, exchanged

RIGHT = {"grant_type": GRANT, "client_assertion_type": ASSERTION, "client_assertion": "a.b.c", "scope": "x"}


def answer_to(form, media_type=FORM):
    found = exchanged(form, media_type, lambda token: 240 if token == "a.b.c" else None)
    return found.status, json.loads(found.body), found.headers


def test_a_token_that_proves_its_client_is_the_access_token_and_is_kept_by_nobody():
    status, said, headers = answer_to(urlencode(RIGHT).encode())
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert said == {"access_token": "a.b.c", "token_type": "bearer", "expires_in": 240, "scope": "x"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "saml"}, 401, "invalid_client"),
        ({"client_assertion": "x.y.z"}, 401, "invalid_client"),
        ({"client_assertion": ""}, 401, "invalid_client"),
    ],
)
def test_anything_else_is_refused_in_the_words_of_rfc_6749(changes, status, error):
    found, said, _ = answer_to(urlencode(RIGHT | changes).encode())
    assert (found, said["error"]) == (status, error)


def test_what_is_no_form_or_a_field_given_twice_is_refused():
    assert answer_to(b"{}", "application/json")[0] == 400
    for wrong in (b"\xff", b"", b"a" * (FORM_BYTES_MAX + 1), b"a=1&" * 30 + b"b=2"):
        assert answer_to(wrong)[0] == 400
    assert answer_to(urlencode([*RIGHT.items(), ("client_assertion", "a.b.c")]).encode())[0] == 401


def test_it_is_served():
    async def run():
        async with serving(RecordingDoor(), exchange_s=lambda token: 9) as (server, _):
            form, headers = urlencode(RIGHT).encode(), {"Content-Type": FORM}
            return [(await post(server, form, headers, method, TOKEN_PATH))[0] for method in ("POST", "PUT")]

    assert asyncio.run(run()) == [200, 405]
