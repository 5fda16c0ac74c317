"""What the board answers under /fhir: last values as Observations, alarms as Flags, the topic, the CapabilityStatement.

Who may see a bed here is who may see it on the board's pages, and opening one is written down as there.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from edge.board.audience import audience_of
from edge.board.board_access import person_of
from edge.board.events import encode
from edge.board.fhir_capability import board_capability
from edge.board.fhir_search import Kind, Search, search_of
from edge.board.fhir_view import FhirView
from edge.board.metrics import BoardMetrics
from edge.board.responses import NEVER_KEPT
from edge.board.sight import Sight
from edge.fhir.alarm_flags import EVIDENCE_SUFFIX, evidence, flag
from edge.fhir.alarm_topic import TOPIC_ID, subscription_topic
from edge.fhir.elements import instant
from edge.fhir.versions import DEFAULT_VERSION, FhirVersion, content_type, version_asked
from edge.gateway.accept import Refusal
from edge.gateway.fhir.outcomes import issue_of, outcome_of

BASE: Final = "/fhir"
STATUSES: Final[Mapping[str, int]] = {
    "forbidden": 403,
    "not-found": 404,
    "fhir-version": 406,
    "media-type": 406,
    "busy": 503,
}
"""Of refusals; 400 of all others."""

NO_BED: Final = "no such bed in a ward that you may view"
NOT_YET_S: Final = "2"
ID_CHARS_MAX: Final = 64
TURN_S: Final = 0.005
"""How long a search goes on at once [M]: alarms of the board's pages are written between."""

Entry = tuple[str, list[tuple[dict[str, Any], str]]]
"""The place of something among what is found, and its resources, each with why it is there: `match` or `include`."""


class FhirRoutes:
    """Answers programs that have signed in.

    Args:
        sight: who may see which bed.
        view: makes resources.
        metrics: of the board.
        is_ready: whether all that there was has been read.
        public_url: where the board is reached, empty = as it is asked.
    """

    def __init__(
        self,
        sight: Sight,
        view: FhirView,
        metrics: BoardMetrics,
        is_ready: Callable[[], bool],
        public_url: str = "",
    ) -> None:
        self._sight, self._view, self._metrics, self._is_ready = sight, view, metrics, is_ready
        self._public_url = public_url.rstrip("/")

    def add_to(self, app: web.Application) -> None:
        """Add the paths."""
        add = app.router.add_get
        add(f"{BASE}/metadata", self._metadata)
        add(f"{BASE}/SubscriptionTopic", self._topics)
        add(f"{BASE}/SubscriptionTopic/{{id}}", self._topic)
        add(f"{BASE}/{{kind:Observation|Flag}}", self._search)
        add(f"{BASE}/{{kind:Observation|Flag}}/{{id}}", self._read)

    async def _metadata(self, request: web.Request) -> web.Response:
        version = self._version(request)
        if isinstance(version, Refusal):
            return self._refused(version)
        return _said(200, board_capability(self._base(request), version), version)

    async def _topics(self, request: web.Request) -> web.Response:
        version = self._version(request)
        if isinstance(version, Refusal):
            return self._refused(version)
        if request.query:
            return self._refused(Refusal("parameter", "there is one topic: it is not searched for"), version)
        topic = subscription_topic(self._base(request))
        entry = {"fullUrl": topic["url"], "resource": topic, "search": {"mode": "match"}}
        return _said(
            200, _searchset(_now_ms(), f"{self._origin(request)}{request.rel_url}", "", [entry]), version
        )

    async def _topic(self, request: web.Request) -> web.Response:
        version = self._version(request)
        if isinstance(version, Refusal):
            return self._refused(version)
        if request.match_info["id"] != TOPIC_ID:
            return self._refused(Refusal("not-found", "no such topic"), version)
        return _said(200, subscription_topic(self._base(request)), version)

    async def _read(self, request: web.Request) -> web.Response:
        version, name = self._version(request), request.match_info["id"]
        if isinstance(version, Refusal):
            return self._refused(version)
        if request.query:
            return self._refused(Refusal("parameter", "one resource is read without parameters"), version)
        if not self._is_ready():
            return self._busy(version)
        kind, now_ms = request.match_info["kind"], _now_ms()
        found = self._view.read(kind, name, now_ms) if len(name) <= ID_CHARS_MAX else None
        if found is None or not self._sight.opens(person_of(request), found[0]):
            detail = (
                "no such resource of a bed that you may view; last values are searched for, not read by id"
            )
            return self._refused(Refusal("not-found", detail), version)
        return _said(200, found[1], version)

    async def _search(self, request: web.Request) -> web.Response:
        version = self._version(request)
        if isinstance(version, Refusal):
            return self._refused(version)
        kind: Kind = "Flag" if request.match_info["kind"] == "Flag" else "Observation"
        search = search_of(kind, request.query.items())
        if isinstance(search, Refusal):
            return self._refused(search, version)
        if not self._is_ready():
            return self._busy(version)
        patients = self._patients(request, kind, search)
        if isinstance(patients, Refusal):
            return self._refused(patients, version)
        now_ms = _now_ms()
        found = await self._found(kind, patients, search, now_ms)
        more = len(found) > search.count
        base = self._base(request)
        entries = [_entry(one, base, mode) for _, each in found[: search.count] for one, mode in each]
        late = self._view.unjudged(search.patients, now_ms)
        if late:
            entries.append({"resource": _unjudged(late), "search": {"mode": "outcome"}})
        origin, own = self._origin(request), request.rel_url
        after = found[search.count - 1][0] if more else ""
        following = f"{origin}{own.update_query({'_after': after})}" if more else ""
        return _said(200, _searchset(now_ms, f"{origin}{own}", following, entries), version)

    def _patients(self, request: web.Request, kind: Kind, search: Search) -> list[str] | Refusal:
        """Return whose resources are looked through, in order: those that are named, each opened, else a list."""
        person = person_of(request)
        if search.patients is not None:
            # A patient whom nobody knows is refused: an empty list would look as if there were no alarm.
            is_open = [self._sight.opens(person, patient) for patient in dict.fromkeys(search.patients)]
            return sorted({*search.patients}) if all(is_open) else Refusal("not-found", NO_BED)
        if audience_of(person, ()) is None:
            return Refusal("forbidden", "you may not view any ward")
        more = self._sight.of_the_alarm_system() if kind == "Flag" else []
        return sorted({*self._sight.listed(person), *more})

    async def _found(self, kind: Kind, patients: list[str], search: Search, now_ms: int) -> list[Entry]:
        """Return what is asked for behind the place where the page before ended: a page, and one more if there is.

        Alarms to pages do not wait for it: the loop has its turn every `TURN_S`.
        """
        last_patient, _, last = search.after.rpartition("|")
        entries, begun_s = list[Entry](), time.monotonic()
        for patient in patients:
            if patient < last_patient:
                continue
            for place, each in self._of_patient(kind, patient, search, now_ms):
                if patient > last_patient or place > last:
                    entries.append((f"{patient}|{place}", each))
                if len(entries) > search.count:
                    return entries
            if time.monotonic() - begun_s > TURN_S:
                await asyncio.sleep(0)
                begun_s = time.monotonic()
        return entries

    def _of_patient(self, kind: Kind, patient: str, search: Search, now_ms: int) -> Iterator[Entry]:
        if kind == "Observation":
            for place, resource in self._view.observations(patient, search, now_ms):
                yield place, [(resource, "match")]
            return
        for place, alarm in self._view.flags(patient, search, now_ms):
            details = [(evidence(alarm), "include")] if search.has_detail else []
            yield place, [(flag(alarm), "match"), *details]

    def _origin(self, request: web.Request) -> str:
        return self._public_url or f"{request.scheme}://{request.host}"

    def _base(self, request: web.Request) -> str:
        return f"{self._origin(request)}{BASE}"

    def _version(self, request: web.Request) -> FhirVersion | Refusal:
        found = version_asked(request.headers.get("Accept", ""))
        return found or Refusal(
            "fhir-version", "answers are application/fhir+json; fhirVersion is 4.0 or 5.0"
        )

    def _busy(self, version: FhirVersion) -> web.Response:
        answer = self._refused(Refusal("busy", "the board is still reading its topics"), version)
        answer.headers["Retry-After"] = NOT_YET_S
        return answer

    def _refused(self, why: Refusal, version: FhirVersion = DEFAULT_VERSION) -> web.Response:
        self._metrics.refused.labels(why.reason).inc()
        issue = issue_of(why.reason, why.detail)
        return _said(STATUSES.get(why.reason, 400), outcome_of([issue]), version)


def _entry(resource: dict[str, Any], base: str, mode: str) -> dict[str, Any]:
    """Return an entry; a last value has no address of its own, so its id is a UUID."""
    name = resource["id"]
    is_read = resource["resourceType"] == "Flag" or name.endswith(EVIDENCE_SUFFIX)
    full = f"{base}/{resource['resourceType']}/{name}" if is_read else f"urn:uuid:{name}"
    return {"fullUrl": full, "resource": resource, "search": {"mode": mode}}


def _searchset(now_ms: int, own: str, following: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    links = [{"relation": "self", "url": own}]
    if following:
        links.append({"relation": "next", "url": following})
    found = {"resourceType": "Bundle", "type": "searchset", "timestamp": instant(now_ms), "link": links}
    return {**found, "entry": entries} if entries else found


def _unjudged(late: Mapping[int, int | None]) -> dict[str, Any]:
    """Return the warning that what is found may be behind what has happened."""
    until = ", ".join(
        f"{number} ({'never' if ts_ms is None else instant(ts_ms)})" for number, ts_ms in late.items()
    )
    detail = f"what has happened since may not be here: partitions that are not judged now, and until when: {until}"
    return outcome_of([{**issue_of("not-judged", detail), "severity": "warning"}])


def _said(status: int, resource: dict[str, Any], version: FhirVersion) -> web.Response:
    headers = {**NEVER_KEPT, "Content-Type": content_type(version)}
    return web.Response(status=status, body=encode(resource), headers=headers)


def _now_ms() -> int:
    return int(time.time() * 1000)
