"""Who looks at the board and gives orders from it: the seam to the doors of `edge/identity`."""

from typing import Any, Final, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry

from edge.identity.doors import PERSON, Doors, sender_of
from edge.order_sending import make_order
from streams.config.settings import Settings
from streams.contracts.audit import AuditedAct, Outcome
from streams.contracts.command import Order
from streams.contracts.people import Person

SAID_BY_THE_BOARD: Final = ("issued_ts_ms", "actor", "kind", "person")
"""Of a command: a page cannot say these. It does say the id, by which a command that is sent again is applied once."""


class LetIn(Protocol):
    """What the board asks of whoever lets people in."""

    def install(self, app: web.Application) -> None:
        """Let nobody reach a route of an application who is not known."""

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


def doors_of(settings: Settings, registry: CollectorRegistry) -> Doors:
    """Return what lets people in.

    Raises:
        UsageError: the board would show patients to whoever reaches its address, or a file cannot be read.
    """
    has_tls = settings.board_tls_certfile is not None
    return Doors(settings, settings.board_host, sender_of(settings), registry, tls=has_tls)


def person_of(request: web.Request) -> Person:
    """Return who sends a request that was let in."""
    return request[PERSON]


def order_of(person: Person, kind: str, said: dict[str, Any]) -> Order:
    """Return the command that a person gives; nobody else's name is in it, whatever was said.

    Raises:
        UsageError: one line that names what is wrong.
    """
    return make_order(
        kind, person, **{name: one for name, one in said.items() if name not in SAID_BY_THE_BOARD}
    )
