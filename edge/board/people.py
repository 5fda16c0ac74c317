"""Who looks at the board: the one place that knows how people sign in.

On loopback without accounts everybody is one made-up person who may do all that a clinician may: for development and
the demo. Any other address is refused until people can sign in.
"""

import ipaddress
from collections.abc import Callable
from typing import Final

from aiohttp import web

from edge.orders import make_order
from streams.commands import Order
from streams.errors import UsageError
from streams.people import ANY_WARD, Person
from streams.settings import Settings

WhoIs = Callable[[web.Request], Person | None]
"""Returns who sends a request, None where nobody has signed in."""

DEVELOPMENT: Final = Person(id="development", role="physician", wards=(ANY_WARD,), station="loopback")


def who_is(settings: Settings) -> WhoIs:
    """Return what tells who sends a request.

    Raises:
        UsageError: the board would show patients to whoever reaches its address.
    """
    if not is_loopback(settings.board_host):
        raise UsageError("board_host: without accounts a board listens on loopback only, such as 127.0.0.1")
    return lambda request: DEVELOPMENT


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def order_of(person: Person, kind: str, said: dict[str, object]) -> Order:
    """Return the command that a person gives; nobody else's name is in it, whatever was said.

    Raises:
        UsageError: one line that names what is wrong.
    """
    return make_order(kind, **{**said, "actor": person.id})


def signed(settings: Settings, order: Order, person: Person) -> bytes:
    """Return the record of a command as it goes to Kafka."""
    return order.model_dump_json(exclude_none=True).encode()
