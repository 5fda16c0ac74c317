"""The doors of a web server: who comes in and what for, over HTTP; every cell of the table of rights."""

import asyncio
import logging

import pytest
from aiohttp.test_utils import make_mocked_request
from door_world import PASSWORD, Browser, World, accounts_file

from edge.identity.accounts import hashed, load_accounts, save_accounts, with_account
from edge.identity.doors import Doors
from streams.config.settings import Settings
from streams.contracts.people import ACTS, MAY, ROLES
from streams.errors import BrokerUnreachable, Unanswered, UsageError

KIND_OF = {"acknowledge": "acknowledge", "pause": "pause", "limits": "set-profile"}
MORE_OF = {"acknowledge": {"episode": "0" * 16}, "pause": {}, "limits": {"expected_oxygen": True}}
BEDS = {"own": "bed-own", "other": "bed-other", "none": "bed-none"}
WARDS = {"own": "icu", "other": "er", "none": ""}


@pytest.fixture
def world(tmp_path):
    path, tokens = accounts_file(tmp_path, hashed(PASSWORD))
    made = World(accounts=path)
    made.tokens, made.path = tokens, path
    return made


async def ask(browser, act, where):
    if act == "view":
        return await browser.get(f"/v1/beds/{BEDS[where]}")
    if act == "configure":
        return await browser.post("/v1/configure", {"ward": WARDS[where]})
    said = {"kind": KIND_OF[act], "patient": BEDS[where], **MORE_OF[act]}
    return await browser.post("/v1/commands", said)


def test_every_cell_of_the_table_over_http_by_token_and_by_cookie(world):
    async def visit(browser):
        found = {}
        for role in ROLES:
            async with Browser(browser.address, world.tokens[role]).session() as by_token:
                for act in ACTS:
                    for where in BEDS:
                        found[role, act, where, "token"] = (await ask(by_token, act, where)).status
            async with Browser(browser.address).session() as by_cookie:
                assert (await by_cookie.sign_in(f"{role}-1")).status == 200
                for act in ACTS:
                    for where in BEDS:
                        found[role, act, where, "cookie"] = (await ask(by_cookie, act, where)).status
        return found

    found = world.run(visit)
    assert len(found) == len(ROLES) * len(ACTS) * len(BEDS) * 2
    assert found == {
        (role, act, where, way): 200 if where == "own" and act in MAY[role] else 403
        for role, act, where, way in found
    }
    refused = [one for one in world.audited if one[-1] == "refused"]
    assert len(refused) == sum(status == 403 for status in found.values())


def test_a_command_s_actor_is_who_is_signed_in_whatever_the_body_says(world):
    async def visit(browser):
        browser.token = world.tokens["nurse"]
        said = {"kind": "pause", "patient": "bed-own", "actor": "dr-house"}
        return (await browser.post("/v1/commands", said)).json["actor"]

    assert world.run(visit) == "nurse-1"


def test_nobody_is_let_in_anywhere_without_a_sign_in(world):
    routes = {
        (method, route.resource.canonical.replace("{patient}", "bed-own"))
        for route in world.app.router.routes()
        if (method := route.method) in ("GET", "POST")
    }

    async def visit(browser):
        return {
            (method, path): (await getattr(browser, method.lower())(path)).status for method, path in routes
        }

    found = world.run(visit)
    open_ = {("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/sign-in/style.css"), ("GET", "/open.css")}
    open_ |= {("GET", "/sign-in/openid"), ("GET", "/sign-in/callback"), ("POST", "/sign-out")}
    assert {one for one, status in found.items() if status != 401} == open_
    assert found["GET", "/v1/me"] == 401


def test_a_browser_without_a_sign_in_is_led_to_it_and_back(world):
    async def visit(browser):
        led = await browser.get("/bed/bed-1?x=1", Accept="text/html")
        back = await browser.sign_in("nurse-1", next_path="/bed/bed-1?x=1")
        return led.status, led.headers["Location"], back.text

    status, to, page = world.run(visit)
    assert (status, to) == (303, "/sign-in?next=/bed/bed-1?x%3D1")
    assert 'url=/bed/bed-1?x=1"' in page


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""]
)
def test_a_sign_in_leads_nowhere_else(world, to):
    page = world.run(lambda browser: browser.sign_in("nurse-1", next_path=to)).text
    assert 'url=/"' in page
    assert "evil" not in page


def test_the_cookie_is_for_this_server_only_and_no_script_reads_it(tmp_path):
    path, _ = accounts_file(tmp_path, hashed(PASSWORD))
    world = World(accounts=path, public_url="https://vigil.example")
    cookie = world.run(lambda browser: browser.sign_in("nurse-1")).cookies["__Host-vigil-session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")


def test_signing_out_ends_the_session_on_the_server(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        kept = browser.cookies["vigil-session"].value
        assert (await browser.get("/v1/me")).status == 200
        assert (await browser.post("/sign-out")).status == 200
        assert "vigil-session" not in browser.cookies
        return (await browser.get("/v1/me", Cookie=f"vigil-session={kept}")).status

    assert world.run(visit) == 401
    assert [(act, outcome) for _, act, _, _, outcome in world.audited] == [
        ("sign-in", "granted"),
        ("sign-out", "granted"),
    ]


def test_a_session_ends_after_a_rest_and_when_the_account_is_disabled_and_takes_a_new_role_at_once(world):
    async def visit(browser):
        found = []
        await browser.sign_in("nurse-1")
        for changes in ({"role": "viewer"}, {"disabled": True}):
            known = load_accounts(world.path)
            account = known.accounts["nurse-1"].model_dump() | changes
            save_accounts(world.path, with_account(known, "nurse-1", account))
            world.clock.now_s += 2
            got = await browser.get("/v1/me")
            found.append(got.json["role"] if got.status == 200 else got.status)
        await browser.sign_in("viewer-1")
        world.clock.now_s += world.settings.session_idle_s
        return [*found, (await browser.get("/v1/me")).status]

    assert world.run(visit) == ["viewer", 401, 401]


def test_a_stream_that_lasts_ends_with_the_sign_in_and_is_no_use_of_it(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        request = make_mocked_request(
            "GET", "/v1/stream", {"Cookie": f"vigil-session={browser.cookies['vigil-session'].value}"}
        )
        found = []
        for passes_s in (600, 299, 1):
            world.clock.now_s += passes_s
            found.append(world.doors.still(request))
        return [who and who.id for who in found]

    assert world.run(visit) == ["nurse-1", "nurse-1", None]


def test_what_a_foreign_page_makes_a_browser_send_is_refused(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        order = {"kind": "pause", "patient": "bed-own"}
        return [
            (await browser.post("/v1/commands", order, **headers)).status
            for headers in (
                {},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Origin": f"{browser.address}.evil.example"},
            )
        ] + [(await browser.post("/sign-in", form={"name": "x"}, Origin="https://evil.example")).status]

    assert world.run(visit) == [200, 403, 403, 403, 403]
    assert len(world.sent) == 1


def test_a_name_that_leads_here_by_a_stranger_s_dns_is_not_ours(world):
    async def visit(browser):
        browser.token = world.tokens["nurse"]
        hosts = ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "localhost", "127.0.0.1:9")
        return [(await browser.get("/v1/me", Host=host)).status for host in hosts]

    assert world.run(visit) == [421, 421, 421, 421, 200, 200]


def test_every_answer_carries_the_headers_also_of_what_is_refused(world):
    async def visit(browser):
        return [await browser.get(path) for path in ("/sign-in", "/v1/me", "/nowhere", "/open.css")]

    for got in world.run(visit):
        assert got.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in got.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in got.headers["Content-Security-Policy"]
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Cache-Control"] == "no-store"


def test_five_wrong_passwords_hold_up_the_sixth_try_even_the_right_one(world):
    async def visit(browser):
        wrong = [(await browser.sign_in("nurse-1", "wrong wrong wrong")).status for _ in range(5)]
        held = await browser.sign_in("nurse-1")
        assert held.headers["Retry-After"]
        other = (await browser.sign_in("physician-1")).status
        world.clock.now_s += 300
        return wrong, held.status, other, (await browser.sign_in("nurse-1")).status

    assert world.run(visit) == ([403] * 5, 429, 200, 200)


def test_tries_at_once_are_tries(world):
    async def visit(browser):
        tries = [browser.sign_in("nurse-1", "wrong wrong wrong") for _ in range(12)]
        return sorted([got.status for got in await asyncio.gather(*tries)])

    assert world.run(visit) == [403] * 5 + [429] * 7


def test_broken_glass_is_told_first_lets_act_in_other_wards_is_marked_and_ends(world):
    async def visit(browser):
        await browser.sign_in("physician-1")
        before = (await browser.get("/v1/beds/bed-other")).status
        said = {"patient": "bed-other", "reason": "cardiac arrest"}
        broken = await browser.post("/v1/break-glass", said)
        assert broken.json == {"until_ts_ms": 2_800_000, "told": True}
        during = (await browser.get("/v1/beds/bed-other")).status
        order = {"kind": "acknowledge", "patient": "bed-other", "episode": "0" * 16}
        ordered = (await browser.post("/v1/commands", order)).status
        configured = (await browser.post("/v1/configure", {"ward": "er"})).status
        world.clock.now_s += 899
        await browser.get("/v1/me")
        world.clock.now_s += 899
        still = (await browser.get("/v1/beds/bed-other")).status
        world.clock.now_s += 2
        return before, during, ordered, configured, still, (await browser.get("/v1/beds/bed-other")).status

    assert world.run(visit) == (403, 200, 200, 403, 200, 403)
    (glass, who), (order, orderer) = world.sent
    assert (glass.kind, glass.patient, glass.actor, who.break_glass) == (
        *("break-glass", "bed-other", "physician-1"),
        "cardiac arrest",
    )
    assert (order.kind, orderer.break_glass) == ("acknowledge", "cardiac arrest")
    marked = [(a.act, a.outcome) for a in world.doors.auditor._queue if a.break_glass]
    assert marked[:2] == [("break-glass", "granted"), ("view", "granted")]


def test_broken_glass_is_one_sign_in_s_and_ends_with_it(world):
    async def visit(browser):
        await browser.sign_in("nurse-1")
        await browser.post("/v1/break-glass", {"ward": "er", "reason": "to help out"})
        async with Browser(browser.address).session() as other:
            await other.sign_in("nurse-1")
            elsewhere = (await other.get("/v1/beds/bed-other")).status
        await browser.post("/sign-out")
        await browser.sign_in("nurse-1")
        return elsewhere, (await browser.get("/v1/beds/bed-other")).status

    assert world.run(visit) == (403, 403)
    assert world.sent[0][0].patient == "~ward/er"


@pytest.mark.parametrize(
    ("role", "said", "answers", "status"),
    [
        ("nurse", {"patient": "bed-other"}, [], 400),
        ("nurse", {"patient": "bed-other", "ward": "er", "reason": "x"}, [], 400),
        ("nurse", {"patient": "no such id!", "reason": "x"}, [], 409),
        ("viewer", {"patient": "bed-other", "reason": "x"}, [], 403),
        ("administrator", {"ward": "er", "reason": "x"}, [], 403),
        ("nurse", {"patient": "bed-x", "reason": "x"}, [("refused", "unknown patient")], 409),
        ("nurse", {"patient": "bed-other", "reason": "x"}, [BrokerUnreachable("no broker")], 409),
        ("nurse", {"patient": "bed-other", "reason": "x"}, [Unanswered("no answer")], 200),
    ],
)
def test_glass_is_broken_by_who_may_with_a_reason_and_only_when_that_can_be_told(
    world, role, said, answers, status
):
    async def visit(browser):
        await browser.sign_in(f"{role}-1")
        broken = await browser.post("/v1/break-glass", said)
        return broken.status, (await browser.get("/v1/beds/bed-other")).status

    world.answers = answers
    assert world.run(visit) == (status, 200 if status == 200 else 403)


def test_a_proxy_is_believed_from_its_own_address_only(tmp_path):
    path, _ = accounts_file(tmp_path)
    for addresses, status in (("127.0.0.0/8", 200), ("10.1.2.3", 401)):
        world = World(accounts=path, proxy_addresses=addresses)

        async def visit(browser):
            got = await browser.get("/v1/me", **{"X-Forwarded-User": "nurse-1"})
            faked = await browser.get(
                "/v1/me", **{"X-Forwarded-User": "nurse-1", "X-Forwarded-For": "10.1.2.3"}
            )
            assert faked.status == got.status
            return got

        got = world.run(visit)
        assert got.status == status
        if status == 200:
            assert (got.json["id"], got.json["role"], got.json["wards"]) == ("nurse-1", "nurse", ["icu"])


def test_without_any_sign_in_there_is_one_person_of_development_on_loopback_only(monkeypatch):
    world = World()

    async def visit(browser):
        return (await browser.get("/v1/me")).json

    found = world.run(visit)
    assert (found["id"], found["role"], found["wards"]) == ("development", "physician", ["*"])
    for settings, host in (
        (Settings(brokers="127.0.0.1:1"), "0.0.0.0"),
        (Settings(brokers="kafka:9092"), "127.0.0.1"),
    ):
        with pytest.raises(UsageError, match=r"^accounts: nobody could sign in"):
            Doors(settings, host, world._send, world.registry)


def test_a_program_that_names_no_page_orders_in_development_and_else_needs_a_token(world):
    order = {"kind": "pause", "patient": "bed-own"}

    async def visit(browser):
        await browser.sign_in("nurse-1")
        async with browser.client.post(f"{browser.address}/v1/commands", json=order) as got:
            return got.status

    assert world.run(visit) == 403
    assert World().run(visit) == 200


def test_no_secret_and_no_patient_comes_into_a_log(world, caplog):
    caplog.set_level(logging.DEBUG)

    async def visit(browser):
        await browser.sign_in("nurse-1", "canary-password-1")
        await browser.sign_in("canary-patient-2", "canary-password-1")
        await browser.sign_in("nurse-1")
        secret = browser.cookies["vigil-session"].value
        await browser.get("/v1/beds/bed-own")
        await browser.get("/v1/beds/bed-other")
        await browser.post("/v1/break-glass", {"patient": "canary-patient-3", "reason": "canary-reason-4"})
        await browser.get("/v1/me", Authorization=f"Bearer {world.tokens['nurse']}x")
        return secret

    secret = world.run(visit)
    said = caplog.text
    assert "canary" not in said
    assert not any(word in said for word in ("bed-own", "bed-other", secret, world.tokens["nurse"], PASSWORD))
    audited = "".join(one.model_dump_json() for one in world.doors.auditor._queue)
    assert "canary-password" not in audited
    assert "canary-patient-2" not in audited  # what was typed as a name may be a password
    assert secret not in audited
