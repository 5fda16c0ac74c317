"""A board without Kafka: its server on a real port, fed with records by hand."""

import asyncio
import contextlib

from aiohttp import web

from edge.board.assets import Asset
from edge.board.bed_view import BedView
from edge.board.board_follower import Batch, Heard
from edge.board.fhir_routes import FhirRoutes
from edge.board.fhir_view import FhirView
from edge.board.history import AskedHistory
from edge.board.hub import Hub
from edge.board.live import Live
from edge.board.metrics import BoardMetrics
from edge.board.ordering import Desk
from edge.board.position import Log
from edge.board.record_intake import Intake
from edge.board.rota_routes import RotaRoutes
from edge.board.routes import Routes
from edge.board.server import BoardServer
from edge.board.sight import Sight
from edge.identity.development import development
from edge.identity.doors import PERSON
from edge.rota import Rota
from streams.config.settings import Settings
from streams.contracts.patient_state import LastValue, OpenAlarm, Patient

DEVELOPMENT = development("acknowledge", "test")
PAGE = Asset(b"<!doctype html><title>page</title>", "text/html; charset=utf-8", '"1"')


class NoWindows:
    """No worker says where to ask."""

    async def last_minutes(self, partition, patient):
        return None


class World:
    """A board; `say` takes records in, as its reader would."""

    def __init__(
        self,
        person=DEVELOPMENT,
        viewers_max=100,
        history=None,
        windows=None,
        partitions=2,
        doors=None,
        more=(),
    ):
        self.settings = Settings(board_port=0)
        self.metrics = BoardMetrics()
        self.live = Live(partitions)
        self.intake = Intake(self.live)
        self.hub = Hub(self.live, self.metrics)
        doors = doors or self
        self.desk = Desk(self.settings, partitions)
        self.history = AskedHistory(self.settings, history)
        view = BedView(self.intake, self.history, windows or NoWindows(), self.metrics)
        self.routes = Routes(doors, self.hub, self.intake, view, self.desk, self.metrics, viewers_max)
        self.person = person
        assets = {"index.html": PAGE, "board.js": Asset(b"1", "text/javascript; charset=utf-8", '"2"')}
        self.rota = Rota(self.settings)
        fhir = FhirRoutes(
            Sight(doors, self.live), FhirView(self.live), self.metrics, lambda: self.routes.is_ready
        )
        parts = [self.routes, RotaRoutes(self.settings, doors, self.live, self.rota), fhir, *more]
        self.server = BoardServer(parts, doors, assets, self.metrics, viewers_max)
        self._next = {}
        self.audited = []

    @contextlib.asynccontextmanager
    async def running(self, ready=True):
        """Listen; `ready` = all that there was has been read."""
        await self.server.start("127.0.0.1", 0)
        if ready:
            self.begin()
        running = asyncio.create_task(self.hub.run())
        try:
            yield self
        finally:
            self.hub.close()
            await self.server.stop()
            await asyncio.wait_for(running, 5)
            self.history.close()

    def begin(self):
        """Have read all that there was."""
        self.live.begin()
        self.routes.is_ready = True

    def say(self, topic, partition, key, found, ts_ms=1_000):
        """Take one record in."""
        log = Log(topic, partition)
        offset = self._next.get(log, 0)
        self._next[log] = offset + 1
        appended_ms = self.intake.take(Batch({log: [Heard(offset, key, found, ts_ms)]}, {log: offset + 1}))
        self.desk.answered(self.intake.answers)
        if appended_ms:
            self.hub.note(appended_ms)

    def show(self, name, ward="a", partition=0, **said):
        """Take a patient's own record in."""
        self.say("patients", partition, name, patient_of(name, ward, **said))

    def install(self, app):
        """Let in whoever `person` is, as the doors do."""

        @web.middleware
        async def let_in(request, handler):
            if self.person is None:
                raise web.HTTPUnauthorized(text="sign in first")
            request[PERSON] = self.person
            return await handler(request)

        app.middlewares.append(let_in)

    def audit(self, *said):
        """Take note of what somebody saw or was refused."""
        self.audited.append(said)

    @property
    def url(self):
        """Where the board is."""
        return f"http://127.0.0.1:{self.server.port}"


def patient_of(name, ward="a", *, hr=80.0, alarms=(), judged_ms=1_000, **said):
    """Return a patient's own record."""
    return Patient(
        **{
            "patient": name,
            "ward": ward,
            "seen_ts_ms": judged_ms,
            "pause": None,
            "pause_until_ts_ms": None,
            "alarms": tuple(alarms),
            "values": {"hr": LastValue(value=hr, ts_ms=judged_ms)},
            "judged_ts_ms": judged_ms,
        }
        | said
    )


def open_alarm(episode="e1", rule="spo2-low", **said):
    """Return an alarm as a patient's own record names it."""
    usual = {"rule": rule, "episode": episode, "state": "active", "priority": "medium", "onset_ts_ms": 0}
    return OpenAlarm(**usual | said)
