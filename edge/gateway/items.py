"""The frames of a body of JSON: the contract's, by the live lane's definition, but that fields may be left out."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.gateway.accept import Reading, Refusal
from edge.gateway.numbering import BOOT, numbered
from streams.contracts.frame import FRAME_BYTES_MAX, ID_PATTERN
from streams.decoding.wire_frames import BoundedFrame, Count, WireFrame

ITEMS_MAX: Final = 10_000
"""Frames of one request."""

LINES_MAX: Final = 2 * ITEMS_MAX
"""Of NDJSON, empty ones included."""

COMMAS_MAX: Final = 50 * ITEMS_MAX
"""Of a JSON array: a frame of every signal has under 50. More are not taken apart, which would cost a hundred times
their memory."""

IDENTIFIERS_KNOWN_MAX: Final = 200_000
LEFT_OUT: Final = -1


class GivenFrame(WireFrame, forbid_unknown_fields=True, gc=False, omit_defaults=True, kw_only=True):
    """A frame as sent: the gateway may know the patient, a topic name the device, and a key stand for boot and seq."""

    patient: Annotated[str, Meta(min_length=1)] = ""
    device: Annotated[str, Meta(min_length=1)] = ""
    boot: Count = LEFT_OUT
    seq: Count = LEFT_OUT


class GivenBounds(BoundedFrame, forbid_unknown_fields=True, gc=False, omit_defaults=True, kw_only=True):
    """One that may have bounds in place of values: few have, so it is tried where the other one is not enough."""

    patient: Annotated[str, Meta(min_length=1)] = ""
    device: Annotated[str, Meta(min_length=1)] = ""
    boot: Count = LEFT_OUT
    seq: Count = LEFT_OUT


class Unreadable(Exception):
    """The body as a whole is not what its type says."""


class TooMany(Exception):
    """It has more frames than a request may have."""


_decode = msgspec.json.Decoder(GivenFrame).decode
_decode_bounds = msgspec.json.Decoder(GivenBounds).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_id_form = re.compile(ID_PATTERN).fullmatch
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_patients: set[str] = {""}
_devices: set[str] = set()
"""Identifiers whose form is right; a patient may be left out."""


def split_lines(body: bytes) -> list[bytes]:
    """Return the frames of NDJSON; an empty line is none.

    Raises:
        TooMany: there are more than `LINES_MAX`, empty ones included.
    """
    if body.count(b"\n") > LINES_MAX:
        raise TooMany(f"more than {LINES_MAX} lines, at most {ITEMS_MAX} frames in one request")
    lines = body.split(b"\n")
    return lines if all(lines) else [line for line in lines if line and not line.isspace()]


def split_json(body: bytes) -> list[bytes]:
    """Return the frames of a JSON array, or the one object that the body is.

    Raises:
        Unreadable: it is no array of JSON.
        TooMany: it has more than `COMMAS_MAX` commas.
    """
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return [body]
    if body.count(b",") > COMMAS_MAX:
        raise TooMany(f"more commas than {ITEMS_MAX} frames have, which is the most of one request")
    try:
        return [bytes(raw) for raw in _decode_array(body)]
    except _FAULTS as error:
        raise Unreadable(f"the body is no JSON array: {error}") from None


def read_items(texts: Sequence[bytes], idempotency_key: str, device: str = "") -> list[Reading | Refusal]:
    """Return a reading for each text, or why it is none; `device` stands in where a frame names none.

    Raises:
        TooMany: there are more than `ITEMS_MAX`.
    """
    if len(texts) > ITEMS_MAX:
        raise TooMany(f"{len(texts)} frames, at most {ITEMS_MAX} in one request")
    try:  # almost always every one is a frame
        frames = list(map(_decode, texts))
    except _FAULTS:
        return [_one(text, idempotency_key, place, device) for place, text in enumerate(texts)]
    patients, devices = _patients, _devices
    plain = all(
        frame.boot >= 0 and frame.seq >= 0 and frame.patient in patients and frame.device in devices
        for frame in frames
    )
    if plain and max(map(len, texts), default=0) <= FRAME_BYTES_MAX:
        return list(map(Reading, frames, texts))
    return [_checked(frame, texts[i], idempotency_key, i, device) for i, frame in enumerate(frames)]


def _one(text: bytes, idempotency_key: str, place: int, device: str) -> Reading | Refusal:
    if len(text) > FRAME_BYTES_MAX:
        return Refusal("too-large", f"{len(text)} bytes, at most {FRAME_BYTES_MAX}")
    frame: GivenFrame | GivenBounds
    try:
        try:
            frame = _decode(text)
        except msgspec.ValidationError:
            frame = _decode_bounds(text)
    except msgspec.ValidationError as error:
        return Refusal("invalid", str(error))
    except _FAULTS:
        return Refusal("not-json", "this is no JSON")
    return _checked(frame, text, idempotency_key, place, device)


def _checked(
    frame: GivenFrame | GivenBounds, text: bytes, idempotency_key: str, place: int, device: str
) -> Reading | Refusal:
    """Return a decoded frame as a reading if its names have the right form and it can be told from others."""
    if len(text) > FRAME_BYTES_MAX:
        return Refusal("too-large", f"{len(text)} bytes, at most {FRAME_BYTES_MAX}")
    whole = bool(frame.device)
    if not whole:
        if not device:
            return Refusal("invalid", "Object missing required field `device`")
        frame.device = device
    for field, name, known in (("patient", frame.patient, _patients), ("device", frame.device, _devices)):
        if name not in known:
            if not _id_form(name):
                return Refusal("invalid", f"{field} does not match {ID_PATTERN}")
            if len(known) < IDENTIFIERS_KNOWN_MAX:
                known.add(name)  # beyond that each of the others is looked at each time
    if frame.boot >= 0 and frame.seq >= 0:
        return Reading(frame, text if whole else None)
    if frame.boot >= 0 or frame.seq >= 0:
        return Refusal("invalid", "boot and seq belong together: give both or neither")
    if not idempotency_key:
        return Refusal("no-identity", "boot and seq are missing; without them send an Idempotency-Key")
    frame.boot = BOOT
    frame.seq = numbered(frame.event_ts_ms, f"{idempotency_key}/{place}")
    return Reading(frame)
