"""Broken glass: who acts beyond the own wards for a while, with a reason, and how the alarm system hears of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge.identity.sessions import SESSIONS_MAX
from edge.order_sending import make_order
from streams.contracts.alert import WARD
from streams.contracts.command import Answer, Order
from streams.contracts.people import Person
from streams.errors import Unanswered, VigilError


@dataclass(frozen=True, slots=True)
class Glass:
    """Broken glass of one sign-in: why, and until when, s of a clock that only rises."""

    reason: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Broken:
    """What came of breaking it: the person as marked, for how long, s, and whether the alarm system has told it yet."""

    person: Person
    lasts_s: float
    told: bool


class Glasses:
    """Every broken glass of one process, by the sign-in; bounded in time and number."""

    def __init__(self, lasts_s: float, send: Callable[[Order, Person], Awaitable[Answer]]) -> None:
        self._lasts_s, self._send = lasts_s, send
        self._broken: dict[tuple[str, str], Glass] = {}

    def through(self, person: Person, now_s: float) -> Person:
        """Return the person as the glass lets act now."""
        glass = self._broken.get(_key(person))
        if glass is None:
            return person
        if now_s >= glass.until_s:
            del self._broken[_key(person)]
            return person
        return person.model_copy(update={"break_glass": glass.reason})

    async def break_it(self, person: Person, patient: str, ward: str, reason: str, now_s: float) -> Broken:
        """Break it: first the alarm system is told, at the patient or ward, by a command of the person.

        A command that is stored and not answered yet tells it later; whoever needs to see a patient waits no longer.

        Raises:
            UsageError: patient, ward or reason are none.
            VigilError: the command was refused, or was not stored: what cannot be told is not done.
        """
        marked = person.model_copy(update={"break_glass": reason[:500]})
        order = make_order("break-glass", person, patient=patient or WARD + ward, reason=reason)
        try:
            answer = await self._send(order, marked)
        except Unanswered:
            answer = None
        if answer is not None and answer.outcome == "refused":
            raise VigilError(answer.reason)
        for key in [key for key, glass in self._broken.items() if now_s >= glass.until_s]:
            del self._broken[key]
        while len(self._broken) >= SESSIONS_MAX:
            del self._broken[next(iter(self._broken))]
        self._broken[_key(person)] = Glass(reason[:500], now_s + self._lasts_s)
        return Broken(marked, self._lasts_s, answer is not None)

    def mend(self, person: Person) -> None:
        """End it with the sign-in."""
        self._broken.pop(_key(person), None)


def _key(person: Person) -> tuple[str, str]:
    return person.id, person.session
