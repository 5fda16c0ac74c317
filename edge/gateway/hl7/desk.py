"""What becomes of one message: read, stored through the door or handed to the registrar, answered."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from edge.gateway.accept import FOREIGN_DEVICE, Busy, Door, Filing, NotStored, Reading, Refusal, Sender
from edge.gateway.hl7.acks import NO_HEADER, answer
from edge.gateway.hl7.adt import read_adt
from edge.gateway.hl7.bedside_alarms import Alarms, nothing_found
from edge.gateway.hl7.framing import Broken
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.observations import Observations
from edge.gateway.hl7.pcim import is_association, may_be_association, read_association
from edge.gateway.hl7.profile import USUAL, Profile
from edge.gateway.hl7.split import Header, read_header, read_segments
from edge.gateway.reports import AdtEvent, AssociationReport, Registrar, Report
from streams.contracts.alert import Alert
from streams.contracts.topics import ALERTS
from streams.decoding.wire_frames import WireFrame

HOLD_S_MAX: Final = 5.0
"""So long a message waits where Kafka has no room or says nothing, before its sender is told. HAPI's client waits 10 s
for an answer, most engines 30 s: one that hears AE or CE in time can decide, one that hears nothing only guesses."""

MESSAGE_ID_BYTES_MAX: Final = 199
"""HL7 2.7, MSH-10."""

HOLD_STEP_S_MIN: Final = 0.05
HOLD_STEP_S_MAX: Final = 1.0


BUSY: Final = Refusal("busy", "there is no room now: send it again later")
NOT_STORED: Final = Refusal("not-stored", "Kafka has not said that it has it: send it again")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection: its address, and the names of its certificate if it showed one."""

    address: str
    certificate_names: tuple[str, ...] | None = None


Identify = Callable[[Peer, str, str], Sender | Refusal]
"""Says which sender a message is of, by the peer and MSH-3 and MSH-4 (their text, components included)."""


class Counted(Protocol):
    """Counts what becomes of messages; reasons are of a fixed vocabulary."""

    def answered(self, results: Sequence[Refusal | None], took_s: float) -> None:
        """Count the readings of a message."""

    def refused(self, reason: str) -> None:
        """Count a message, or an observation in one, that was not taken as it is."""


@dataclass(slots=True)
class Taken:
    """A message as read, and what is to be stored of it; `silent` = it gets no answer."""

    header: Header
    profile: Profile = USUAL
    sender: Sender | None = None
    refusal: Refusal | None = None
    silent: bool = False
    readings: list[Reading] = field(default_factory=list)
    alerts: list[tuple[str, str, Alert]] = field(default_factory=list)
    report: AssociationReport | None = None
    events: list[AdtEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages are taken and answered.

    Args:
        door: the way into Kafka.
        registrar: takes associations and admissions.
        identify: says who sends.
        profile_of: returns what is set for a sender, by its name.
        filing: says whose an alarm is.
        patients: make the ids of patients.
        counted: counts.
    """

    door: Door
    registrar: Registrar
    identify: Identify
    profile_of: Callable[[str], Profile]
    filing: Filing
    patients: Patients
    counted: Counted

    def take(self, block: bytes, peer: Peer) -> Taken:
        """Read a message."""
        header = read_header(block)
        if header is None:
            return Taken(
                NO_HEADER, refusal=Refusal("no-header", "a message begins with MSH, its signs and fields")
            )
        taken = Taken(header)
        if header.component(9, 1) == "ACK":
            # An answer to an answer would be answered in turn, for ever.
            taken.silent, taken.refusal = True, Refusal("acknowledgement", "answers are not answered")
            return taken
        sender = self.identify(peer, header.text(3), header.text(4))
        if isinstance(sender, Refusal):
            taken.refusal = sender
            return taken
        taken.sender, taken.profile = sender, self.profile_of(sender.name)
        if not 0 < len(header.field(10).strip()) <= MESSAGE_ID_BYTES_MAX:
            taken.refusal = Refusal(
                "no-id", f"MSH-10 names the message, in at most {MESSAGE_ID_BYTES_MAX} bytes"
            )
            return taken
        if header.component(11, 1).strip().upper() not in taken.profile.processing:
            taken.refusal = Refusal("not-production", "MSH-11 says that these are no real readings")
            return taken
        segments = read_segments(block, header, taken.profile.charset)
        if isinstance(segments, Refusal):
            taken.refusal = segments
            return taken
        self._read(taken, block, segments[1:], sender)
        return taken

    def _read(self, taken: Taken, block: bytes, segments: list[str], sender: Sender) -> None:
        header, profile, kind = taken.header, taken.profile, taken.header.kind
        if kind == "ORU^R01":
            if may_be_association(block) and is_association(segments, header.marks):
                report = read_association(header, segments, profile, self.patients, sender.name)
                if isinstance(report, Refusal):
                    taken.refusal = report
                else:
                    taken.report = report
                return
            observed = Observations(header, profile, self.patients).read(segments)
            self._frames(taken, observed.frames, observed.faults)
            if not observed.frames:
                taken.refusal = _none_found(observed.faults)
        elif kind == "ORU^R40":
            told = Alarms(header, profile, self.patients).read(segments)
            self._frames(taken, told.frames, told.faults)
            taken.alerts, taken.refusal = told.alerts, nothing_found(told)
        elif kind.startswith("ADT^"):
            events = read_adt(header, segments, profile, self.patients)
            if isinstance(events, Refusal):
                taken.refusal = events
            else:
                taken.events = events
        else:
            taken.refusal = Refusal("message-type", "taken are ORU^R01, ORU^R40 and ADT")

    def _frames(self, taken: Taken, frames: list[WireFrame], faults: list[str]) -> None:
        taken.readings = [Reading(frame) for frame in frames]
        for fault in faults:
            self.counted.refused(fault)

    async def settle(self, run: Sequence[Taken]) -> list[bytes]:
        """Store messages in their order and return their answers, each of which may be empty.

        The readings of neighbours go through the door together: they are stored, or tried again, as one, and so none
        overtakes another.
        """
        began_s = time.monotonic()
        for group in _groups(run):
            await self._settle_group(group, began_s)
        return [self._answer(taken) for taken in run]

    @staticmethod
    def _answer(taken: Taken) -> bytes:
        return b"" if taken.silent else answer(taken.header, taken.refusal, taken.profile.acks)

    async def _settle_group(self, group: Sequence[Taken], began_s: float) -> None:
        first = group[0]
        results: list[Refusal | None] = [first.refusal]
        if first.refusal is None:
            results = await self._stored(group)
        took_s = time.monotonic() - began_s
        self.counted.answered(results, took_s)
        if len(group) == 1:
            first.refusal = next((one for one in results if one is not None), None)
            return
        at = 0
        for taken in group:
            own = results[at : at + len(taken.readings)]
            taken.refusal = next((one for one in own if one is not None), None)
            at += len(taken.readings)

    def answer_broken(self, broken: Broken, peer: Peer) -> bytes:
        """Return the answer to what is no message, naming it where its beginning shows an id."""
        self.counted.refused(broken.reason)
        refusal = Refusal(broken.reason, _BROKEN[broken.reason])
        header = read_header(broken.head)
        if header is None:
            return answer(NO_HEADER, refusal, "original")
        if header.component(9, 1) == "ACK":
            return b""
        sender = self.identify(peer, header.text(3), header.text(4))
        profile = USUAL if isinstance(sender, Refusal) else self.profile_of(sender.name)
        return answer(header, refusal, profile.acks)

    async def _stored(self, group: Sequence[Taken]) -> list[Refusal | None]:
        """Store a group, again where there was no room, for a bounded time; a result for each thing stored."""
        until_s = asyncio.get_running_loop().time() + HOLD_S_MAX
        # The door writes into a frame whom it filed it under; another try must know whom the sender named.
        named = [(one.frame, one.frame.patient) for taken in group for one in taken.readings]
        while True:
            try:
                return await self._store(group, until_s)
            except Busy as busy:
                refusal = BUSY
                wait_s = min(max(busy.retry_after_s, HOLD_STEP_S_MIN), HOLD_STEP_S_MAX)
            except (NotStored, TimeoutError):
                refusal = NOT_STORED
                wait_s = HOLD_STEP_S_MAX
            left_s = until_s - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, min(wait_s, left_s)))
            if wait_s >= left_s:
                return [refusal] * max(1, len(named))
            for frame, patient in named:
                frame.patient = patient

    async def _store(self, group: Sequence[Taken], until_s: float) -> list[Refusal | None]:
        """Store a group once, until then at most.

        Raises:
            Busy: there is no room.
            NotStored: it is not known whether Kafka has it.
            TimeoutError: likewise.
        """
        first, sender = group[0], group[0].sender
        assert sender is not None  # `take` refuses who is not known
        results: list[Refusal | None] = []
        goes_by_view = first.alerts or first.events or first.report is not None
        if goes_by_view and not self.filing.is_current():
            raise Busy("who is on which device is not known well enough", HOLD_STEP_S_MAX)
        if first.readings:
            together = (
                first.readings if len(group) == 1 else [one for taken in group for one in taken.readings]
            )
            wait_s = until_s - asyncio.get_running_loop().time()
            results += await self.door.readings(sender, together, wait_s)
        if goes_by_view:
            async with asyncio.timeout_at(until_s):
                results += await self._store_others(first, sender)
        return results or [None]

    async def _store_others(self, first: Taken, sender: Sender) -> list[Refusal | None]:
        """Store what a message has beside readings."""
        results: list[Refusal | None] = []
        for device, named, alert in first.alerts:
            if not sender.may_send_for(device):
                results.append(FOREIGN_DEVICE)
                continue
            stream = self.filing.patient_at(device, alert.event_ts_ms, named if sender.names_patients else "")
            value = alert.model_copy(update={"patient": stream}).model_dump_json().encode()
            await self.door.store(ALERTS, stream.encode(), value)
            results.append(None)
        reports: list[Report] = [*first.events]
        if first.report is not None:
            reports.append(first.report)
        if reports:
            results += await self.registrar.take(sender, reports)
        return results


_BROKEN: Final[dict[str, str]] = {
    "no-start": "text that no VT began",
    "no-end": "a message that no FS ended before the next one began: its end may be missing",
    "too-long": "a message longer than is taken",
    "not-mllp": "this speaks no MLLP: VT, message, FS, CR",
    "too-slow": "a message that did not end in time",
}


def _none_found(faults: Sequence[str]) -> Refusal:
    """Return why a result message holds no observation; what was left out of it says it best."""
    reason = next(
        (one for one in faults if one in ("no-device", "damaged-device", "no-time")), "no-observation"
    )
    return Refusal(reason, "no observation that Vigil takes, with a device and a time, was found")


def _groups(run: Sequence[Taken]) -> Iterator[Sequence[Taken]]:
    """Split a run into neighbours that go through the door together: one sender's readings; all else alone."""
    began = 0
    for at, taken in enumerate(run):
        if at > began and not (
            _only_readings(taken) and _only_readings(run[began]) and taken.sender == run[began].sender
        ):
            yield run[began:at]
            began = at
    if run:
        yield run[began:]


def _only_readings(taken: Taken) -> bool:
    return taken.refusal is None and bool(taken.readings) and not taken.alerts
