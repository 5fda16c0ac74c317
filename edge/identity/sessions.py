"""Sessions: who is signed in by which cookie, bounded in number, age and rest; kept in memory only.

The cookie holds 256 random bits; kept is their hash. Records name a session by another random id, so that nobody who
reads the audit can use it.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from edge.gateway.keys import hash_of
from streams.contracts.people import Person

SESSIONS_MAX: Final = 10_000
"""Of all; the one that rested longest makes room."""

SESSIONS_OF_PERSON_MAX: Final = 20
"""A ward's wall screens and phones of one account; the oldest makes room. Our choice [M]."""

SCREEN_AGE_S: Final = 30 * 86_400
"""A wall screen signs in again once in so long, and after a restart of the server. Our choice [M]."""

SECRET_BYTES: Final = 32
ID_BYTES: Final = 9


@dataclass(slots=True)
class Session:
    """One sign-in; `is_local` by an account of this machine, `is_screen` of a wall screen, which rests for ever.

    Times in s of a clock that only rises.
    """

    person: Person
    is_local: bool
    is_screen: bool
    began_s: float
    used_s: float


class Sessions:
    """All sessions of one process."""

    def __init__(self, idle_s: float, age_s: float) -> None:
        self._idle_s, self._age_s = idle_s, age_s
        self._by_hash: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_hash)

    def begin(self, person: Person, is_local: bool, now_s: float, is_screen: bool = False) -> str:
        """Sign somebody in and return the cookie's secret: always a new one, whatever came with the request."""
        self._forget(now_s)
        mine = [key for key, kept in self._by_hash.items() if kept.person.id == person.id]
        for key in mine[: max(0, len(mine) - SESSIONS_OF_PERSON_MAX + 1)]:
            del self._by_hash[key]
        while len(self._by_hash) >= SESSIONS_MAX:
            self._by_hash.popitem(last=False)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        named = person.model_copy(update={"session": secrets.token_urlsafe(ID_BYTES)})
        self._by_hash[hash_of(secret)] = Session(named, is_local, is_screen, now_s, now_s)
        return secret

    def find(self, secret: str, now_s: float, is_use: bool = True) -> Session | None:
        """Return the sign-in of a cookie, and note that it was used, unless it was only looked for."""
        key = hash_of(secret)
        found = self._by_hash.get(key)
        if found is None or self._is_over(found, now_s):
            self._by_hash.pop(key, None)
            return None
        if is_use:
            found.used_s = now_s
            self._by_hash.move_to_end(key)
        return found

    def end(self, secret: str) -> None:
        """Sign out."""
        self._by_hash.pop(hash_of(secret), None)

    def _is_over(self, session: Session, now_s: float) -> bool:
        if session.is_screen:
            return now_s - session.began_s >= SCREEN_AGE_S
        return now_s - session.used_s >= self._idle_s or now_s - session.began_s >= self._age_s

    def _forget(self, now_s: float) -> None:
        for key in [key for key, kept in self._by_hash.items() if self._is_over(kept, now_s)]:
            del self._by_hash[key]
