"""Who is on which device at which time: a pure function of all that was told, whatever the order it came in.

A report that a person has confirmed stands above all; below it, reports that nobody confirmed and what follows from
ADT and Encounters (the device stands at a bed, the patient is in it) count alike. Where those of one rank name several
patients, the device is on nobody: better a stream of its own than another's readings.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

from edge.gateway.adt_stays import FOREVER, Stay, effective, stays_in, stays_of
from edge.gateway.named_places import NamedPlaces
from streams.contracts.association import Association, Fact, Heard, Movement, NamedPlace, Placement, Visit

Source = Literal["pcim", "fhir", "command", "adt", ""]
Told = TypeVar("Told", bound=Fact)


@dataclass(frozen=True, slots=True)
class Span:
    """Whom a device is on in [`from_ms`, `until_ms`); no `patient` = on nobody, `contested` if several are named.

    `also` are further senders of ADT who say the same: it is believed as long as any of them is.
    """

    from_ms: int
    until_ms: int
    patient: str = ""
    source: Source = ""
    reporter: str = ""
    validated: bool = False
    contested: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Effect(NamedTuple):
    """What a record changes: who is on these devices, and up to when ADT is believed."""

    devices: set[str]
    is_believed_longer: bool = False


class Facts:
    """What was told, by the record's key, and what follows of each device.

    Args:
        adt_bound_ms: what ADT says is believed for so long beyond the newest message of its sender.
    """

    def __init__(self, adt_bound_ms: int) -> None:
        self._bound_ms = adt_bound_ms
        self.by_key: dict[bytes, Fact] = {}
        self.heard_ms: dict[str, int] = {}
        """Up to when each sender's ADT messages have come."""
        self._told: dict[str, dict[bytes, Association]] = defaultdict(dict)
        self._told_as: dict[str, set[str]] = defaultdict(set)
        self._placed: dict[str, dict[bytes, Placement]] = defaultdict(dict)
        self._visited: dict[str, dict[bytes, Visit]] = defaultdict(dict)
        self.named = NamedPlaces()
        """What senders call places."""
        self._moved: dict[str, dict[bytes, Movement]] = defaultdict(dict)
        self._heirs: dict[str, set[str]] = defaultdict(set)
        self._stays: dict[str, tuple[Stay, ...]] = {}
        self._stays_by_adt: dict[str, tuple[Stay, ...]] = {}
        self._in_bed: dict[str, set[str]] = defaultdict(set)
        self._devices_at: dict[str, set[str]] = defaultdict(set)
        self._spans: dict[str, tuple[Span, ...]] = {}

    def emptied(self) -> "Facts":
        """Return facts of the same bound of which none has been told."""
        return Facts(self._bound_ms)

    def apply(self, key: bytes, fact: Fact | None, append_ms: int) -> Effect:
        """Take a record in, None = it was forgotten.

        `append_ms` is when the broker took it: no message is believed to be from later.
        """
        before = self.by_key.pop(key, None)
        if fact is not None:
            self.by_key[key] = fact
        found = self._take(key, before, remove=True) | self._take(key, fact, remove=False)
        for device in found:
            self._spans.pop(device, None)
        if isinstance(fact, Movement | Heard | Visit) and fact.event_ts_ms is not None:
            heard = min(fact.event_ts_ms, append_ms)
            if heard > self.heard_ms.get(fact.reporter, -1):
                self.heard_ms[fact.reporter] = heard
                return Effect(found, is_believed_longer=True)
        return Effect(found)

    def _take(self, key: bytes, fact: Fact | None, remove: bool) -> set[str]:
        if isinstance(fact, Association):
            _put(self._told[fact.device], key, None if remove else fact)
            self._told_as[fact.id].discard(fact.device) if remove else self._told_as[fact.id].add(fact.device)
            return {fact.device}
        if isinstance(fact, Placement):
            _put(self._placed[fact.device], key, None if remove else fact)
            for place in {p.place for p in self._placed[fact.device].values()} | {fact.place}:
                if place is not None:
                    self._devices_at[place].add(fact.device)
            return {fact.device}
        if isinstance(fact, Movement):
            names = [fact.patient, *([fact.prior_patient] if fact.prior_patient else [])]
            for name in names:
                _put(self._moved[name], key, None if remove else fact)
            if fact.prior_patient:
                self._heirs[fact.prior_patient].add(fact.patient)
            return self._settle(names)
        if isinstance(fact, Visit):
            _put(self._visited[fact.patient], key, None if remove else fact)
            return self._settle([fact.patient])
        if isinstance(fact, NamedPlace):
            self.named.put(fact, is_gone=remove)
        return set()

    @contextmanager
    def supposing(self, fact: Fact, now_ms: int) -> Iterator[None]:
        """Count this as told for as long as this lasts; nobody else may ask in between."""
        before, heard_ms = self.by_key.get(fact.key), self.heard_ms
        self.heard_ms = dict(heard_ms)
        self.apply(fact.key, fact, now_ms)
        try:
            yield
        finally:
            self.apply(fact.key, before, now_ms)
            self.heard_ms = heard_ms

    def _settle(self, patients: Iterable[str]) -> set[str]:
        """Work out anew where patients are, and those who inherit a place; return the devices concerned."""
        waiting, done, places = list(patients), set[str](), set[str]()
        while waiting:
            patient = waiting.pop()
            if patient in done:
                continue
            done.add(patient)
            waiting += self._heirs.get(patient, ())
            before = self._stays.get(patient, ())
            by_adt = stays_of(patient, list(self._moved[patient].values()), self._place_before)
            self._stays_by_adt[patient] = by_adt
            after = self._stays[patient] = by_adt + stays_in(self._visited[patient].values())
            for stay in before:
                self._in_bed[stay.place].discard(patient)
            for stay in after:
                self._in_bed[stay.place].add(patient)
            places |= {stay.place for stay in (*before, *after)}
        return {device for place in places for device in self._devices_at.get(place, ())}

    def _place_before(self, patient: str, ms: int) -> str | None:
        place = None
        for movement in effective(self._moved[patient].values()):
            if movement.event_ts_ms > ms or movement.what == "merge":
                break
            place = None if movement.what == "discharge" else movement.place or place
        return place

    def placed_devices(self) -> set[str]:
        """Return the devices that ADT may put on somebody."""
        return {device for device, placed in self._placed.items() if placed}

    def devices(self) -> list[str]:
        """Return every device of which something was told."""
        return sorted(
            {device for known in (self._told, self._placed) for device, told in known.items() if told}
        )

    def reports(self, device: str) -> list[Association]:
        """Return what was reported of a device."""
        return list(self._told[device].values()) if device in self._told else []

    def movements(self) -> dict[str, list[Movement]]:
        """Return what ADT said, by patient."""
        return {patient: list(moved.values()) for patient, moved in self._moved.items() if moved}

    def devices_of(self, report: str) -> set[str]:
        """Return the devices that are on somebody, for however long, by what was told under this id."""
        return {device for device in self._told_as.get(report, ()) if self._holds(device, report)}

    def _holds(self, device: str, report: str) -> bool:
        told = [one for one in self._told[device].values() if one.id == report]
        return any(one.until_ts_ms is None or one.until_ts_ms > one.from_ts_ms for one in told)

    def place(self, device: str, ms: int) -> str | None:
        """Return where a device stands at a time."""
        return next((p for p, a, b in self._places(device) if a <= ms < b), None)

    def patient_place(self, patient: str, ms: int) -> str | None:
        """Return where a patient is at a time, as ADT says."""
        stays = self._stays_by_adt.get(patient, ())
        return next((s.place for s in stays if s.from_ms <= ms < s.until_ms), None)

    def believed_ms(self, reporter: str) -> int:
        """Return up to when a sender's ADT is believed."""
        return self.heard_ms.get(reporter, -self._bound_ms - 1) + self._bound_ms

    def spans(self, device: str) -> tuple[Span, ...]:
        """Return whom a device is on, rising and without gaps from the first that is known; empty = nothing is known.

        What ADT says is in it also where it is not believed: see `streams_of`.
        """
        found = self._spans.get(device)
        if found is None:
            found = self._spans[device] = self._work_out(device)
        return found

    def streams_of(self, device: str) -> tuple[tuple[int, int, str], ...]:
        """Return (from, until, patient) of a device as far as it is believed, "" = nobody; adjacent ones differ."""
        found: list[tuple[int, int, str]] = []
        for span in self.spans(device):
            end = span.until_ms
            if span.source == "adt":
                believed_ms = max(self.believed_ms(one) for one in (span.reporter, *span.also))
                end = max(span.from_ms, min(end, believed_ms + 1))
            for a, b, patient in ((span.from_ms, end, span.patient), (end, span.until_ms, "")):
                if a < b and found and found[-1][2] == patient:
                    found[-1] = (found[-1][0], b, patient)
                elif a < b:
                    found.append((a, b, patient))
        return tuple(found)

    def _places(self, device: str) -> list[tuple[str, int, int]]:
        placed = sorted(self._placed.get(device, {}).values(), key=lambda p: (p.from_ts_ms, p.id))
        if not placed:
            return []
        ends = [*(p.from_ts_ms for p in placed[1:]), FOREVER]
        return [(p.place, p.from_ts_ms, end) for p, end in zip(placed, ends, strict=True) if p.place]

    def _work_out(self, device: str) -> tuple[Span, ...]:
        confirmed: list[Span] = []
        others: list[Span] = []
        for told in self._told.get(device, {}).values():
            until = FOREVER if told.until_ts_ms is None else told.until_ts_ms
            span = Span(told.from_ts_ms, until, told.patient, told.source, told.reporter, told.validated)
            (confirmed if told.validated else others).append(span)
        for place, placed, moved in self._places(device):
            for patient in self._in_bed.get(place, ()):
                for stay in self._stays[patient]:
                    a, b = max(placed, stay.from_ms), min(moved, stay.until_ms)
                    if stay.place == place and a < b:
                        others.append(Span(a, b, patient, "adt", stay.reporter))
        return _resolved(confirmed, others, [placed for _, placed, _ in self._places(device)])


def _put(into: dict[bytes, Told], key: bytes, fact: Told | None) -> None:
    if fact is None:
        into.pop(key, None)
    else:
        into[key] = fact


def _resolved(confirmed: list[Span], others: list[Span], known_ms: list[int]) -> tuple[Span, ...]:
    """Return who is on a device; from `known_ms` on it is on nobody where nobody is named."""
    bounds = {*known_ms} | {ms for span in (*confirmed, *others) for ms in (span.from_ms, span.until_ms)}
    found: list[Span] = []
    for a, b in pairwise(sorted({*bounds, FOREVER})):
        claims = [span for span in confirmed if span.from_ms <= a < span.until_ms] or [
            span for span in others if span.from_ms <= a < span.until_ms
        ]
        patients = sorted({span.patient for span in claims})
        if len(patients) == 1:
            # What was reported hangs on no ADT that may fall silent.
            best = min(claims, key=lambda span: (span.source == "adt", span.from_ms, span.reporter))
            also = {one.reporter for one in claims} - {best.reporter} if best.source == "adt" else ()
            who = best.patient, best.source, best.reporter, best.validated
            now = Span(a, b, *who, also=tuple(sorted(also)))
        else:
            now = Span(a, b, contested=tuple(patients))
        last = found[-1] if found else None
        if last is not None and _same(last, now):
            found[-1] = Span(last.from_ms, b, *_said(last))
        else:
            found.append(now)
    return tuple(found)


def _said(span: Span) -> tuple[str, Source, str, bool, tuple[str, ...], tuple[str, ...]]:
    return span.patient, span.source, span.reporter, span.validated, span.contested, span.also


def _same(one: Span, other: Span) -> bool:
    return _said(one) == _said(other)
