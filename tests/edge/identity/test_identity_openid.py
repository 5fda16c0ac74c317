"""Sign-in by an OpenID provider: what is asked, what is believed, and every claim that a token may lack or bend."""

import asyncio
import base64
import time

import pytest
from door_world import Browser, World
from openid_provider import OTHER, OpenIdProvider

from edge.gateway.tokens import Refused
from edge.identity.accounts import Accounts, Rights, save_accounts
from edge.identity.oidc import OpenId
from streams.config.settings import Settings
from streams.errors import UsageError


@pytest.fixture
def groups(tmp_path):
    path = tmp_path / "accounts.toml"
    rights = {"icu-nurses": Rights(role="nurse", wards=("icu",))}
    save_accounts(path, Accounts(groups=rights))
    return path


def signed_in(groups, visit, prepare=lambda provider: None, **more):
    """Run `visit(world, browser, provider)` with a server that signs in by a provider."""

    async def all_of_it():
        provider = OpenIdProvider()
        async with provider.serving() as issuer:
            prepare(provider)
            said = {"oidc_issuer": issuer, "oidc_client_id": "vigil", "public_url": "http://127.0.0.1:8480"}
            world = World(accounts=groups, **said, **more)
            world.doors._wall_s = time.time
            async with world.serving() as address, Browser(address).session() as browser:
                return await asyncio.wait_for(visit(world, browser, provider), 30)

    return asyncio.run(all_of_it())


async def go_through(world, browser, provider):
    """Sign in as a browser does; return the last answer and who is signed in then."""
    there = await browser.get("/sign-in/openid?next=/bed/bed-1")
    back = await browser.get(provider.allow(there.headers["Location"]))
    me = await browser.get("/v1/me")
    return back, me.json if me.status == 200 else me.status


def test_a_person_signs_in_at_the_provider_and_comes_back_with_role_and_wards_of_the_group(groups):
    async def visit(world, browser, provider):
        back, me = await go_through(world, browser, provider)
        return back, me, provider.asked[0], world.audited

    back, me, asked, audited = signed_in(groups, visit)
    assert (me["id"], me["role"], me["wards"]) == ("nurse-9", "nurse", ["icu"])
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert 'url=/bed/bed-1"' in back.text
    assert back.cookies["vigil-session"]["samesite"] == "Strict"
    assert audited == [("nurse-9", "sign-in", "", "", "granted")]


def test_a_client_with_a_secret_proves_who_it_is_and_says_it_nowhere_else(groups, tmp_path, caplog):
    secret = tmp_path / "secret"
    secret.write_text("s3cret:with/signs\n")

    async def visit(world, browser, provider):
        await go_through(world, browser, provider)
        return provider.proofs, provider.asked

    proofs, asked = signed_in(groups, visit, oidc_client_secret_file=secret)
    assert base64.b64decode(proofs[0].removeprefix("Basic ")) == b"vigil:s3cret%3Awith%2Fsigns"
    assert "s3cret" not in str(asked) + caplog.text
    assert signed_in(groups, visit)[0] == [None]


NOW_S = int(time.time())
WRONG = {
    "without issuer": {"iss": None},
    "of another issuer": {"iss": "https://evil.example"},
    "without audience": {"aud": None},
    "for another audience": {"aud": "billing"},
    "for others too and not made out to us": {"aud": ["vigil", "billing"]},
    "without expiry": {"exp": None},
    "expired": {"exp": NOW_S - 3_600},
    "without the time it was made": {"iat": None},
    "made in the future": {"iat": NOW_S + 3_600},
    "without a subject": {"sub": None},
    "of a subject that is no text": {"sub": 7},
    "without a nonce": {"nonce": None},
    "of another sign-in": {"nonce": "x" * 43},
    "before its time": {"nbf": NOW_S + 3_600},
}


@pytest.mark.parametrize("how", WRONG)
def test_a_token_that_lacks_a_claim_or_bends_one_signs_nobody_in(groups, how):
    back, me = signed_in(groups, go_through, lambda provider: provider.changes.update(WRONG[how]))
    assert (back.status, me) == (403, 401)
    assert "vigil-session" not in back.cookies


FAULTS = {
    "signed with another key": lambda p: setattr(p, "answer", None) or setattr(p, "sign_with", OTHER),
    "no token": lambda p: setattr(p, "answer", {"access_token": "x"}),
    "a token without a signature": lambda p: setattr(
        p, "answer", {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJuIn0."}
    ),
    "a token that is none": lambda p: setattr(p, "answer", {"id_token": "x" * 10_000}),
    "an error": lambda p: setattr(p, "status", 500),
    "another issuer's name": lambda p: p.said.update(issuer="https://evil.example"),
    "a token endpoint in clear": lambda p: p.said.update(token_endpoint="http://evil.example/token"),
}


@pytest.mark.parametrize("how", FAULTS)
def test_a_provider_that_answers_something_else_signs_nobody_in(groups, how):
    def prepare(provider):
        FAULTS[how](provider)
        if getattr(provider, "sign_with", None):
            right, provider.token = provider.token, lambda asked: forged(provider, right, asked)

    async def visit(world, browser, provider):
        there = await browser.get("/sign-in/openid")
        if there.status == 303:
            await browser.get(provider.allow(there.headers["Location"]))
        return there.status, (await browser.get("/v1/me")).status

    assert signed_in(groups, visit, prepare)[1] == 401


def forged(provider, right, asked):
    provider.key, kept = OTHER, provider.key
    try:
        return right(asked)
    finally:
        provider.key = kept


def test_an_answer_counts_once_in_its_own_browser_with_its_own_state_and_in_time(groups):
    async def visit(world, browser, provider):
        statuses = {}
        there = await browser.get("/sign-in/openid")
        back = provider.allow(there.headers["Location"])
        async with Browser(browser.address).session() as stranger:
            statuses["elsewhere"] = (await stranger.get(back)).status
        statuses["another state"] = (await browser.get(back.replace("state=", "state=x"))).status
        there = await browser.get("/sign-in/openid")
        back = provider.allow(there.headers["Location"])
        flow = browser.cookies["vigil-sign-in"].value
        statuses["right"] = (await browser.get(back)).status
        statuses["again"] = (await browser.get(back, Cookie=f"vigil-sign-in={flow}")).status
        there = await browser.get("/sign-in/openid")
        world.clock.now_s += 600
        statuses["late"] = (await browser.get(provider.allow(there.headers["Location"]))).status
        return statuses

    assert signed_in(groups, visit) == {
        "elsewhere": 403,
        "another state": 403,
        "right": 200,
        "again": 403,
        "late": 403,
    }


def test_who_is_known_but_of_no_group_is_not_signed_in(groups):
    back, me = signed_in(groups, go_through, lambda provider: setattr(provider, "groups", ["cooks"]))
    assert (back.status, me) == (403, 401)
    assert "nobody has said what you may do here" in back.text


def test_a_session_that_the_browser_had_before_is_another_one_after_the_sign_in(groups):
    async def visit(world, browser, provider):
        browser.client.cookie_jar.update_cookies({"vigil-session": "chosen-by-a-stranger"})
        await go_through(world, browser, provider)
        return browser.cookies["vigil-session"].value

    assert signed_in(groups, visit) != "chosen-by-a-stranger"


def test_keys_that_the_provider_has_changed_are_asked_for_again(groups):
    async def visit(world, browser, provider):
        await go_through(world, browser, provider)
        await browser.post("/sign-out")
        provider.key = OTHER
        world.clock.now_s += 60
        return (await go_through(world, browser, provider))[1]["id"]

    assert signed_in(groups, visit) == "nurse-9"


def test_a_provider_that_does_not_answer_is_told_of_on_the_page(groups):
    async def visit():
        settings = {"oidc_client_id": "vigil", "public_url": "http://127.0.0.1:8480"}
        found = OpenId(Settings(oidc_issuer="http://127.0.0.1:1", **settings))
        with pytest.raises(Refused, match="the provider does not answer"):
            await found.begin("/", 0)

    asyncio.run(visit())


@pytest.mark.parametrize("missing", ["oidc_client_id", "public_url"])
def test_a_provider_needs_its_settings(missing):
    settings = {"oidc_client_id": "vigil", "public_url": "https://vigil.example"}
    del settings[missing]
    with pytest.raises(UsageError, match=f"^{missing}: needed with oidc_issuer"):
        OpenId(Settings(oidc_issuer="https://id.example", **settings))
