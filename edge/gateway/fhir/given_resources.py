"""The resources of one request: what the registrar and the door make of them, and the answer that says so."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiohttp import web

from edge.gateway.accept import Busy, Filing, NotStored, Reading, Refusal, Sender
from edge.gateway.fhir import outcomes
from edge.gateway.fhir.fhir_readings import Seen, frames_of
from edge.gateway.reports import PlaceReport, Registrar, Report, VisitReport

BASE: Final = "/fhir"
OBSERVATION: Final = "Observation"
REGISTER_S_MAX: Final = 10.0
"""So long Kafka may take for all that says who is where; what it has by then, a resend skips."""

BUSY_S: Final = 1.0

NOT_STORED_WITH_IT: Final = Refusal(
    "transaction", "another entry was refused, so nothing of this transaction is stored"
)

PART_STORED: Final = Refusal(
    "part-stored", "Kafka has the other entries of this transaction, which nobody can take back"
)
"""Records are refused by Kafka one by one, when others are there already."""


class Stated(NamedTuple):
    """A resource that says who is where: its type, the id that it has here, and the report."""

    kind: str
    number: str
    report: Report


Item = Seen | Stated | Refusal


class Telling(NamedTuple):
    """Whom reports are told to: the registrar, while what is known of the devices is young enough."""

    registrar: Registrar
    filing: Filing

    async def tell(self, sender: Sender, reports: Sequence[Report], together: bool) -> list[Refusal | None]:
        """Return what became of each; raises Busy and NotStored as the registrar does."""
        if not self.filing.is_current():
            raise Busy("who is on which device is not known well enough", BUSY_S)
        try:
            async with asyncio.timeout(REGISTER_S_MAX):
                return await self.registrar.take(sender, reports, together)
        except TimeoutError:
            raise NotStored(f"Kafka has not acknowledged all of it within {REGISTER_S_MAX:g} s") from None


class GivenResources:
    """The resources of one request: each as read, or why it is not taken.

    Args:
        items: in their order.
        sender: whose they are.
        telling: takes what says who is where.
        interval_ms: how often the sender reports.
        kind: `batch` or `transaction`, empty where there is no bundle.
    """

    def __init__(
        self, items: Sequence[Item], sender: Sender, telling: Telling, interval_ms: int, kind: str = ""
    ) -> None:
        self._sender, self._telling, self._kind = sender, telling, kind
        self._refusals = [item if isinstance(item, Refusal) else None for item in items]
        self._names = [_name_of(item) for item in items]
        stated = [(place, item) for place, item in enumerate(items) if isinstance(item, Stated)]
        # What others refer to comes first, wherever it stands.
        self._stated = sorted(stated, key=lambda one: _turn(one[1].report))
        self._is_frame = [isinstance(item, Seen) for item in items]
        self._readings, self._where = frames_of(
            [item for item in items if isinstance(item, Seen)], interval_ms
        )
        if any(self._refusals):
            self._refuse_all_with_it()

    async def register(self) -> None:
        """Tell what says who is where; before the readings, which are filed by it."""
        if not self._stated:
            return
        reports = [one.report for _, one in self._stated]
        results = await self._telling.tell(self._sender, reports, self._kind == "transaction")
        for (place, _), result in zip(self._stated, results, strict=True):
            self._refusals[place] = result
        if any(results):
            self._refuse_all_with_it()

    def hand_over(self) -> list[Reading]:
        """Return the frames, and keep them no longer."""
        readings, self._readings = self._readings, []
        return readings

    def results(self, stored: Sequence[Refusal | None]) -> list[Refusal | None]:
        """Return what became of each resource."""
        where = iter(self._where)
        return [
            stored[next(where)] if is_frame and one is None else one
            for is_frame, one in zip(self._is_frame, self._refusals, strict=True)
        ]

    def answer(self, results: Sequence[Refusal | None]) -> web.Response:
        """Return 201 or why not; of a batch what became of each entry; of a transaction, all or why not."""
        if not self._kind:
            return self._answer_one(results[0])
        if self._kind == "transaction" and any(results):
            issues = [
                outcomes.issue_of(one.reason, one.detail, f"Bundle.entry[{place}]")
                for place, one in enumerate(results)
                if one is not None and one is not NOT_STORED_WITH_IT
            ]
            if all(results):
                return outcomes.said(400, outcomes.outcome_of(issues))
            issues.append(outcomes.issue_of(PART_STORED.reason, PART_STORED.detail, "Bundle"))
            return outcomes.said(500, outcomes.outcome_of(issues))
        entries = [outcomes.entry_of(one, *name) for one, name in zip(results, self._names, strict=True)]
        return outcomes.said(
            200, {"resourceType": "Bundle", "type": f"{self._kind}-response", "entry": entries}
        )

    def _answer_one(self, result: Refusal | None) -> web.Response:
        if result is not None:
            issue = outcomes.issue_of(result.reason, result.detail)
            return outcomes.said(outcomes.status_of(result), outcomes.outcome_of([issue]))
        location = f"{BASE}/{outcomes.location_of(*self._names[0])}"
        return web.Response(status=201, headers={"Location": location, "ETag": outcomes.ETAG})

    def _refuse_all_with_it(self) -> None:
        """Leave out all of a transaction of which something is refused."""
        if self._kind == "transaction":
            self._refusals = [one or NOT_STORED_WITH_IT for one in self._refusals]
            self._readings, self._stated = [], []


def _turn(report: Report) -> int:
    if isinstance(report, PlaceReport):
        return 0
    return 1 if isinstance(report, VisitReport) else 2


def _name_of(item: Item) -> tuple[str, str]:
    """Return type and id of a resource."""
    if isinstance(item, Stated):
        return item.kind, item.number
    return OBSERVATION, item.number if isinstance(item, Seen) else ""
