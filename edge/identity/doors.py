"""The doors of a web server: who comes in, what they may, signing in and out, broken glass, and the audit of it.

`Doors(...).install(app)` puts a middleware before every route: nobody reaches one without `request[PERSON]`, but
for the sign-in itself and what `public` lists. What changes something must come from a page of ours: the cookie is
SameSite=Strict, and `Origin` is compared besides.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry

from edge.gateway.tokens import Refused
from edge.identity.auditor import Auditor
from edge.identity.authentication import Known, People
from edge.identity.glass import Glasses
from edge.identity.oidc import CALLBACK, FLOW_S
from edge.identity.pages import (
    STYLE,
    STYLE_PATH,
    add_headers,
    onwards_page,
    safe_path,
    sign_in_page,
    signed_out_page,
)
from edge.order_sending import send_order
from streams.config.loopback import is_loopback
from streams.config.settings import Settings
from streams.contracts.audit import AuditedAct, Outcome
from streams.contracts.command import Answer, Order
from streams.contracts.people import Act, Person
from streams.errors import VigilError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Send = Callable[[Order, Person], Awaitable[Answer]]
"""Sends a command by a person and returns its answer; `VigilError` where none came in time."""

PERSON: Final = web.RequestKey("person", Person)
"""Who sends a request, for handlers behind the doors."""

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
OPENID: Final = "/sign-in/openid"
GLASS: Final = "/v1/break-glass"

BODY_BYTES_MAX: Final = 16_384
"""Of a form or a command; whoever installs the doors may let its own routes have more."""

SEND_S: Final = 5.0
"""How long the answer to a command is waited for."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE: Final = "vigil-session"
FLOW_COOKIE: Final = "vigil-sign-in"


class Doors:
    """All doors of one server.

    Args:
        settings: who signs in, and how.
        host: where the server listens.
        send: sends what breaking the glass says to the alarm system.
        registry: of the metrics.
        tls: whether the server itself speaks TLS; behind a proxy that does, `public_url` says it.
        public: paths that anybody may GET, such as style and script, which name nobody.
    """

    def __init__(
        self,
        settings: Settings,
        host: str,
        send: Send,
        registry: CollectorRegistry,
        tls: bool = False,
        public: Iterable[str] = (),
        clock_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """Take the settings.

        Raises:
            UsageError: nobody could sign in, or a file that they name cannot be read.
        """
        self.people = People(settings, host, clock_s)
        self.auditor = Auditor(registry)
        self._glasses = Glasses(settings.break_glass_s, send)
        self._clock_s, self._wall_s = clock_s, wall_s
        self._station = "board"
        self._public = frozenset(public) | {SIGN_IN, SIGN_OUT, OPENID, CALLBACK, STYLE_PATH}
        self._secure = tls or settings.public_url.startswith("https://")
        self._origin = _origin(settings.public_url)
        self._scheme, self._host = "https" if tls else "http", host
        prefix = "__Host-" if self._secure else ""
        self._cookie, self._flow_cookie = prefix + COOKIE, prefix + FLOW_COOKIE

    def install(self, app: web.Application) -> None:
        """Put the doors before every route of an application, those included that are added later."""
        app.middlewares.insert(0, self.middleware)
        app.on_response_prepare.append(self._add_headers)
        app.router.add_get(SIGN_IN, self._show_sign_in)
        app.router.add_post(SIGN_IN, self._sign_in)
        app.router.add_get(OPENID, self._begin_openid)
        app.router.add_get(CALLBACK, self._end_openid)
        app.router.add_get(STYLE_PATH, self._style)
        app.router.add_post(SIGN_OUT, self._sign_out)
        app.router.add_post(GLASS, self._break_glass)

    # --- for handlers of the server

    def person(self, request: web.Request) -> Person:
        """Return who sends a request that was let in."""
        return request[PERSON]

    def still(self, request: web.Request) -> Person | None:
        """Return who a request that lasts is of by now, None where the sign-in is over: then it ends too.

        It is no use of the sign-in: a page that nobody touches ends it, unless the account is a screen's.
        """
        known = self.people.known(request, self._cookie, self._station, is_use=False)
        return None if known is None else self._glasses.through(known.person, self._clock_s())

    def require(self, request: web.Request, act: Act, ward: str, patient: str = "") -> Person:
        """Return the person of a request who may do an act in a ward; a refusal is audited.

        Raises:
            web.HTTPForbidden: the person may not.
        """
        person: Person = request[PERSON]
        if not person.may(act, ward):
            self.audit(person, act, patient, ward, "refused")
            where = f"in ward {ward}" if ward else "for a patient of no ward"
            raise _problem(web.HTTPForbidden, f"{person.role} {person.id} may not {act} {where}")
        return person

    def audit(
        self,
        person: Person | None,
        act: AuditedAct,
        patient: str,
        ward: str,
        outcome: Outcome,
        reason: str = "",
    ) -> None:
        """Take note of what somebody saw or was refused; returns at once."""
        now_ms = int(self._wall_s() * 1000)
        self.auditor.audit(person, act, outcome, now_ms, patient, ward, self._station, reason)

    # --- every request

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody further who is not known, and nothing that a foreign page makes a browser send."""
        if not self._is_our_host(request.host):
            raise _problem(web.HTTPMisdirectedRequest, "this server has another name; see public_url")
        known = self.people.known(request, self._cookie, self._station)
        is_public = request.path in self._public
        if request.method not in SAFE_METHODS and (known is None or known.way != "token" or is_public):
            self._same_origin(request, known)
        if known is not None:
            request[PERSON] = self._glasses.through(known.person, self._clock_s())
        elif not is_public:
            return self._unknown(request)
        return await handler(request)

    def _unknown(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            raise web.HTTPSeeOther(f"{SIGN_IN}?next={quote(safe_path(request.path_qs), safe='')}")
        raise _problem(web.HTTPUnauthorized, "sign in first", {"WWW-Authenticate": "Bearer"})

    def _is_our_host(self, host: str) -> bool:
        """Tell whether a request is for us: a name that leads here by a stranger's DNS is not ours."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # no host at all
            return False
        return is_loopback(name) or name == self._host or host == urlsplit(self._origin).netloc

    def _same_origin(self, request: web.Request, known: Known | None) -> None:
        """Refuse what a page of somebody else makes a browser send.

        What names no page at all, which no browser sends, is let pass in development only.

        Raises:
            web.HTTPForbidden: it does not come from a page of ours.
        """
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get("Sec-Fetch-Site")
        ours = {self._origin, f"{self._scheme}://{request.host}"} - {""}
        is_ours = site == "same-origin" if origin is None else origin in ours
        is_no_page = origin is None and site is None and known is not None and known.way == "development"
        if not is_ours and not is_no_page:
            raise _problem(web.HTTPForbidden, "this does not come from a page of this server")

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        add_headers(response.headers, self._secure)

    # --- signing in and out

    async def _show_sign_in(self, request: web.Request) -> web.Response:
        return self._page(request.query.get("next", "/"))

    def _page(self, next_path: str, fault: str = "", status: int = 200) -> web.Response:
        ways = self.people.has_passwords, self.people.openid is not None
        return _html(sign_in_page(safe_path(next_path), *ways, fault), status)

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await _form(request)
        name, next_path = str(form.get("name", ""))[:64], safe_path(str(form.get("next", "/")))
        address, now_s, tries = request.remote or "", self._clock_s(), self.people.tries
        if not self.people.has_passwords:
            return self._page(next_path, "Nobody signs in here by a password.", 403)
        if wait_s := tries.wait_s(name, address, now_s):
            answer = self._page(
                next_path, "Too many tries: wait a few minutes, or ask an administrator.", 429
            )
            answer.headers[hdrs.RETRY_AFTER] = str(int(wait_s) + 1)
            return answer
        tries.failed(name, address, now_s)  # counted before it is known: tries at once are tries
        person = await self.people.by_password(name, str(form.get("password", "")), self._station)
        if person is None:
            known = self.people.accounts.now.person(name, self._station)
            self.audit(known, "sign-in", "", "", "refused", "a wrong name or password")
            return self._page(next_path, "No account has this name and password.", 403)
        tries.succeeded(name, address)
        return self._begin(request, person, next_path, is_local=True)

    def _begin(self, request: web.Request, person: Person, next_path: str, is_local: bool) -> web.Response:
        """Begin a session: a new one always, and one that the browser had before ends."""
        self.people.sessions.end(request.cookies.get(self._cookie, ""))
        is_screen = self.people.accounts.now.is_screen(person.id)
        secret = self.people.sessions.begin(person, is_local, self._clock_s(), is_screen)
        self.audit(person, "sign-in", "", "", "granted")
        answer = _html(onwards_page(next_path))
        self._set(answer, self._cookie, secret, "Strict")
        return answer

    async def _begin_openid(self, request: web.Request) -> web.Response:
        if self.people.openid is None:
            raise _problem(web.HTTPNotFound, "no provider is set")
        try:
            kept, address = await self.people.openid.begin(
                safe_path(request.query.get("next", "/")), self._clock_s()
            )
        except Refused as why:
            return self._page("/", f"Signing in does not work now: {why}.", 502)
        answer = web.Response(status=303, headers={hdrs.LOCATION: address})
        self._set(answer, self._flow_cookie, kept, "Lax", int(FLOW_S))
        return answer

    async def _end_openid(self, request: web.Request) -> web.Response:
        if self.people.openid is None:
            raise _problem(web.HTTPNotFound, "no provider is set")
        kept = request.cookies.get(self._flow_cookie, "")
        state, code = request.query.get("state", ""), request.query.get("code", "")
        try:
            name, groups, next_path = await self.people.openid.end(
                kept, state, code, self._clock_s(), self._wall_s()
            )
        except Refused as why:
            self.audit(None, "sign-in", "", "", "refused", str(why))
            answer = self._page("/", f"You are not signed in: {why}.", 403)
        else:
            person = self.people.accounts.now.person_of_groups(name, groups, self._station, "")
            if person is None:
                self.audit(None, "sign-in", "", "", "refused", "of no group that may do anything here")
                answer = self._page("/", "You are known, but nobody has said what you may do here.", 403)
            else:
                answer = self._begin(request, person, next_path, is_local=False)
        answer.del_cookie(self._flow_cookie, path="/", secure=self._secure)
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        if (person := request.get(PERSON)) is not None:
            self.audit(person, "sign-out", "", "", "granted")
            self._glasses.mend(person)
        self.people.sessions.end(request.cookies.get(self._cookie, ""))
        answer = _html(signed_out_page())
        answer.del_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="Strict")
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def _set(
        self, answer: web.Response, name: str, value: str, same_site: str, age_s: int | None = None
    ) -> None:
        answer.set_cookie(
            *(name, value), path="/", secure=self._secure, httponly=True, samesite=same_site, max_age=age_s
        )

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css", headers={"Cache-Control": "max-age=3600"})

    # --- broken glass

    async def _break_glass(self, request: web.Request) -> web.Response:
        person: Person = request[PERSON]
        said = await _json(request)
        patient, ward, reason = (str(said.get(name) or "").strip() for name in ("patient", "ward", "reason"))
        if bool(patient) == bool(ward) or not reason:
            raise _problem(web.HTTPBadRequest, "say the patient or the ward, and the reason")
        if not person.may_break_glass:
            self.audit(person, "break-glass", patient, ward, "refused")
            raise _problem(web.HTTPForbidden, f"{person.role} {person.id} may not break the glass")
        try:
            broken = await self._glasses.break_it(person, patient, ward, reason, self._clock_s())
        except VigilError as error:
            self.audit(person, "break-glass", patient, ward, "refused", str(error))
            raise _problem(web.HTTPConflict, str(error)) from None
        self.audit(broken.person, "break-glass", patient, ward, "granted")
        until_ms = int((self._wall_s() + broken.lasts_s) * 1000)
        return web.json_response({"until_ts_ms": until_ms, "told": broken.told})


def sender_of(settings: Settings, wait_s: float = SEND_S) -> Send:
    """Return what sends commands by `edge.order_sending`, beside the event loop."""

    async def send(order: Order, person: Person) -> Answer:
        return await asyncio.to_thread(send_order, settings, order, person, wait_s)

    return send


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _problem(
    kind: type[web.HTTPException], detail: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    body = json.dumps({"title": kind.__name__.removeprefix("HTTP"), "detail": detail})
    return kind(text=body, content_type="application/problem+json", headers=headers)


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


async def _form(request: web.Request) -> Any:
    if request.content_type != "application/x-www-form-urlencoded":
        raise _problem(web.HTTPUnsupportedMediaType, "a form is expected")
    _bounded(request)
    return await request.post()


async def _json(request: web.Request) -> dict[str, Any]:
    _bounded(request)
    try:
        found = json.loads(await asyncio.wait_for(request.read(), 10.0))
    except (ValueError, RecursionError, TimeoutError):
        raise _problem(web.HTTPBadRequest, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise _problem(web.HTTPBadRequest, "the body is no JSON object")
    return found


def _bounded(request: web.Request) -> None:
    if request.content_length is None or request.content_length > BODY_BYTES_MAX:
        raise _problem(
            web.HTTPRequestEntityTooLarge, f"at most {BODY_BYTES_MAX} bytes, with their length", None
        )
