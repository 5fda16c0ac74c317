"""What the board answers under /v1: the stream, a bed, its trend, the alarm load, who one is, and commands."""

import asyncio
import json
import random
import time
from typing import Any, Final

from aiohttp import web

from edge.board.audience import audience_of
from edge.board.bed_view import SPAN_MS_MAX, TREND_MS, BedView
from edge.board.board_access import LetIn, order_of, person_of
from edge.board.exports import table
from edge.board.hub import Hub
from edge.board.metrics import BoardMetrics
from edge.board.ordering import Desk
from edge.board.record_intake import Intake
from edge.board.responses import found, problem
from edge.board.shift_load import SHIFT_H_MAX
from edge.board.sight import Sight
from edge.board.viewer import Viewer
from edge.ward_state import SEVERITIES
from streams.contracts.people import ACT_OF, ACTS, ANY_WARD, MAY, Act
from streams.contracts.topics import HOUR_MS
from streams.errors import BrokerUnreachable, Busy, UsageError, VigilError

WARDS_ASKED_MAX: Final = 200
SIGNALS_ASKED_MAX: Final = 40
OFFSET_MIN_MAX: Final = 14 * 60
"""No clock on earth is further from UTC, min."""

STREAM_S_MAX: Final = 300.0
"""After so long a stream ends and the page comes back through the door: a sign-in that has ended ends the view [M]."""

STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
NO_BED: Final = "no such bed in a ward that you may view"
NOT_YET: Final = "the board is still reading its topics"


class Routes:
    """Answers requests of people who have signed in.

    Args:
        doors: know who they are.
        hub: tells viewers.
        intake: what was read.
        view: assembles a bed's page.
        desk: takes commands.
        metrics: of the board.
        viewers_max: streams at once.
    """

    def __init__(
        self,
        doors: LetIn,
        hub: Hub,
        intake: Intake,
        view: BedView,
        desk: Desk,
        metrics: BoardMetrics,
        viewers_max: int,
    ) -> None:
        self._doors, self._hub, self._intake, self._view, self._desk = doors, hub, intake, view, desk
        self._sight = Sight(doors, intake.live)
        self._metrics = metrics
        self._viewers_max = viewers_max
        self.is_ready = False

    def add_to(self, app: web.Application) -> None:
        """Add the paths."""
        add = app.router.add_get
        add("/v1/stream", self._stream, allow_head=False)
        add("/v1/beds/{patient:.+}/trend", self._trend)
        add("/v1/beds/{patient:.+}", self._bed)
        add("/v1/load", self._load)
        add("/v1/load.csv", self._load_table)
        add("/v1/alarms.csv", self._alarms_table)
        add("/v1/me", self._me)
        app.router.add_post("/v1/commands", self._command)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        audience = audience_of(person_of(request), request.query.getall("ward", [])[:WARDS_ASKED_MAX])
        transport = request.transport
        if audience is None:
            return self._refused("forbidden", "you may not view these wards")
        if not self.is_ready:
            raise Busy(NOT_YET, 2.0)
        if self._hub.count >= self._viewers_max:
            raise Busy("as many watch as may", 10.0)
        if request.version < (1, 1) or transport is None:
            return self._refused("malformed", "a stream needs HTTP/1.1")
        position = request.headers.get("Last-Event-ID") or request.query.get("from", "")
        response = web.StreamResponse(headers=STREAM_HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        viewer = Viewer(transport, audience)
        self._hub.join(viewer, position)
        try:
            async with asyncio.timeout(STREAM_S_MAX * random.uniform(0.8, 1.0)):  # not all at once
                await asyncio.shield(viewer.ended)
        except TimeoutError:
            viewer.finish()
        finally:
            self._hub.leave(viewer)
            if viewer.is_cut:
                self._metrics.cut.inc()
        return response

    async def _bed(self, request: web.Request) -> web.StreamResponse:
        patient = request.match_info["patient"]
        if (refusal := self._unseen(request, patient)) is not None:
            return refusal
        said = await self._view.bed(patient, _now_ms())
        return found(said) if said is not None else problem("not-found", "no such bed")

    async def _trend(self, request: web.Request) -> web.StreamResponse:
        patient = request.match_info["patient"]
        if (refusal := self._unseen(request, patient)) is not None:
            return refusal
        until_ms = _number(request, "until_ts_ms", _now_ms(), 0, _now_ms() + HOUR_MS)
        from_ms = _number(request, "from_ts_ms", until_ms - TREND_MS, 0, until_ms)
        if until_ms - from_ms > SPAN_MS_MAX:
            return self._refused("malformed", f"at most {SPAN_MS_MAX // (24 * HOUR_MS)} days at once")
        signals = [name for name in request.query.get("signals", "").split(",") if name][:SIGNALS_ASKED_MAX]
        return found(await self._view.trend(patient, from_ms, until_ms, signals or None))

    async def _load(self, request: web.Request) -> web.StreamResponse:
        return found(self._counted(request))

    async def _load_table(self, request: web.Request) -> web.StreamResponse:
        counted = self._counted(request)
        rows = (
            (bed["ward"], bed["patient"], bed["shift_ts_ms"], *(bed["alarms"][name] for name in SEVERITIES))
            for bed in counted["beds"]
        )
        return table("alarm-load.csv", ("ward", "patient", "shift_ts_ms", *SEVERITIES), rows)

    async def _alarms_table(self, request: web.Request) -> web.StreamResponse:
        person, state = person_of(request), self._intake.live.state
        columns = (
            "ward",
            "patient",
            "rule",
            "priority",
            "type",
            "state",
            "onset_ts_ms",
            "value",
            "unit",
            "reason",
        )
        rows = [
            (bed["ward"], bed["patient"], *(alarm[name] for name in columns[2:]))
            for patient in sorted(self._sight.listed(person))
            if (bed := state.bed(patient)) is not None
            for alarm in bed["alarms"]
        ]
        return table("alarms.csv", columns, rows)

    async def _me(self, request: web.Request) -> web.StreamResponse:
        person = person_of(request)
        known = {shown.ward for shown in self._intake.live.shown.values() if shown.ward}
        wards = sorted({*(ward for ward in person.wards if ward != ANY_WARD), *known, ""})
        acts = {ward: may for ward in wards if (may := [act for act in ACTS if person.may(act, ward)])}
        return found({**person.model_dump(mode="json", exclude={"session"}), "acts": acts})

    async def _command(self, request: web.Request) -> web.StreamResponse:
        person = person_of(request)
        if request.content_type != "application/json":
            return self._refused("media-type", "a command is application/json")
        try:
            said = json.loads(await request.read())
            kind, patient = said.pop("kind"), said["patient"]
            act = ACT_OF[kind]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return self._refused("malformed", "a command is an object with kind and patient")
        if not isinstance(patient, str):
            return self._refused("malformed", "a patient is a text")
        if not person.may(act, self._sight.ward_of(patient)):
            self._doors.audit(person, act, patient, self._sight.ward_of(patient), "refused")
            return self._refused("forbidden", f"you may not {kind} here: {_who_may(act)} of the ward may")
        try:
            order = order_of(person, kind, said)
        except UsageError as error:
            return self._refused("malformed", str(error))
        try:
            answer = await self._desk.order(order, person)
        except (BrokerUnreachable, VigilError) as error:
            if isinstance(error, Busy):
                raise
            answer = None
        self._metrics.orders.labels(answer.outcome if answer else "unanswered").inc()
        if answer is None:
            return problem("unanswered", "it takes effect when a worker judges the patient", id=order.id)
        return found(
            {
                "id": order.id,
                "outcome": answer.outcome,
                "reason": answer.reason,
                "alerts": list(answer.alerts),
            }
        )

    def _counted(self, request: web.Request) -> dict[str, Any]:
        shift_h = _number(request, "shift_h", 8, 1, SHIFT_H_MAX)
        offset_min = _number(request, "utc_offset_min", 0, -OFFSET_MIN_MAX, OFFSET_MIN_MAX)
        wards = self._sight.listed(person_of(request))
        return self._intake.starts.load(_now_ms(), shift_h * HOUR_MS, offset_min * 60_000, wards)

    def _unseen(self, request: web.Request, patient: str) -> web.Response | None:
        """Return the refusal for a bed that is not there or that the person may not view: the same for both."""
        if self._sight.opens(person_of(request), patient):
            return None
        return self._refused("not-found", NO_BED)

    def _refused(self, kind: str, detail: str) -> web.Response:
        self._metrics.refused.labels(kind).inc()
        return problem(kind, detail)


def _who_may(act: Act) -> str:
    """Return the roles that may do an act."""
    return ", ".join(role for role, acts in MAY.items() if act in acts)


def _number(request: web.Request, name: str, usual: int, low: int, high: int) -> int:
    """Return a whole number of the address, within its bounds.

    Raises:
        web.HTTPBadRequest: it is none.
    """
    text = request.query.get(name)
    if text is None:
        return usual
    try:
        return min(max(int(text), low), high)
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} is a whole number") from None


def _now_ms() -> int:
    return int(time.time() * 1000)
