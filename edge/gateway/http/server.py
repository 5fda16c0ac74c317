"""The gateway's HTTP server: readings in, answered when Kafka has them."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge.gateway.accept import Door, Sender
from edge.gateway.http import answers
from edge.gateway.http.coding import CODINGS, Damaged, TooLarge, unpacked
from edge.gateway.http.intakes import Asked, FrameIntake, Given, Intake
from edge.gateway.items import TooMany, Unreadable
from edge.gateway.metrics import ProtocolMetrics
from streams.errors import Busy, NotStored

READINGS_PATH: Final = "/v1/readings"

BODY_BYTES_MAX: Final = 4_194_304
"""Of a body, as it comes and unpacked; a frame of every signal takes under 700 bytes."""

BODIES_BYTES_MAX: Final = 33_554_432
"""Of all bodies that are being read; beyond it requests are turned away unread."""

BODY_S_MAX: Final = 10.0
"""How long a body may take to come."""

WRITE_S_MAX: Final = 30.0
"""How long a client may leave its answers in the sockets; it would keep its connection for good otherwise."""

IDLE_S_MAX: Final = 75.0
BODIES_RETRY_S: Final = 1.0
LINGER_S: Final = 2.0
"""How long the rest of a body that nobody wants is read: who still sends would not see the answer otherwise."""

CONNECTIONS_MAX: Final = 2_000

HEADER_BYTES_MAX: Final = 8_190
STOP_S_MAX: Final = 10.5
"""How long what is in flight may take when the server stops; Kafka's acknowledgement may take ten of it."""

logger = logging.getLogger(__name__)

_quiet = logging.getLogger(f"{__name__}.aiohttp")
_quiet.setLevel(logging.CRITICAL + 1)  # of a request that is none it logs the bytes, which may name a patient


@dataclass(frozen=True, slots=True)
class Pages:
    """Further paths: `read` by GET, with status, bytes and type of this moment; `posted`, given a body and its type.

    `intakes` are further kinds of posted readings, each of which speaks for what is below its path, too; `updated` are
    those that are put under an id, by the path above it; `at` says by an address who posts to one whose senders cannot
    show who they are.
    """

    read: Mapping[str, Callable[[], tuple[int, bytes, str]]] = field(default_factory=dict)
    posted: Mapping[str, Callable[[bytes, str], web.Response]] = field(default_factory=dict)
    intakes: Mapping[str, Intake] = field(default_factory=dict)
    updated: Mapping[str, Intake] = field(default_factory=dict)
    at: Mapping[str, Callable[[str], Sender | None]] = field(default_factory=dict)


class Identify(Protocol):
    """Finds out who sends a request."""

    def __call__(self, authorization: str, peer: ssl.SSLObject | None) -> Sender | None:
        """Return the sender of that header and that connection's certificate, None if nobody known."""


class HttpServer:
    """One listening port.

    Args:
        door: where readings go.
        identify: says who sends.
        metrics: of this protocol, and of the contract's frames.
        pages: further paths.
        tls: certificate, key and perhaps whom to trust; none = plain HTTP.
    """

    def __init__(
        self,
        door: Door,
        identify: Identify,
        metrics: ProtocolMetrics,
        pages: Pages,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._door, self._identify, self._metrics, self._pages = door, identify, metrics, pages
        self._tls = tls
        self._frames = FrameIntake(metrics)
        self._intakes: Mapping[str, Intake] = {READINGS_PATH: self._frames, **pages.intakes}
        self._runner: web.ServerRunner | None = None
        self._reading_bytes = 0
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one and `port` says which.

        Raises:
            OSError: the address is not to be had.
        """
        server = _BoundedServer(
            self._answer,
            logger=_quiet,
            access_log=None,  # it would name no patient, but cost more than the rest of a request
            keepalive_timeout=IDLE_S_MAX,
            auto_decompress=False,
            lingering_time=LINGER_S,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )
        self._metrics.watch(lambda: len(server.connections))
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=STOP_S_MAX)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no new connection, answer what is in flight, then close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        metrics = self._metrics
        metrics.in_flight.inc()
        try:
            response = await self._routed(request)
        except Exception as error:  # its text may quote the reading, so only its kind is told
            logger.error("a request failed: %s", type(error).__name__)
            detail = "the gateway failed on this request; tell its operator"
            response = self._refused(self._speaker(request.path), "internal", detail)
        finally:
            metrics.in_flight.dec()
        if response.status >= 400 and not request.content.is_eof():
            response.force_close()  # the rest of a body that nobody wants is not read
        return response

    def _speaker(self, path: str) -> Intake:
        """Return the intake in whose words a path is answered."""
        # The target of OPTIONS may be `*`, that of CONNECT has no path.
        top = path.lstrip("/").partition("/")[0]
        return self._intakes.get(path) or self._intakes.get(f"/{top}") or self._frames

    async def _routed(self, request: web.BaseRequest) -> web.Response:
        path, method = request.path, request.method
        intake = self._intakes.get(path)
        if intake is not None or path in self._pages.posted:
            if method != "POST":
                return self._speaker(path).problem("method", "this is only posted", {"Allow": "POST"})
            return await (self._posted(request) if intake is None else self._readings(request, intake))
        above, _, name = path.rpartition("/")
        updated = self._pages.updated.get(above) if name else None
        if updated is not None:
            if method != "PUT":
                return updated.problem("method", "this is only put", {"Allow": "PUT"})
            return await self._readings(request, updated, name)
        page = self._pages.read.get(path)
        if page is None:
            return self._speaker(path).problem("not-found", f"readings are posted to {READINGS_PATH}")
        if method not in ("GET", "HEAD"):
            return self._speaker(path).problem("method", "this is only read", {"Allow": "GET, HEAD"})
        status, body, content_type = page()
        return web.Response(status=status, body=body, content_type=content_type)

    async def _posted(self, request: web.BaseRequest) -> web.Response:
        try:
            body = await self._body(request)
        except (TooLarge, ConnectionError, web.PayloadAccessError, web.RequestPayloadError) as error:
            kind = "too-large" if isinstance(error, TooLarge) else "malformed"
            return self._refused(self._frames, kind, "send a short form")
        except TimeoutError:
            return self._refused(self._frames, "slow", f"the body did not come within {BODY_S_MAX:g} s")
        except Busy as error:
            return answers.problem("busy", str(error), answers.retry_after(error.retry_after_s))
        return self._pages.posted[request.path](body, request.content_type)

    async def _readings(self, request: web.BaseRequest, intake: Intake, name: str = "") -> web.Response:
        begun_s = time.monotonic()
        transport = request.transport
        peer = transport.get_extra_info("ssl_object") if transport is not None else None
        shown = request.headers.get("Authorization", "")
        sender = self._identify(shown, peer)
        if sender is None and not shown and (at := self._pages.at.get(request.path)) is not None:
            sender = at(request.remote or "")
        if sender is None:
            return self._refused(
                intake,
                "unauthenticated",
                "send an API key or a token as Bearer",
                {"WWW-Authenticate": "Bearer"},
            )
        try:
            given = await self._given(request, intake, sender, name)
            if isinstance(given, web.Response):
                return given
            await given.register()
            readings = given.hand_over()
            storing = self._door.readings(sender, readings) if readings else None
            del readings
            stored = await storing if storing is not None else []
        except Busy as error:
            kind = "busy" if error.kafka else "busy-client"
            return self._refused(intake, kind, str(error), answers.retry_after(error.retry_after_s))
        except NotStored as error:
            return self._refused(intake, "not-stored", str(error), answers.retry_after(1.0))
        results = given.results(stored)
        intake.metrics.answered(results, time.monotonic() - begun_s)
        return given.answer(results)

    async def _given(
        self, request: web.BaseRequest, intake: Intake, sender: Sender, name: str
    ) -> Given | web.Response:
        """Return what the body holds, or what to answer instead."""
        media = request.content_type
        coding = request.headers.get("Content-Encoding", "").strip().lower()
        if media not in intake.media_types:
            wanted = " or ".join(sorted(intake.media_types))
            return self._refused(intake, "media-type", f"send {wanted}")
        if (request.charset or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
            return self._refused(intake, "media-type", "JSON is UTF-8")
        if coding not in CODINGS:
            return self._refused(
                intake,
                "media-type",
                "send the body plain, or as gzip or zstd",
                {"Accept-Encoding": "gzip, zstd"},
            )
        try:
            body = await self._body(request)
            if coding:
                body = unpacked(body, coding, BODY_BYTES_MAX)
            return intake.read(body, Asked(sender, media, request.headers, name))
        except TimeoutError:
            return self._refused(intake, "slow", f"the body did not come within {BODY_S_MAX:g} s")
        except (ConnectionError, web.PayloadAccessError, web.RequestPayloadError):
            return self._refused(intake, "malformed", "the body ended before its end")
        except (TooLarge, TooMany) as error:
            return self._refused(intake, "too-large", str(error))
        except (Damaged, Unreadable) as error:
            return self._refused(intake, "malformed", str(error))

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Return the body as it came.

        Raises:
            TooLarge: it has more than `BODY_BYTES_MAX` bytes; the rest is not read.
            Busy: all bodies together have more than `BODIES_BYTES_MAX`.
            TimeoutError: it did not come in time.
        """
        content, length = request.content, request.content_length or 0
        if length > BODY_BYTES_MAX:
            raise TooLarge(f"more than {BODY_BYTES_MAX} bytes")
        if self._reading_bytes + length > BODIES_BYTES_MAX:
            raise Busy("the gateway reads as much as it may", BODIES_RETRY_S)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # curl waits a second for it
            request.writer.output_size = 0
        if content.is_eof():
            return content.read_nowait()
        pieces: list[bytes] = []
        size, held = 0, length
        self._reading_bytes += held
        try:
            async with asyncio.timeout(BODY_S_MAX):
                while piece := await content.readany():
                    pieces.append(piece)
                    size += len(piece)
                    if size > BODY_BYTES_MAX:
                        raise TooLarge(f"more than {BODY_BYTES_MAX} bytes")
                    if size > held:  # it did not say how long it is
                        self._reading_bytes += size - held
                        held = size
                        if self._reading_bytes > BODIES_BYTES_MAX:
                            raise Busy("the gateway reads as much as it may", BODIES_RETRY_S)
        finally:
            self._reading_bytes -= held
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @staticmethod
    def _refused(
        intake: Intake, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        intake.metrics.refused(kind)
        return intake.problem(kind, detail, headers)


class _BoundedHandler(RequestHandler):
    """A connection that ends where its client takes no answers for `WRITE_S_MAX`."""

    __slots__ = ("_stuck",)

    def pause_writing(self) -> None:
        super().pause_writing()
        transport = self.transport
        loop = asyncio.get_running_loop()
        self._stuck = loop.call_later(WRITE_S_MAX, transport.abort) if transport is not None else None

    def resume_writing(self) -> None:
        super().resume_writing()
        self._let_be()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._let_be()

    def _let_be(self) -> None:
        stuck, self._stuck = getattr(self, "_stuck", None), None
        if stuck is not None:
            stuck.cancel()


class _BoundedServer(web.Server):
    """A server that closes connections beyond `CONNECTIONS_MAX` at once."""

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self._options = options

    def __call__(self) -> RequestHandler:
        return _BoundedHandler(self, loop=asyncio.get_running_loop(), **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
