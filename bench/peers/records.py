"""Records to frames and alerts to records, for every Python peer; needs msgspec in the peer's environment."""

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bench.peers.spec import MARKER, MARKER_HR, MARKER_PATIENTS

_decode: Final = msgspec.json.Decoder().decode

encode: Final = msgspec.json.Encoder().encode
"""JSON of an alert, or of anything plain."""

refused = 0
"""Records that could not be decoded so far."""


def decode(value: bytes | None) -> dict[str, Any] | None:
    """Return the frame, or None for a record that is none; those are counted and told on standard error."""
    global refused
    try:
        frame: dict[str, Any] = _decode(value or b"")
    except ValueError as error:
        refused += 1
        print(f"{refused} records refused: {error}", file=sys.stderr)
        return None
    return frame


class MarkedFrame(msgspec.Struct):
    """A frame as the limits decode it: typed, every signal, and nothing is done with it."""

    patient: str
    device: str
    boot: int
    seq: int
    event_ts_ms: int
    interval_ms: int = 1_000
    hr: float | None = None
    pulse: float | None = None
    spo2: float | None = None
    resp: float | None = None
    abp_sys: float | None = None
    abp_dia: float | None = None
    abp_mean: float | None = None


decode_marked: Final = msgspec.json.Decoder(MarkedFrame).decode


def marker_alert(frame: MarkedFrame) -> Mapping[str, Any] | None:
    """Return the start that the harness waits for, when the frame is one of its own patients'."""
    if frame.hr is None or frame.hr <= MARKER_HR or not frame.patient.startswith(MARKER_PATIENTS):
        return None
    return {
        "patient": frame.patient,
        "rule": MARKER,
        "phase": "start",
        "onset_ts_ms": frame.event_ts_ms,
        "event_ts_ms": frame.event_ts_ms,
        "value": frame.hr,
    }
