"""Who looks at the board: the one place that knows how people sign in.

On loopback without accounts everybody is one made-up person who may do all that a clinician may: for development and
the demo. Any other address is refused until people can sign in.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import web

from edge.orders import make_order
from streams.commands import Order
from streams.errors import UsageError
from streams.people import ANY_WARD, Person
from streams.settings import Settings

PERSON: Final = web.RequestKey("person", Person)
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEVELOPMENT: Final = Person(id="development", role="physician", wards=(ANY_WARD,), station="loopback")


class Doors(Protocol):
    """What the board asks of whoever lets people in."""

    def install(self, app: web.Application) -> None:
        """Let nobody reach a route of an application who is not known."""

    def person(self, request: web.Request) -> Person:
        """Return who sends a request that was let in."""


class LoopbackDoors:
    """Lets in whoever reaches this machine's own address by its name, as one made-up person.

    Args:
        who: returns that person, None for nobody.
    """

    def __init__(self, who: Callable[[], Person | None] = lambda: DEVELOPMENT) -> None:
        self._who = who

    def install(self, app: web.Application) -> None:
        """Stand before every route."""
        app.middlewares.append(self._middleware)

    def person(self, request: web.Request) -> Person:
        """Return who sends a request."""
        return request[PERSON]

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_loopback(_name_of(request.host)):
            raise web.HTTPForbidden(text="this board is asked for by its own name only")
        if request.method not in SAFE_METHODS and not is_own_page(request):
            raise web.HTTPForbidden(text="another page sent this")
        person = self._who()
        if person is None:
            raise web.HTTPUnauthorized(text="sign in first")
        request[PERSON] = person
        return await handler(request)


def doors_of(settings: Settings) -> Doors:
    """Return what lets people in.

    Raises:
        UsageError: the board would show patients to whoever reaches its address.
    """
    if not is_loopback(settings.board_host):
        raise UsageError("board_host: without accounts a board listens on loopback only, such as 127.0.0.1")
    return LoopbackDoors()


def is_own_page(request: web.Request) -> bool:
    """Tell whether a request that changes something comes from a page of ours, or from no page at all.

    Browsers say where it comes from (Fetch Metadata; Origin, RFC 6454), and send JSON from elsewhere only after a
    preflight, which is not answered here.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"{request.scheme}://{request.host}"


def _name_of(host: str) -> str:
    """Return the name in a Host header, without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


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
