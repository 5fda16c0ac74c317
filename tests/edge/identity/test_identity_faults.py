"""Faults of sign-in that central stations were published with (CVE-2020-16222, improper authentication), held off.

Each was found elsewhere: a route that asks nobody, a session that a stranger chose, a check that the client makes.
"""

import pytest
from door_world import PASSWORD, Browser, World, accounts_file

from edge.identity.accounts import hashed

ROUTES = ("/", "/v1/me", "/v1/beds/bed-own", "/v1/beds/bed-own/", "//v1/me", "/v1/../v1/me", "/%2e/v1/me")


@pytest.fixture
def world(tmp_path):
    path, tokens = accounts_file(tmp_path, hashed(PASSWORD))
    made = World(accounts=path)
    made.tokens = tokens
    return made


def test_a_session_that_a_stranger_has_chosen_is_nobody_s_before_and_after_the_sign_in(world):
    async def visit(browser):
        chosen = "chosen-by-a-stranger-0123456789abcdefghijkl"
        browser.client.cookie_jar.update_cookies({"vigil-session": chosen})
        assert (await browser.get("/v1/me")).status == 401
        assert (await browser.sign_in("nurse-1")).status == 200
        assert browser.cookies["vigil-session"].value != chosen
        async with Browser(browser.address).session() as stranger:
            return (await stranger.get("/v1/me", Cookie=f"vigil-session={chosen}")).status

    assert world.run(visit) == 401


def test_a_second_sign_in_ends_the_session_before_it(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        before = browser.cookies["vigil-session"].value
        await browser.sign_in("physician-1")
        me = (await browser.get("/v1/me")).json["id"]
        async with Browser(browser.address).session() as thief:
            return me, (await thief.get("/v1/me", Cookie=f"vigil-session={before}")).status

    assert world.run(visit) == ("physician-1", 401)


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_spelling_of_a_path_and_no_word_of_the_client_passes_by_the_sign_in(world, method):
    claims = (
        {},
        {"X-Forwarded-User": "nurse-1", "X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer vgp.nurse-1."},
        {"Authorization": "Basic bnVyc2UtMTo="},
        {"Cookie": "vigil-session=; role=administrator"},
        {"X-Original-URL": "/sign-in", "X-HTTP-Method-Override": "GET"},
    )

    async def visit(browser):
        return {
            (path, i): (await getattr(browser, method)(path, **headers)).status
            for path in ROUTES
            for i, headers in enumerate(claims)
        }

    found = world.run(visit)
    assert set(found.values()) <= {401, 404}
    assert world.sent == []


def test_a_token_of_another_server_or_of_a_gateway_s_client_is_nobody_s(world):
    from edge.gateway.keys import new_key

    tokens = [new_key("nurse-1").key, new_key("nurse-1", "vgp").key, "vgp.nurse-1", "vgp..", "eyJ.eyJ.x"]

    async def visit(browser):
        found = []
        for browser.token in tokens:
            found.append((await browser.get("/v1/me")).status)
        browser.token = world.tokens["nurse"]
        return [*found, (await browser.get("/v1/me")).status]

    assert world.run(visit) == [401] * len(tokens) + [200]


def test_a_wrong_token_is_not_made_good_by_a_cookie(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        browser.token = "vgp.nurse-1.wrong"
        return (await browser.get("/v1/me")).status

    assert world.run(visit) == 401
