"""Takes reports of who is on which device, refuses what contradicts, and stores the rest; several may write at once."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from pydantic import ValidationError

from edge.gateway.accept import FOREIGN_DEVICE, Door, Refusal, Sender
from edge.gateway.adt_stays import FOREVER
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.reports import AdtEvent, AssociationReport, PlaceReport, Report, VisitReport
from edge.gateway.visits import named_place_of, visit_of
from streams.contracts.association import KEPT_MS, REPORTS_MAX, Association, Fact, Heard, Movement
from streams.contracts.topics import ASSOCIATIONS

HEARD_EVERY_MS: Final = 10_000
"""An ADT message that says nothing new of a place is noted when it is so much newer than the last that was."""

NAMES_NOBODY: Final = Refusal(
    "not-allowed", "you may not say who a patient is: names_patients is not set for you"
)
"""Else a device, which may send for itself only, could turn the frames of every other one."""

ELSEWHERE: Final = "device is associated with another patient: release it there first"


class KafkaRegistrar:
    """The `Registrar` of a gateway.

    Args:
        door: the way into Kafka.
        filing: this gateway's view, which takes in at once what is stored.
        now_ms: the clock, for what the view takes in before it comes back from Kafka.
    """

    def __init__(self, door: Door, filing: Filing, now_ms: Callable[[], int]) -> None:
        self._door = door
        self._filing = filing
        self._now_ms = now_ms
        self._one_at_a_time = asyncio.Lock()

    async def take(
        self, sender: Sender, reports: Sequence[Report], together: bool = False
    ) -> list[Refusal | None]:
        """Store reports in their order, each judged by those before it; `together`: none where one is refused.

        Raises:
            Busy: there is no room; the first of them may be stored.
            NotStored: it is not known whether Kafka has all of them.
        """
        if not sender.names_patients:
            return [NAMES_NOBODY] * len(reports)
        async with self._one_at_a_time:
            if together and any(refused := self._supposed(sender, reports)):
                return refused
            return [await self._told(sender, report) for report in reports]

    async def _told(self, sender: Sender, report: Report) -> Refusal | None:
        fact = self._fact(sender, report)
        if isinstance(fact, Refusal):
            return fact
        if not isinstance(fact, Movement) or not says_nothing_new(self._filing.facts, fact):
            await self._store(fact)
        elif min(fact.event_ts_ms, self._now_ms()) >= self._heard_ms(fact.reporter) + HEARD_EVERY_MS:
            await self._store(Heard(reporter=fact.reporter, event_ts_ms=fact.event_ts_ms))
        return None

    def _supposed(self, sender: Sender, reports: Sequence[Report]) -> list[Refusal | None]:
        """Return what would be refused if all were told, without telling anything."""
        refused: list[Refusal | None] = []
        with ExitStack() as all_before:
            for report in reports:
                fact = self._fact(sender, report)
                refused.append(fact if isinstance(fact, Refusal) else None)
                if not isinstance(fact, Refusal):
                    all_before.enter_context(self._filing.facts.supposing(fact, self._now_ms()))
        return refused

    def _fact(self, sender: Sender, report: Report) -> Fact | Refusal:
        """Return what a report says as a record, or why it cannot stand beside what is known."""
        facts, now_ms = self._filing.facts, self._now_ms()
        try:
            if isinstance(report, AdtEvent):
                return _movement(sender, report)
            if isinstance(report, VisitReport):
                return visit_of(facts, sender.name, report, now_ms)
            if isinstance(report, PlaceReport):
                return named_place_of(facts, sender.name, report)
            if not sender.may_send_for(report.device):
                return FOREIGN_DEVICE
            fact = _association(facts, report)
        except ValidationError as error:
            return _invalid(error)
        return (refusal_of(facts, fact, now_ms) if isinstance(fact, Association) else None) or fact

    def _heard_ms(self, reporter: str) -> int:
        return self._filing.facts.heard_ms.get(reporter, -HEARD_EVERY_MS)

    async def _store(self, fact: Fact) -> None:
        if self._filing.facts.by_key.get(fact.key) == fact:
            return  # it came from Kafka
        await self._door.store(ASSOCIATIONS, fact.key, fact.model_dump_json().encode())
        self._filing.anticipate(fact, self._now_ms())


def _movement(sender: Sender, event: AdtEvent) -> Movement | Refusal:
    fact = Movement(
        id=event.id,
        what=event.kind,
        patient=event.patient,
        place=event.place,
        prior_patient=event.prior_patient,
        prior_place=event.prior_place,
        event_ts_ms=event.event_ms,
        reporter=sender.name,
    )
    if fact.what == "merge" and (fact.prior_patient is None or fact.prior_patient == fact.patient):
        return Refusal("invalid", "merge: names no other patient who is merged away (MRG-1)")
    return fact


def _association(facts: Facts, report: AssociationReport) -> Association | Refusal:
    begun = begun_by(facts, report)
    if begun is None:
        return Refusal("no-beginning", "nothing is known of the association that this ends or confirms")
    return Association(
        id=begun[0],
        device=report.device,
        patient=report.patient,
        from_ts_ms=begun[1],
        until_ts_ms=report.until_ms,
        reporter=report.reporter,
        source=report.source,
        validated=report.validated,
    )


def begun_by(facts: Facts, report: AssociationReport) -> tuple[str, int] | None:
    """Return id and beginning of the association that a report is about, None if it says none and none is known.

    An end or a confirmation may leave the beginning out: then it is about what was told under its id, or about the
    device's open association with the patient.
    """
    if report.from_ms is not None:
        return report.id, report.from_ms
    known = [told for told in facts.reports(report.device) if told.patient == report.patient]
    same = [told for told in known if told.id == report.id]
    found = same or sorted(
        (told for told in known if told.until_ts_ms is None), key=lambda told: told.from_ts_ms
    )
    return (found[-1].id, found[-1].from_ts_ms) if found else None


def refusal_of(facts: Facts, fact: Association, now_ms: int) -> Refusal | None:
    """Return why an association cannot stand beside what is known, None if it can."""
    until_ms = FOREVER if fact.until_ts_ms is None else fact.until_ts_ms
    if until_ms < fact.from_ts_ms:  # what was told wrongly ends where it began
        return Refusal("invalid", "the association ends before it begins")
    if until_ms < now_ms - KEPT_MS:
        return Refusal("too-old", f"the association ended more than {KEPT_MS // 86_400_000} days ago")
    if fact.source == "fhir" and facts.devices_of(fact.id) - {fact.device}:
        return Refusal(
            "other-device",
            "this association is of another device: end it or mark it as an error, then make one",
        )
    others = [other for other in facts.reports(fact.device) if other.key != fact.key]
    if len(others) >= REPORTS_MAX:
        return Refusal("too-many-associations", f"the device has {REPORTS_MAX} associations of the last days")
    claims = [
        (other.from_ts_ms, FOREVER if other.until_ts_ms is None else other.until_ts_ms, other.patient)
        for other in others
        if other.validated or not fact.validated
    ]
    if not fact.validated:
        claims += [(s.from_ms, s.until_ms, s.patient) for s in facts.spans(fact.device) if s.source == "adt"]
    if any(a < until_ms and fact.from_ts_ms < b and patient != fact.patient for a, b, patient in claims):
        return Refusal("device-associated", ELSEWHERE)
    return None


def says_nothing_new(facts: Facts, fact: Movement) -> bool:
    """Return whether an ADT message leaves everybody where they are."""
    if fact.what != "update":
        return False
    return fact.place is None or facts.patient_place(fact.patient, fact.event_ts_ms) == fact.place


def _invalid(error: ValidationError) -> Refusal:
    """Return what is wrong, without the value: it may be a name."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return Refusal("invalid", f"{'.'.join(map(str, first['loc']))}: {first['type'].replace('_', ' ')}")
