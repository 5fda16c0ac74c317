"""One message of VSCapture as frames, in whichever form it is; a pure function of the message.

- VSCaptureMP: an array of values, each with its name, times, and the device's id.
- VSCaptureWave: a block of one moment and device, with an array of named values.
- Either for Kafka's REST proxy: an object `records`, each with one of these as its `value`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

import msgspec

from edge.gateway.accept import Refusal
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.hl7.values import Measured, Read, value_of
from edge.gateway.numbering import BOOT, numbered_apart
from edge.gateway.opaque_ids import is_damaged, opaque
from edge.gateway.terms import Known
from edge.gateway.vscapture.capture_names import known_names
from edge.gateway.vscapture.capture_times import moment_ms
from streams.decoding.wire_frames import WireFrame, frame_with

VALUES_MAX: Final = 10_000
"""Of one message, of all names."""

COMMAS_MAX: Final = 10 * VALUES_MAX
"""A value has under ten. More are not taken apart, which would cost many times their memory."""

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NULL: Final = msgspec.Raw(b"null")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What .NET may write before a text."""


class _Value(msgspec.Struct, gc=False):
    """Of VSCaptureMP."""

    PhysioID: str | None = None
    Value: msgspec.Raw = _NULL
    DeviceID: str | None = None
    Relativetimestamp: str | int | None = None
    SystemLocalTime: str | None = None
    Timestamp: str | None = None


class _Named(msgspec.Struct, gc=False):
    dataType: str | None = None
    value: msgspec.Raw = _NULL


class _Block(msgspec.Struct):
    """Of VSCaptureWave."""

    deviceId: str | None = None
    time: str | None = None
    values: list[_Named] | None = None


class _Record(msgspec.Struct):
    value: msgspec.Raw = _NULL


class _Records(msgspec.Struct):
    records: list[_Record]


_values: Final = msgspec.json.Decoder(list[_Value]).decode
_value: Final = msgspec.json.Decoder(_Value).decode
_block: Final = msgspec.json.Decoder(_Block).decode
_records: Final = msgspec.json.Decoder(_Records).decode


@dataclass(frozen=True, slots=True)
class CaptureProfile:
    """What is set for a client: the zone of its clock, how often it sends, ms, and what its own names are."""

    zone: tzinfo = UTC
    interval_ms: int = 1_000
    names: Mapping[str, Known] = field(default_factory=lambda: known_names({}))


@dataclass(slots=True)
class Captured:
    """Frames in the order of their times, and why something in the message became none or null."""

    frames: list[WireFrame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


Item = tuple[str, str, str, str, msgspec.Raw]
"""Device, what is the same in values of one moment, time, name, value."""


def read_capture(content: bytes, profile: CaptureProfile, device: str) -> Captured | Refusal:
    """Return what a message holds, or why it is refused as a whole.

    Args:
        content: JSON.
        profile: of who sends it; its zone is that of this moment (`nearest_hour.zone_at`).
        device: stands in where the message names none, may be empty.
    """
    if content.count(b",") > COMMAS_MAX:
        return Refusal("too-large", f"more commas than {VALUES_MAX} values have")
    items = _items_in(content.removeprefix(_BYTE_ORDER_MARK))
    if isinstance(items, Refusal):
        return items
    if len(items) > VALUES_MAX:
        return Refusal("too-large", f"more than {VALUES_MAX} values")
    found = _framed(items, profile, device)
    if found.frames:
        return found
    reason = next((fault for fault in found.faults if fault != "unknown-code"), "no-observation")
    return Refusal(reason, "nothing in it is a reading that Vigil takes")


def _items_in(content: bytes) -> list[Item] | Refusal:
    try:
        if content.lstrip(b" \t\r\n").startswith(b"["):
            return [_item(one) for one in _values(content)]
        if b'"records"' not in content:
            return _items_of(_block(content))
        items: list[Item] = []
        for record in _records(content).records:
            value = bytes(record.value)
            items += [_item(_value(value))] if b'"PhysioID"' in value else _items_of(_block(value))
    except msgspec.ValidationError as error:
        return Refusal("invalid", str(error))
    except _FAULTS:
        return Refusal("not-json", "this is no JSON")
    return items


def _item(one: _Value) -> Item:
    # The computer's time before the monitor's: that is set by hand, and several monitors do not tell it.
    at = one.SystemLocalTime or one.Timestamp or ""
    return one.DeviceID or "", str(one.Relativetimestamp or at), at, one.PhysioID or "", one.Value


def _items_of(block: _Block) -> list[Item]:
    at = block.time or ""
    return [(block.deviceId or "", at, at, one.dataType or "", one.value) for one in block.values or ()]


def _framed(items: Iterable[Item], profile: CaptureProfile, device: str) -> Captured:
    found = Captured()
    unknown = False
    moments: dict[tuple[str, str], tuple[int, dict[str, Measured]]] = {}
    for named, together, at, name, raw in items:
        known = profile.names.get(name)
        if known is None:
            unknown = True
            continue
        source = named.strip() or device
        if not source or is_damaged(source):
            found.faults.append("damaged-device" if source else "no-device")
            continue
        at_ms = moment_ms(at, profile.zone)
        if at_ms is None:
            found.faults.append("no-time")
            continue
        value, fault = _reading(raw, known)
        if fault:
            found.faults.append(fault)
        first_ms, signals = moments.get((source, together), (at_ms, {}))
        moments[source, together] = min(first_ms, at_ms), signals
        said, held = Measured(known.signal, known.place, value), signals.get(known.signal)
        # A monitor lists every source of a signal: one that measures nothing must not hide one that does.
        if held is None or said.weight > held.weight:
            signals[known.signal] = said
    if unknown:
        found.faults.append("unknown-code")
    for (source, _), (at_ms, signals) in sorted(moments.items(), key=lambda one: one[1][0]):
        values = {signal: one.value for signal, one in signals.items()}
        seq = numbered_apart(at_ms, repr(sorted(values.items(), key=repr)), 0, 1)
        found.frames.append(frame_with("", opaque(source), BOOT, seq, at_ms, profile.interval_ms, values))
    return found


def _reading(raw: msgspec.Raw, known: Known) -> Read:
    """Return a value as a reading, None if it is none; and what is wrong with it, or empty.

    Its decimal comma is one: .NET writes a number with the computer's decimal sign, and without any other.
    """
    content = bytes(raw)
    if content == b"null":
        return None, ""
    if content[:1] == b'"':
        try:
            text = msgspec.json.decode(content, type=str)
        except _FAULTS:  # what is kept raw was not looked at: it may be no UTF-8
            return None, "no-number"
        text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    elif content[:1] in b"-0123456789":
        text = content.decode()
    else:
        return None, "no-number"
    return value_of(text, "NM", USUAL_MARKS, known)
