"""OBX segments as frames: what was measured, by which device, when; a frame for each device and moment of a message."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from typing import Final

from edge.gateway.hl7.hl7_times import day_of, moment_ms
from edge.gateway.hl7.identifiers import Patients, device_of, eui_64_of, place_of
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.split import Header, part, plain
from edge.gateway.hl7.values import Measured, measured_of
from edge.gateway.numbering import BOOT, numbered
from edge.gateway.opaque_ids import is_damaged
from streams.decoding.wire_frames import WireFrame, frame_with

OBX_FIELDS: Final = 19
"""As many as are looked at, with the segment's name."""

Place = tuple[str, str, int]
"""Patient, device and moment of a frame."""


@dataclass(slots=True)
class Observed:
    """What a message holds: frames in the order of their times, and why something in it became none or null."""

    frames: list[WireFrame]
    faults: list[str]


@lru_cache(maxsize=8_192)
def time_of(own: str, order: str, message: str, marks: str, zone: tzinfo) -> int | None:
    """Return the moment of an observation, ms: OBX-14 before OBR-7 before MSH-7.

    A day alone is no time of a reading. Where the nearer field says only that, the next one counts if it is of that
    day. Behind a field that cannot be read no other one counts.
    """
    day = ""
    for text in (own, order, message):
        stamp = plain(part(text, marks[1], 1), marks) if text else ""
        if not stamp:
            continue
        at_ms = moment_ms(stamp, zone)
        if at_ms is not None:
            return at_ms if stamp.startswith(day) else None
        day = day or day_of(stamp)
        if not day:
            return None
    return None


def message_id(header: Header) -> str:
    """Return what numbers a message's frames: MSH-10 if it is a number, else with its sender (MSH-3, MSH-4)."""
    own = header.field(10).strip()
    if own.isdigit():
        return own.decode()
    return b"\x1f".join((header.field(3), header.field(4), own)).decode("utf-8", "replace")


@dataclass(slots=True)
class Group:
    """What holds for the observations that follow: patient, place, order, devices of the containers.

    Every segment that changes it begins another one: what came before keeps its own.
    """

    patient: str = ""
    place: str = ""
    collector: str = ""
    participant: str = ""
    order_time: str = ""
    devices: dict[str, str] = field(default_factory=dict)


class Context:
    """Walks through the segments of one message and keeps what holds for those that follow.

    Args:
        header: the message's.
        profile: its sender's.
        patients: make the ids of patients.
    """

    def __init__(self, header: Header, profile: Profile, patients: Patients) -> None:
        self.marks = header.marks
        self.profile = profile
        self.faults: list[str] = []
        self.group = Group()
        self._top = ""
        self._patients = patients
        self._sender_device = eui_64_of(header.text(3), header.marks)
        self._message_time = header.text(7)

    def note(self, name: str, fields: list[str]) -> None:
        """Take a segment that says what holds for others."""
        self._top = ""
        if name == "PID":
            self.group = Group(patient=self._patient(fields))
        elif name == "PV1":
            held, place = self.group, place_of(fields[3], self.marks) if len(fields) > 3 else ""
            self.group = Group(
                held.patient, place, held.collector, held.participant, held.order_time, held.devices
            )
        elif name == "OBR":
            order_time = fields[7] if len(fields) > 7 else ""
            collector = device_of(fields[10], self.marks) if len(fields) > 10 else ""
            self.group = Group(self.group.patient, self.group.place, collector, "", order_time)

    def _patient(self, fields: list[str]) -> str:
        named = self._patients.of(fields[3], self.marks, self.profile.authority) if len(fields) > 3 else ""
        if named is None:
            self.faults.append("damaged-patient")
        return named or ""

    def device(self, fields: list[str]) -> str:
        """Return the device of an OBX: its own (OBX-18), else that of what contains it (OBX-4), else empty."""
        # A path of one part names no container: what has it shares nothing with others.
        top, dot, _ = fields[4].partition(".") if len(fields) > 4 else ("", "", "")
        self._top = top if dot else ""
        if len(fields) > 18 and fields[18]:
            own = device_of(fields[18], self.marks)
            if own:
                if dot:
                    self.group.devices.setdefault(top, own)
                return own
        return self.group.devices.get(top, "") if dot else ""

    def take_part(self, device: str) -> None:
        """Take a PRT segment's device: that of the container before it, or of all observations that follow."""
        if self._top:
            self.group.devices[self._top] = device
        else:
            self.group.participant = device

    def fallback(self, group: Group) -> str:
        """Return the device of an observation that names none."""
        return group.participant or group.collector or group.place or self._sender_device

    def time_ms(self, own: str) -> int | None:
        """Return the moment of an observation whose OBX-14 is given."""
        return time_of(own, self.group.order_time, self._message_time, self.marks, self.profile.zone)


def participating_device(fields: list[str], marks: str) -> str:
    """Return the device of a PRT segment whose part is that of equipment, empty if it is anybody else's."""
    if len(fields) < 11 or part(fields[4], marks[1], 1).upper() != "EQUIP":
        return ""
    return device_of(fields[10], marks)


@dataclass(slots=True)
class _Observation:
    group: Group
    device: str
    at_ms: int
    measured: Measured


class Observations(Context):
    """The observations of one message."""

    def __init__(self, header: Header, profile: Profile, patients: Patients) -> None:
        super().__init__(header, profile, patients)
        self._message_id = message_id(header)
        self._found: list[_Observation] = []
        self._last: _Observation | None = None

    def read(self, segments: Iterable[str]) -> Observed:
        """Return the frames of a message's segments (after MSH)."""
        mark = self.marks[0]
        for segment in segments:
            name = segment[:3]
            if name == "OBX":
                self._last = self._observation(segment.split(mark, OBX_FIELDS))
                if self._last is not None:
                    self._found.append(self._last)
            elif name == "PRT":
                self._participant(segment.split(mark))
            elif name in ("PID", "PV1", "OBR"):
                self._last = None
                self.note(name, segment.split(mark))
        return Observed(self._frames(), self.faults)

    def measured(self, fields: list[str]) -> tuple[Measured | None, str]:
        """Return what an OBX says, None if it is no reading of ours; and what was left out of it, or empty."""
        return measured_of(fields[2], fields[3], fields[5], fields[6], fields[8], fields[11], self.marks)

    def _participant(self, fields: list[str]) -> None:
        device = participating_device(fields, self.marks)
        if not device:
            return
        if self._last is not None:
            self._last.device = device
        else:
            self.take_part(device)

    def _observation(self, fields: list[str]) -> _Observation | None:
        """Return the observation of an OBX, None if it is none that Vigil takes."""
        if len(fields) < OBX_FIELDS:
            fields += [""] * (OBX_FIELDS - len(fields))
        device = self.device(fields)
        measured, fault = self.measured(fields)
        if fault:
            self.faults.append(fault)
        if measured is None:
            return None
        at_ms = self.time_ms(fields[14])
        if at_ms is None:
            self.faults.append("no-time")
            return None
        return _Observation(self.group, device, at_ms, measured)

    def _frames(self) -> list[WireFrame]:
        """Return a frame for each device and moment; of several values of a signal the best known valid one counts."""
        best: dict[Place, dict[str, Measured]] = {}
        for one in self._found:
            place = one.group.patient, one.device or self.fallback(one.group), one.at_ms
            signals = best.get(place)
            if signals is None:
                signals = best[place] = {}
            said = one.measured
            held = signals.get(said.signal)
            if held is None or said.weight > held.weight:
                signals[said.signal] = said
        for place in [one for one in best if not one[1] or is_damaged(one[1])]:
            self.faults.append("damaged-device" if place[1] else "no-device")
            del best[place]
        newest: dict[str, int] = {}
        for _, device, at_ms in best:
            newest[device] = max(at_ms, newest.get(device, at_ms))
        frames = []
        for patient, device, at_ms in sorted(best, key=_at) if len(best) > 1 else best:
            values = {signal: one.value for signal, one in best[patient, device, at_ms].items()}
            # Monitors repeat an older reading (a cuff's) in every message until there is a newer one: that is the
            # same frame again, whatever the message's id.
            of = self._message_id if at_ms == newest[device] else repr(sorted(values.items()))
            seq = numbered(at_ms, of)
            frames.append(frame_with(patient, device, BOOT, seq, at_ms, self.profile.interval_ms, values))
        return frames


def _at(place: Place) -> int:
    return place[2]
