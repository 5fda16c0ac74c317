"""The board's HTTP server: pages, the stream of events, one bed's page, the alarm load and commands."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge.board.assets import SHELL, Asset, served
from edge.board.board_access import LetIn
from edge.board.metrics import BoardMetrics
from edge.board.responses import HEADERS, KIND_OF, problem
from streams.errors import Busy

BODY_BYTES_MAX: Final = 16_384
"""Of a command; one takes at most 4,096."""

HEADER_BYTES_MAX: Final = 32_768
"""Of one header or the address: a position of 1,024 partitions is within it."""

IDLE_S_MAX: Final = 75.0
BESIDE_VIEWERS_MAX: Final = 2_000
"""Connections beyond the streams: for pages and commands."""

STOP_S_MAX: Final = 3.0
PAGES: Final = ("/", "/bed/{patient}", "/load", "/assignments", "/shadow")
"""All of them are the one shell, which shows the page of its address."""

LISTEN_BACKLOG: Final = 4_096

logger = logging.getLogger(__name__)

_quiet = logging.getLogger(f"{__name__}.aiohttp")
_quiet.setLevel(logging.CRITICAL + 1)  # of a request that is none it logs the bytes, which may name a patient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Answers(Protocol):
    """A part of what the board answers."""

    def add_to(self, app: web.Application) -> None:
        """Add its paths."""


class BoardServer:
    """One listening port.

    Args:
        routes: what is answered, in parts.
        doors: let people in.
        assets: the page's files.
        metrics: of the board.
        viewers_max: streams; some connections beside them are for pages.
        tls: certificate and key; none = plain HTTP.
    """

    def __init__(
        self,
        routes: Iterable[Answers],
        doors: LetIn,
        assets: dict[str, Asset],
        metrics: BoardMetrics,
        viewers_max: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._routes, self._doors, self._assets, self._metrics = tuple(routes), doors, assets, metrics
        self._connections_max = viewers_max + BESIDE_VIEWERS_MAX
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one and `port` says which.

        Raises:
            OSError: the address is not to be had.
        """
        app = web.Application(middlewares=[self._answered], client_max_size=BODY_BYTES_MAX, logger=_quiet)
        app.on_response_prepare.append(self._add_headers)
        self._doors.install(app)
        self._add_pages(app)
        for part in self._routes:
            part.add_to(app)
        self._runner = _BoundedRunner(
            app,
            self._connections_max,
            handle_signals=False,
            access_log=None,
            shutdown_timeout=STOP_S_MAX,
            keepalive_timeout=IDLE_S_MAX,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=LISTEN_BACKLOG)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no new connection, answer what is in flight, then close."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _add_pages(self, app: web.Application) -> None:
        async def shell(request: web.Request) -> web.StreamResponse:
            asset = self._assets.get(SHELL)
            return served(asset, request) if asset else problem("not-found", "the page's files are not here")

        async def file(request: web.Request) -> web.StreamResponse:
            asset = self._assets.get(request.match_info["name"])
            return served(asset, request) if asset else problem("not-found", "no such file")

        for path in PAGES:
            app.router.add_get(path, shell)
        app.router.add_get("/assets/{name:.+}", file)

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = HEADERS["Server"]
        if self._tls is not None:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer every failure in our words."""
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return self._refused("too-large", f"more than {BODY_BYTES_MAX} bytes")
        except web.HTTPMethodNotAllowed as error:
            return problem("method", "try another method", {"Allow": error.headers.get("Allow", "")})
        except web.HTTPException as error:
            kind = KIND_OF.get(error.status)
            return self._refused(kind, error.text or error.reason) if kind else error
        except Busy as error:
            return self._refused("busy", str(error), {"Retry-After": f"{error.retry_after_s:.0f}"})
        except ConnectionError:
            raise
        except Exception as error:  # its text may name a patient, so only its kind is told
            logger.error("a request failed: %s", type(error).__name__)
            return self._refused("internal", "the board failed on this request; tell its operator")

    def _refused(self, kind: str, detail: str, headers: dict[str, str] | None = None) -> web.Response:
        self._metrics.refused.labels(kind).inc()
        return problem(kind, detail, headers)


class _BoundedRunner(web.AppRunner):
    """Closes connections beyond a bound at once."""

    def __init__(self, app: web.Application, connections_max: int, **options: Any) -> None:
        super().__init__(app, **options)
        self._connections_max = connections_max

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        made = server.connection_made

        def bounded(handler: RequestHandler, transport: Any) -> None:
            made(handler, transport)
            if len(server.connections) > self._connections_max:
                transport.abort()

        server.connection_made = bounded  # type: ignore[method-assign]
        return server
