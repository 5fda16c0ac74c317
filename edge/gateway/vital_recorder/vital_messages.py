"""The newer form: HL7 v2.6 messages, one a bed, one behind the other; OBX-3 is monitor type and track."""

import re
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.observations import Observations, Observed
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.split import Header, part, plain, read_header, read_segments
from edge.gateway.hl7.values import NO_READING_FLAGS, NUMBER_TYPES, USED_STATUS, Measured, value_of
from edge.gateway.vital_recorder.vital_tracks import track_of

_NEXT: Final = re.compile(rb"[\r\n]+(?=MSH)")


def messages_in(content: bytes, messages_max: int) -> list[bytes]:
    """Return the messages of a payload, one more than `messages_max` at most."""
    return _NEXT.split(content.lstrip(b"\r\n"), messages_max)


class TrackObservations(Observations):
    """The observations of one message, by the names that Vital Recorder gives them."""

    def note(self, name: str, fields: list[str]) -> None:
        """Take a segment that says what holds for others; a value is the last of OBR-7 to OBR-8, so OBR-8 counts."""
        super().note(name, fields)
        if name == "OBR" and len(fields) > 8 and fields[8]:
            self.group.order_time = fields[8]

    def measured(self, fields: list[str]) -> tuple[Measured | None, str]:
        """Return what an OBX says, None if it is no reading of ours; and what was left out of it, or empty."""
        kind, identifier, text, unit = fields[2].strip(), fields[3], fields[5], fields[6]
        if kind == "NA":
            return None, ""  # a wave
        names = [plain(part(identifier, self.marks[1], place), self.marks) for place in (1, 2)]
        known = track_of(names[0], names[1], plain(unit, self.marks))
        if known is None:
            return None, ""
        if kind not in NUMBER_TYPES:
            return None, "value-type"
        if fields[11].strip() not in USED_STATUS or not NO_READING_FLAGS.isdisjoint({fields[8]}):
            return None, "not-a-result"
        value, fault = value_of(text, kind, self.marks, known)
        # Vital Recorder leaves out what it has no number for; what is there and is none is left out likewise.
        return (None if value is None else Measured(known.signal, known.place, value)), fault


def read_message(
    block: bytes, profile: Profile, patients: Patients, zone: tzinfo
) -> tuple[Header, Observed] | Refusal:
    """Return a message's header and what it holds, or why it is not taken; `zone` is that of its local times."""
    header = read_header(block)
    if header is None:
        return Refusal("no-header", "a message begins with MSH, its signs and fields")
    if header.kind != "ORU^R01":
        return Refusal("message-type", "taken is ORU^R01")
    if header.component(11, 1).strip().upper() not in profile.processing:
        return Refusal("not-production", "MSH-11 says that these are no real readings")
    segments = read_segments(block, header, profile.charset)
    if isinstance(segments, Refusal):
        return segments
    observed = TrackObservations(header, replace(profile, zone=zone), patients).read(segments[1:])
    return header, observed
