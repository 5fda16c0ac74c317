"""The board's process: topics first, then the port; at the end the streams first, then Kafka."""

import asyncio
import contextlib
import logging
import ssl
import time
from typing import Final

from edge.board.assets import read_assets
from edge.board.bed_view import BedView
from edge.board.board_access import doors_of
from edge.board.board_follower import TOPICS as READ
from edge.board.board_follower import Batch, Reader
from edge.board.fhir_routes import FhirRoutes
from edge.board.fhir_view import FhirView
from edge.board.history import AskedHistory
from edge.board.hub import Hub
from edge.board.live import Live
from edge.board.metrics import BoardMetrics
from edge.board.ordering import Desk
from edge.board.record_intake import Intake
from edge.board.rota_routes import RotaRoutes
from edge.board.routes import Routes
from edge.board.server import BoardServer
from edge.board.showing import write_shown
from edge.board.sight import Sight
from edge.board.trial import Trial
from edge.board.worker_windows import WorkerWindows
from edge.history.ledger import readings_folder
from edge.history.query import trend
from edge.printing import say
from edge.reference.reference_view import Follower
from edge.rota import Rota
from streams.config.settings import Settings
from streams.contracts.topics import COMMANDS, PATIENTS
from streams.errors import TopicsMismatch, UsageError
from streams.kafka.connect import connect_consumer
from streams.metrics_server import serve_metrics

WATCH_S: Final = 1.0
"""Between two looks at how old each source is."""

logger = logging.getLogger(__name__)


class Board:
    """One board: reads, shows, and takes commands."""

    def __init__(self, settings: Settings) -> None:
        """Look at the topics.

        Raises:
            UsageError: the settings would show patients to everybody, or a certificate cannot be read.
            BrokerUnreachable: no broker answers.
            TopicsMismatch: a topic is missing.
        """
        self.settings = settings
        tls = tls_of(settings)
        partitions = _partitions(settings)
        self.metrics = BoardMetrics()
        self.doors = doors_of(settings, self.metrics.registry)
        self.live = Live(partitions[PATIENTS])
        self.intake = Intake(self.live)
        self.hub = Hub(self.live, self.metrics)
        self.desk = Desk(settings, partitions[COMMANDS])
        self.history = AskedHistory(settings, trend, readings_folder(settings).is_dir)
        self.windows = WorkerWindows(settings, self.live)
        view = BedView(self.intake, self.history, self.windows, self.metrics)
        self.routes = Routes(
            self.doors, self.hub, self.intake, view, self.desk, self.metrics, settings.board_viewers_max
        )
        self.rota = Rota(settings)
        self.trial = Trial(settings, partitions[PATIENTS])
        fhir = FhirRoutes(
            *(Sight(self.doors, self.live), FhirView(self.live), self.metrics),
            *(lambda: self.routes.is_ready, settings.public_url),
        )
        parts = self.routes, RotaRoutes(settings, self.doors, self.live, self.rota), self.trial, fhir
        self.server = BoardServer(
            parts, self.doors, read_assets(), self.metrics, settings.board_viewers_max, tls
        )
        self.reader = Reader(settings, self._deliver)
        self.reference = Follower(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "https" if self.settings.board_tls_certfile else "http"
        return f"{scheme}://{self.settings.board_host}:{self.server.port}"

    async def start(self) -> None:
        """Listen and begin to read.

        Raises:
            UsageError: the address is not to be had.
        """
        self._loop = asyncio.get_running_loop()
        host, port = self.settings.board_host, self.settings.board_port
        try:
            await self.server.start(host, port)
        except OSError as error:
            reason = error.strerror or "not possible"
            raise UsageError(f"board_port: cannot listen on {host}:{port}: {reason}") from None
        self.metrics.viewers.set_function(lambda: self.hub.count)
        self.reader.start()
        self.reference.__enter__()
        self.rota.__enter__()
        showing = write_shown(self.settings, self.intake.showing, self._is_seen, _now_ms)
        self._running = [asyncio.create_task(one) for one in (self.hub.run(), self._watch(), showing)]

    async def stop(self) -> None:
        """End every stream, then let Kafka go."""
        self.hub.close()
        await self.server.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.history.close()
        await asyncio.gather(
            *(asyncio.to_thread(one.close) for one in (self.reader, self.reference, self.rota)),
            *(self.desk.close(), self.windows.close(), self.trial.close()),
        )

    def _is_seen(self, ward: str) -> bool:
        """Tell whether somebody sees a ward; nobody before all that there was has been read."""
        return self.routes.is_ready and self.hub.is_seen(ward)

    def _deliver(self, batch: Batch) -> None:
        """Called in the reader's thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._take, batch)

    def _take(self, batch: Batch) -> None:
        try:
            if batch.anew:
                logger.warning("a topic was made anew: what was read of it counts no more")
                self.live.begin_anew()
            appended_ms = self.intake.take(batch)
            self.desk.answered(self.intake.answers)
            if not self.routes.is_ready:
                if self.reader.is_complete.is_set() and not batch.records:
                    self.live.begin()
                    self.routes.is_ready = True
                    logger.info("all that there was has been read")
            elif appended_ms:
                self.hub.note(appended_ms)
        finally:
            self.reader.taken()

    async def _watch(self) -> None:
        while True:
            now_s = time.monotonic()
            self.live.refer(self.reference.now)
            for topic in READ:
                heard_s = self.reader.heard_s.get(topic)
                self.metrics.age_s.labels(topic).set(-1 if heard_s is None else now_s - heard_s)
            self.metrics.reads.set(0 if self.reader.failure else 1)
            await asyncio.sleep(WATCH_S)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run a board until `stop` is set.

    Raises:
        UsageError, BrokerUnreachable, TopicsMismatch: as `Board` and its start do.
    """
    board = await asyncio.to_thread(Board, settings)
    port = settings.board_metrics_port
    serve_metrics(board.metrics.registry, settings.metrics_host, port, "board_metrics_port")
    try:
        async with board.doors.auditor.writing(settings):
            await board.start()
            say(f"board: {board.url}")
            await stop.wait()
            await board.stop()
    finally:
        await board.stop()  # once more where it did not come so far: harmless


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the context of the board's port, None where browsers speak in clear.

    Raises:
        UsageError: the certificate or key cannot be read.
    """
    certificate = settings.board_tls_certfile
    if certificate is None:
        if settings.board_tls_keyfile is not None:
            raise UsageError("board_tls_certfile: needed with board_tls_keyfile")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, settings.board_tls_keyfile, password="")
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
        raise UsageError(f"board_tls_ settings: cannot read a file: {str(reason).lower()}") from None
    return context


def _partitions(settings: Settings) -> dict[str, int]:
    """Return how many partitions each topic has.

    Raises:
        TopicsMismatch: a topic is missing.
    """
    found = dict[str, int]()
    with contextlib.closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
        for name in READ.values():
            topic = settings.topic(name)
            if not (numbers := consumer.partitions_for_topic(topic)):
                raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
            found[name] = len(numbers)
    return found


def _now_ms() -> int:
    return int(time.time() * 1000)
