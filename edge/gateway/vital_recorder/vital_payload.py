"""One payload of Vital Recorder: unpacked within bounds, read in whichever form it is, as frames."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.profile import Profile
from edge.gateway.http.coding import Damaged, TooLarge, unpacked
from edge.gateway.vital_recorder.nearest_hour import zone_at
from edge.gateway.vital_recorder.vital_messages import messages_in, read_message
from edge.gateway.vital_recorder.vital_rooms import frames_of, read_rooms
from streams.decoding.wire_frames import WireFrame

PACKED_BYTES_MAX: Final = 1_048_576
UNPACKED_BYTES_MAX: Final = 16_777_216
MESSAGES_MAX: Final = 256
"""Beds of a payload, in either form."""

RECORDS_MAX: Final = 1_024
"""Moments of a bed in a payload of the older form: it sends one about each second."""

_GZIP: Final = b"\x1f\x8b"
_ZLIB: Final = b"\x78"
_BINARY: Final = b"\x04"
"""Stands before the packed bytes where an older Socket.IO marked binary content."""


@dataclass(slots=True)
class Payload:
    """What a payload holds: frames, why parts of it were left out, and the numbers that its sender counts by.

    `numbers` are (what counts, its number): of a connection's messages, or of a room.
    """

    frames: list[WireFrame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    numbers: list[tuple[str, int]] = field(default_factory=list)


def read_payload(
    packed: bytes, profile: Profile, patients: Patients, now_ms: Callable[[], int]
) -> Payload | Refusal:
    """Return what a payload holds, or why it is refused as a whole.

    Args:
        packed: as it came.
        profile: of who sends it.
        patients: make the ids of patients that messages name.
        now_ms: the time, ms since the epoch: it decides the hour that comes twice.
    """
    content = _unpacked(packed)
    if isinstance(content, Refusal):
        return content
    start = content[:16].lstrip()
    payload = Payload()
    if start.startswith(b"MSH"):
        refusal = _read_messages(content, profile, patients, now_ms(), payload)
    elif start.startswith(b"{"):
        refusal = _read_rooms(content, profile, payload)
    else:
        refusal = Refusal("unknown-form", "neither HL7 messages nor JSON of rooms")
    return refusal or payload


def _unpacked(packed: bytes) -> bytes | Refusal:
    if len(packed) > PACKED_BYTES_MAX:
        return Refusal("too-large", f"more than {PACKED_BYTES_MAX} bytes")
    if packed[:2] == _BINARY + _ZLIB:
        packed = packed[1:]
    try:
        if packed[:2] == _GZIP:
            return unpacked(packed, "gzip", UNPACKED_BYTES_MAX)
        if packed[:1] == _ZLIB:
            return _inflated(packed)
    except TooLarge:
        return Refusal("too-large", f"more than {UNPACKED_BYTES_MAX} bytes when unpacked")
    except Damaged as error:
        return Refusal("damaged", str(error))
    return Refusal("unknown-form", "neither gzip nor zlib")


def _inflated(packed: bytes) -> bytes:
    unpack = zlib.decompressobj()
    try:
        content = unpack.decompress(packed, UNPACKED_BYTES_MAX + 1)
    except zlib.error:
        raise Damaged("it is no zlib") from None
    if len(content) > UNPACKED_BYTES_MAX:
        raise TooLarge
    if not unpack.eof:
        raise Damaged("the zlib ends before its end")
    return content


def _read_messages(
    content: bytes, profile: Profile, patients: Patients, now_ms: int, payload: Payload
) -> Refusal | None:
    blocks = messages_in(content, MESSAGES_MAX)
    if len(blocks) > MESSAGES_MAX:
        return Refusal("too-many-messages", f"more than {MESSAGES_MAX}")
    zone = zone_at(profile.zone, now_ms)
    for block in blocks:
        found = read_message(block, profile, patients, zone)
        if isinstance(found, Refusal):
            payload.faults.append(found.reason)
            continue
        header, observed = found
        payload.frames += observed.frames
        payload.faults += observed.faults
        number = header.text(10).strip()
        if number.isascii() and number.isdigit() and len(number) < 16:
            payload.numbers.append(("", int(number)))
    return None


def _read_rooms(content: bytes, profile: Profile, payload: Payload) -> Refusal | None:
    found = read_rooms(content)
    if isinstance(found, Refusal):
        return found
    if len(found.rooms) > MESSAGES_MAX:
        return Refusal("too-many-messages", f"more than {MESSAGES_MAX} rooms")
    for room in found.rooms:
        frames, faults = frames_of(room, profile.interval_ms, RECORDS_MAX)
        payload.frames += frames
        payload.faults += faults
        if room.seqid is not None and room.roomname:
            payload.numbers.append((room.roomname, room.seqid))
    return None
