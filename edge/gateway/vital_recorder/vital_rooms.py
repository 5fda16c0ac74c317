"""The older form: JSON of rooms, their tracks and the tracks' records, each with a time of its own.

Fields as public receivers of it read them. A record's `dt` (or `time`) is in seconds since the epoch, as in Vital
Recorder's files; one receiver reads ms, so what would be beyond the year 5000 in seconds is taken for ms.
"""

import re
from typing import Any, Final

import msgspec

from edge.gateway.accept import Refusal
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.hl7.values import value_of
from edge.gateway.numbering import BOOT, numbered
from edge.gateway.opaque_ids import is_damaged, opaque
from edge.gateway.vital_recorder.vital_tracks import track_of
from edge.readers.units import DECIMALS
from streams.contracts.frame import EVENT_TS_MS_MAX
from streams.decoding.wire_frames import WireFrame

MS_FROM: Final = 1e11
"""A time from here on is in ms: in seconds it is the year 5138."""

_NO_NUMBER: Final = re.compile(rb"(?<=[:,\[])\s*-?(?:nan|inf)(?:inity|\(\w*\))?(?=\s*[,}\]])", re.IGNORECASE)
_NULL: Final = msgspec.Raw(b"null")


class _Record(msgspec.Struct, gc=False):
    val: msgspec.Raw = _NULL
    dt: float | None = None
    time: float | None = None


class _Track(msgspec.Struct):
    name: str | None = None
    dname: str | None = None
    type: str | int | None = None
    unit: str | None = None
    montype: str | int | None = None
    recs: list[_Record] = []


class Room(msgspec.Struct):
    """A bed: its name, the number of what it sends, and its tracks."""

    seqid: int | None = None
    roomname: str | None = None
    trks: list[_Track] = []


class Rooms(msgspec.Struct):
    """A payload."""

    rooms: list[Room]
    vrcode: str | None = None


_decode: Final = msgspec.json.Decoder(Rooms).decode


def read_rooms(content: bytes) -> Rooms | Refusal:
    """Return a payload's rooms; NaN and infinite, which JSON does not have, are null."""
    for text in (content, None):
        try:
            return _decode(_NO_NUMBER.sub(b"null", content) if text is None else text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return Refusal("invalid", "no JSON of rooms, tracks and records")


def frames_of(room: Room, interval_ms: int, records_max: int) -> tuple[list[WireFrame], list[str]]:
    """Return a room's frames, one for each moment, in their order, and why something was left out.

    Of several tracks of a signal the first of the table counts; a record beyond `records_max` is left out and told.
    """
    device = (room.roomname or "").strip()
    if not device or is_damaged(device):
        return [], ["damaged-device" if device else "no-device"]
    best: dict[int, dict[str, tuple[int, float]]] = {}
    faults: list[str] = []
    for track in room.trks:
        known = track_of(str(track.montype or ""), track.name or track.dname or "", track.unit or "")
        if known is None or str(track.type or "num").lower() not in ("num", "2"):
            continue
        for record in track.recs:
            at_ms = _moment_ms(record)
            value, fault = _value(bytes(record.val), known)
            if value is not None and at_ms is None:
                fault = "no-time"
            if fault:
                faults.append(fault)
            if value is None or at_ms is None:
                continue
            if len(best) >= records_max and at_ms not in best:
                faults.append("too-many-records")
                continue
            signals = best.setdefault(at_ms, {})
            held = signals.get(known.signal)
            if held is None or known.place <= held[0]:
                signals[known.signal] = (known.place, value)
    frames = []
    for at_ms in sorted(best):
        values: dict[str, Any] = {signal: value for signal, (_, value) in best[at_ms].items()}
        seq = numbered(at_ms, repr(sorted(values.items())))
        frames.append(WireFrame("", opaque(device), BOOT, seq, at_ms, interval_ms, **values))
    return frames, faults


def _value(raw: bytes, known: Any) -> tuple[float | None, str]:
    if raw == b"null":
        return None, ""
    if raw[:1] not in b"-0123456789":
        return None, "no-number"
    value, fault = value_of(raw.decode(), "NM", USUAL_MARKS, known)
    # Written from 4-byte floats: 36.6 comes as 36.599998. A bound is text, which begins otherwise.
    return (round(value, DECIMALS) if isinstance(value, float) else None), fault


def _moment_ms(record: _Record) -> int | None:
    at = record.time if record.dt is None else record.dt
    if at is None or not 0 < at <= EVENT_TS_MS_MAX:
        return None
    at_ms = round(at if at >= MS_FROM else at * 1000)
    return at_ms if at_ms <= EVENT_TS_MS_MAX else None
