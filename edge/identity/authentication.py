"""Finds out who sends a request: a session's cookie, a personal token, a proxy's word, or development."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from aiohttp import web

from edge.identity.accounts import TOKEN_PREFIX, Accounts, load_accounts
from edge.identity.development import DEVELOPMENT, development, is_development
from edge.identity.oidc import OpenId
from edge.identity.proxy import Proxies
from edge.identity.sessions import Sessions
from edge.identity.tries import Tries
from streams.config.loopback import is_loopback
from streams.config.settings import Settings
from streams.contracts.people import Person
from streams.errors import UsageError

LOOK_S: Final = 1.0
"""How often the accounts file is looked at for changes."""

HASHING_MAX: Final = 2
"""Passwords that are checked at once: each takes 64 MiB for some 100 ms."""

Way = Literal["cookie", "token", "proxy", "development"]


@dataclass(frozen=True, slots=True)
class Known:
    """Who sends a request, and how that is known."""

    person: Person
    way: Way


class AccountsFile:
    """The accounts as they are now: the file is read again when it has changed; a broken one changes nothing."""

    def __init__(self, path: Path | None, clock_s: Callable[[], float]) -> None:
        """Read it.

        Raises:
            UsageError: it cannot be read.
        """
        self._path, self._clock_s = path, clock_s
        self._stamp, self._looked_s = self._stamped(), clock_s()
        self._now = Accounts() if path is None else load_accounts(path)
        self.fault = ""

    @property
    def now(self) -> Accounts:
        """What the file says."""
        if self._path is not None and self._clock_s() - self._looked_s >= LOOK_S:
            self._looked_s = self._clock_s()
            if (stamp := self._stamped()) != self._stamp:
                self._stamp = stamp
                try:
                    self._now, self.fault = load_accounts(self._path), ""
                except UsageError as error:
                    self.fault = str(error)
        return self._now

    def _stamped(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            found = None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found else (0, 0, 0)


class People:
    """Everybody who may come, and everything that is known of who is here.

    Args:
        settings: say which ways to sign in there are.
        host: where the server listens: without any way to sign in it is loopback or nothing.
        clock_s: a clock that only rises, s.
    """

    def __init__(self, settings: Settings, host: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Take the settings.

        Raises:
            UsageError: nobody could sign in, or a file that they name cannot be read.
        """
        self.is_development = is_development(settings) and is_loopback(host)
        ways = settings.accounts or settings.oidc_issuer or settings.proxy_addresses
        if not ways and not self.is_development:
            raise UsageError(
                "accounts: nobody could sign in: set VIGIL_ACCOUNTS, VIGIL_OIDC_ISSUER or VIGIL_PROXY_ADDRESSES; "
                "without any of them only a loopback address and brokers on this machine do"
            )
        self.clock_s = clock_s
        self.accounts = AccountsFile(settings.accounts, clock_s)
        self.proxies = Proxies.of(settings)
        self.openid = OpenId(settings) if settings.oidc_issuer else None
        self.sessions = Sessions(settings.session_idle_s, settings.session_age_s)
        self.tries = Tries()
        self.has_passwords = settings.accounts is not None
        self._hashing = asyncio.Semaphore(HASHING_MAX)

    def known(self, request: web.Request, cookie: str, station: str, is_use: bool = True) -> Known | None:
        """Return who sends a request; None = nobody known. A way that is tried and fails is not tried otherwise.

        `is_use` = a session begins to rest anew.
        """
        accounts = self.accounts.now
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.startswith(f"{TOKEN_PREFIX}."):
            person = accounts.by_token(token.strip(), station)
            return None if person is None else Known(person, "token")
        if (named := self.proxies.named(request.remote, request.headers)) is not None:
            found = accounts.person_of_groups(*named, station, f"proxy:{named[0]}"[:128])
            return None if found is None else Known(found, "proxy")
        if secret := request.cookies.get(cookie, ""):
            person = self._of_session(secret, accounts, is_use)
            return None if person is None else Known(person, "cookie")
        if self.is_development:
            return Known(
                development("view", station).model_copy(update={"session": DEVELOPMENT}), "development"
            )
        return None

    def _of_session(self, secret: str, accounts: Accounts, is_use: bool) -> Person | None:
        """Return who is signed in; what the accounts file says now of role, wards and whether at all, counts."""
        session = self.sessions.find(secret, self.clock_s(), is_use)
        if session is None:
            return None
        person = session.person
        if not session.is_local and person.id not in accounts.accounts:
            return person  # by groups, as they were at the sign-in
        now = accounts.person(person.id, person.station, person.session)
        if now is None:
            self.sessions.end(secret)
        return now

    async def by_password(self, name: str, password: str, station: str) -> Person | None:
        """Return who shows a password; at most `HASHING_MAX` are checked at once, beside the event loop."""
        accounts = self.accounts.now
        async with self._hashing:
            right = await asyncio.to_thread(accounts.by_password, name, password)
        return accounts.person(name, station) if right else None
