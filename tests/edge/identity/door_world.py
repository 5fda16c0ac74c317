"""A small web server behind the doors, for tests: beds of two wards and of none, a route for commands, a clock."""

import asyncio
import contextlib
import json

from aiohttp import ClientSession, CookieJar, web
from prometheus_client import CollectorRegistry

from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from edge.identity.doors import PERSON, Doors
from edge.order_sending import make_order
from streams.config.settings import Settings
from streams.contracts.command import Answer
from streams.contracts.people import ACT_OF, ROLES

WARD_OF = {"bed-own": "icu", "bed-other": "er", "bed-none": ""}
PASSWORD = "correct horse battery"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


def answer_to(order, outcome="accepted", reason="as ordered"):
    said = {"id": order.id, "patient": order.patient, "command": order.kind}
    return Answer(**said, outcome=outcome, reason=reason, offset=1, append_ts_ms=1)


class World:
    """The server; `sent` are (order, person) that went to the alarm system, `answers` what it says to the next."""

    def __init__(self, **settings):
        self.sent, self.answers, self.clock = [], [], Clock()
        self.settings = Settings(brokers="127.0.0.1:1", **settings)
        self.registry = CollectorRegistry()
        self.doors = Doors(
            *(self.settings, "127.0.0.1", self._send, self.registry),
            public=["/open.css"],
            clock_s=self.clock,
            wall_s=lambda: self.clock.now_s,
        )
        self.app = web.Application()
        self.doors.install(self.app)
        self.app.router.add_get("/", self._page)
        self.app.router.add_get("/open.css", self._page)
        self.app.router.add_get("/v1/me", self._me)
        self.app.router.add_get("/v1/beds/{patient}", self._bed)
        self.app.router.add_post("/v1/commands", self._command)
        self.app.router.add_post("/v1/configure", self._configure)

    async def _send(self, order, person):
        self.sent.append((order, person))
        said = self.answers.pop(0) if self.answers else answer_to(order)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Answer) else answer_to(order, *said)

    async def _page(self, _):
        return web.Response(text="here")

    async def _me(self, request):
        return web.json_response(request[PERSON].model_dump())

    async def _bed(self, request):
        patient = request.match_info["patient"]
        ward = WARD_OF[patient]
        person = self.doors.require(request, "view", ward, patient)
        self.doors.audit(person, "view", patient, ward, "granted")
        return web.json_response({"patient": patient})

    async def _command(self, request):
        said = await request.json()
        person = self.doors.require(request, ACT_OF[said["kind"]], WARD_OF[said["patient"]], said["patient"])
        order = make_order(said.pop("kind"), person, **said)
        answer = await self._send(order, person)
        return web.json_response({"outcome": answer.outcome, "actor": order.actor})

    async def _configure(self, request):
        self.doors.require(request, "configure", (await request.json())["ward"])
        return web.Response()

    @property
    def audited(self):
        """What is queued for the audit: (person, act, patient, ward, outcome)."""
        return [(a.person, a.act, a.patient, a.ward, a.outcome) for a in self.doors.auditor._queue]

    @contextlib.asynccontextmanager
    async def serving(self):
        """Run the server; yields its address."""
        runner = web.AppRunner(self.app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        finally:
            await runner.cleanup()

    def run(self, visit):
        """Run `visit(browser)` against the server."""

        async def all_of_it():
            async with self.serving() as address, Browser(address).session() as browser:
                return await asyncio.wait_for(visit(browser), 30)

        return asyncio.run(all_of_it())


class Browser:
    """A client that keeps cookies and says where its requests come from, as browsers do."""

    def __init__(self, address, token=None):
        self.address, self.token = address, token

    @contextlib.asynccontextmanager
    async def session(self):
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as self.client:
            yield self

    def _headers(self, headers, posts):
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return ({"Origin": self.address} if posts else {}) | token | headers

    async def get(self, path, **headers):
        async with self.client.get(
            self.address + path, headers=self._headers(headers, False), allow_redirects=False
        ) as answer:
            return Got(answer, await answer.text())

    async def post(self, path, json_=None, form=None, **headers):
        async with self.client.post(
            self.address + path,
            headers=self._headers(headers, True),
            json=json_,
            data=form,
            allow_redirects=False,
        ) as answer:
            return Got(answer, await answer.text())

    async def sign_in(self, name, password=PASSWORD, next_path="/"):
        return await self.post("/sign-in", form={"name": name, "password": password, "next": next_path})

    @property
    def cookies(self):
        return {cookie.key: cookie for cookie in self.client.cookie_jar}


class Got:
    """An answer that was read."""

    def __init__(self, answer, text):
        self.status, self.headers, self.text = answer.status, answer.headers, text
        self.cookies = answer.cookies

    @property
    def json(self):
        return json.loads(self.text)


def accounts_file(folder, password="", **accounts):
    """Write an accounts file with an account of each role in ward icu and a token each; return path and tokens."""
    tokens, made = {}, {}
    for role in ROLES:
        tokens[role], kept = new_token(f"{role}-1")
        made[f"{role}-1"] = Account(role=role, wards=("icu",), password=password, tokens={"t": kept})
    path = folder / "accounts.toml"
    save_accounts(path, Accounts(accounts=made | accounts))
    return path, tokens
