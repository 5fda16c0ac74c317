"""IHE PCD-04 out over MLLP: alarms to an alarm manager, its acknowledgements, and PCD-05 back.

One message at a time on one connection; a connection that is lost is made anew with the next try. Acknowledgements
are those that MSH-15 and MSH-16 of ours ask for. A PCD-05 comes on the same connection or to a port of ours.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from edge.channels.options import Options
from edge.channels.page import Event, Outcome, Page, Retry, Sent, Status, Why
from edge.channels.pcd04_message import CONTROL_ID_CHARS_MAX, compose
from edge.channels.pcd05 import Acknowledged, Reported, read_answer
from edge.gateway.hl7.acks import answer
from edge.gateway.hl7.framing import CR, FS, VT, Framer
from streams.errors import UsageError

FOLLOWS: Final = frozenset[Event]({"start", "update", "acknowledge", "end"})
ANSWER_BYTES_MAX: Final = 65_536
READ_BYTES: Final = 16_384
LISTENERS_MAX: Final = 8
"""Connections that bring PCD-05 at once: an alarm manager has one."""

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
IDLE_S_MAX: Final = 300.0
CLOSE_S_MAX: Final = 2.0

logger = logging.getLogger(__name__)


class Pcd04Options(Options):
    """`application_ack`: MSH-16, whether the alarm manager's own acknowledgement is waited for, too."""

    concurrency: int = Field(default=1, ge=1, le=1)
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65_535)
    tls: bool = True
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    insecure_plain: bool = False
    application_ack: Literal["AL", "NE"] = "NE"
    sender: tuple[str, str] = ("VIGIL", "")
    receiver: tuple[str, str] = ("", "")
    listen_host: str = "127.0.0.1"
    listen_port: int = Field(default=0, ge=0, le=65_535, description="for PCD-05; 0 = none")

    @model_validator(mode="after")
    def _safe(self) -> "Pcd04Options":
        if self.insecure_plain:
            return self
        if not self.tls and self.host not in LOOPBACK:
            raise ValueError(
                "tls: needed, unless insecure_plain = true allows alarms to be read on their way"
            )
        if self.listen_port and self.listen_host not in LOOPBACK:
            raise ValueError(
                "listen_host: what comes there is in clear and may end an escalation; put a proxy with TLS before it, "
                "or say insecure_plain = true"
            )
        return self


class Pcd04:
    """Sends to one alarm manager; `tell` hears what it says later."""

    follows = FOLLOWS
    renew_s = 0.0

    def __init__(self, options: Pcd04Options, tell: Callable[[Status], None]) -> None:
        self._options, self._tell = options, tell
        self._tls = _tls_of(options)
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Queue[Acknowledged | None]] = {}
        self._server: asyncio.Server | None = None
        self._listening: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Open the port for PCD-05, where there is one."""
        if not self._options.listen_port:
            return
        host, port = self._options.listen_host, self._options.listen_port
        try:
            self._server = await asyncio.start_server(self._listen, host, port)
        except OSError as error:
            raise UsageError(f"listen_port: cannot listen on {host}:{port}: {error.strerror}") from None

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Send one message and wait for the acknowledgements that it asks for."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(page)
        except TimeoutError:
            self._drop()  # a late answer must not be taken for one of the next try
            return Retry(Why.TIMEOUT, f"no acknowledgement within {deadline_s:.1f} s")
        except OSError as error:  # among them errors of TLS
            self._drop()
            return Retry(Why.UNREACHABLE, f"no answer: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connection and the port."""
        self._drop()
        for writer in tuple(self._listening):
            writer.close()
        if self._server is not None:
            self._server.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._server.wait_closed()

    async def _exchange(self, page: Page) -> Outcome:
        options = self._options
        writer = await self._connected()
        control_id = page.id[:CONTROL_ID_CHARS_MAX]
        answers: asyncio.Queue[Acknowledged | None] = asyncio.Queue(maxsize=4)
        self._waiting[control_id] = answers
        try:
            parties = (*options.sender, *options.receiver)
            text = compose(page, parties, options.application_ack, time.time_ns() // 1_000_000)
            writer.write(VT + text.encode() + FS + CR)
            await writer.drain()
            while True:
                found = await answers.get()
                if found is None:
                    return Retry(Why.UNREACHABLE, "the connection ended before the acknowledgement")
                if (outcome := _outcome(found, options.application_ack)) is not None:
                    return outcome
        finally:
            self._waiting.pop(control_id, None)

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is None or self._writer.is_closing():
            host, port = self._options.host, self._options.port
            reader, self._writer = await asyncio.open_connection(host, port, ssl=self._tls)
            self._reader = asyncio.create_task(self._hear(reader, self._writer))
        return self._writer

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes on our connection until it ends."""
        with suppress(OSError):
            await self._read(reader, writer)
        writer.close()
        if self._writer is writer:
            self._writer = None
            for answers in self._waiting.values():
                with suppress(asyncio.QueueFull):
                    answers.put_nowait(None)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes on a connection to our port; one that says nothing for long is ended."""
        if len(self._listening) >= LISTENERS_MAX:
            writer.close()
            return
        self._listening.add(writer)
        try:
            with suppress(OSError, TimeoutError):
                await self._read(reader, writer, IDLE_S_MAX)
        finally:
            self._listening.discard(writer)
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_s: float | None = None
    ) -> None:
        framer = Framer(ANSWER_BYTES_MAX)
        while True:
            async with asyncio.timeout(idle_s):
                data = await reader.read(READ_BYTES)
            if not data:
                return
            for block in framer.feed(data):
                if not isinstance(block, bytes):
                    if block.fatal:
                        return
                    continue
                self._take(read_answer(block), writer)

    def _take(self, found: Acknowledged | Reported | None, writer: asyncio.StreamWriter) -> None:
        if isinstance(found, Acknowledged):
            if (answers := self._waiting.get(found.control_id)) is not None:
                with suppress(asyncio.QueueFull):
                    answers.put_nowait(found)
        elif isinstance(found, Reported):
            if found.status is not None:
                self._tell(found.status)
            writer.write(answer(found.header, None, "message"))

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None


def _outcome(found: Acknowledged, application_ack: str) -> Outcome | None:
    """Return what an acknowledgement means; None: another one is still to come.

    HL7's table 0008 leaves open which of error and rejection is for now and which for good, and receivers differ:
    both are tried again in the bounds of the schedule, under the same control id.
    """
    said = f"{found.code} {found.said}".strip()
    if found.code[1] != "A":
        return Retry(Why.REFUSED, said)
    if found.code == "CA" and application_ack == "AL":
        return None
    return Sent(found.control_id)


def _tls_of(options: Pcd04Options) -> ssl.SSLContext | None:
    if not options.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=options.cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if options.certfile is not None:
            context.load_cert_chain(options.certfile, options.keyfile, password="")
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cafile, certfile, keyfile: cannot read a file: {type(error).__name__}") from None
    return context
