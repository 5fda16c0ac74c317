"""The layout of a patient's durable record, version by version: what `tables.record` writes and reads.

The position says up to which offset the log is part of the record; a replay skips what lies before it, and of two
records of one patient the one with the higher position is the newer, whoever wrote it.
"""

import hashlib
import struct
from typing import Any, Final

import numpy as np

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.columns import COMMANDS, DEVICES, SEEN, WARD_BYTES
from tables.windows import SLOTS

VERSION: Final = 2
BEFORE: Final = 1
"""Version that is still read: without profile, limits, pauses, commands and responsibility."""

RECORD_BYTES_MAX: Final = 65_536
"""Bound on a record; a full one of every signal, alarm and bucket stays below it (a test holds this)."""

HEAD: Final = np.dtype(
    [
        ("version", "<u1"),
        ("position", "<i8"),
        ("seen_ms", "<i8"),
        ("ticked_ms", "<i8"),
        ("interval_ms", "<i4"),
        ("devices", "<u1"),
        ("signals", "<u1"),
        ("alarms", "<u1"),
        ("slots", "<u1"),
        ("profiles", "<u1"),
        ("limits", "<u1"),
        ("commands", "<u1"),
    ]
)
"""Begins a record; the last seven say how many devices, signals, alarms, window slots ... follow."""

_POSITION: Final = struct.Struct("<xq")
"""Where the head holds the position."""

DEVICE: Final = np.dtype(
    [
        ("name", "<u8"),
        ("high", "<i8"),
        ("used", "<i8"),
        ("seen", "<u1", (SEEN // 8,)),
        ("event_ms", "<i8"),
        ("append_ms", "<i8"),
        ("clock", "<u1"),
    ]
)
SIGNAL: Final = np.dtype(
    [("signal", "<u1"), ("value", "<f8"), ("newest_ms", "<i8"), ("value_ms", "<i8"), ("lost_ms", "<i8")]
)
ALARM: Final = np.dtype(
    [
        ("key", "<u8"),
        ("state", "<u1"),
        ("priority", "<u1"),
        ("events", "<u4"),
        ("onset_ms", "<i8"),
        ("clear_ms", "<i8"),
        ("told_ms", "<i8"),
        ("extreme", "<f8"),
        ("step", "<u1"),
        ("answer", "<u1"),
        ("asked_ms", "<i8"),
        ("area", "<f8"),
    ]
)
LIMIT: Final = np.dtype([("key", "<u8"), ("low", "<f8"), ("high", "<f8")])
PROFILE: Final = np.dtype(
    [
        ("own_limits", "?"),
        ("age_band", "<u1"),
        ("scale2", "?"),
        ("oxygen", "<f8"),
        ("ward", f"S{WARD_BYTES}"),
        ("discharged", "?"),
        ("since_ms", "<i8"),
        ("pause", "<u1"),
        ("pause_rank", "<u1"),
        ("pause_ms", "<i8"),
        ("pause_until_ms", "<i8"),
        ("lost_ward_ms", "<i8"),
        ("lost_ward_told_ms", "<i8"),
        ("lost_ward_events", "<u4"),
    ]
)
"""At most one a record: none where the patient is like any other."""

COUNTS: Final = ("devices", "signals", "alarms", "slots", "profiles", "limits", "commands")
_HEAD_BEFORE: Final = np.dtype([(name, HEAD[name]) for name in (HEAD.names or ())[:9]])
_DEVICE_BEFORE: Final = np.dtype([(name, DEVICE[name]) for name in (DEVICE.names or ())[:6]])
_ALARM_BEFORE: Final = np.dtype([(name, ALARM[name]) for name in (ALARM.names or ())[:8]])


def alarm_key(alarm: str) -> int:
    """Return the 64-bit name of an alarm in records."""
    return int.from_bytes(hashlib.blake2b(alarm.encode(), digest_size=8).digest(), "little")


def position_of(record: bytes) -> int:
    """Return the offset up to which the log is part of the record.

    Raises:
        ValueError: the record is of another version or not a record.
    """
    if not record or len(record) < _head_of(record).itemsize or record[0] not in (VERSION, BEFORE):
        raise ValueError(f"not a patient record of version {VERSION}: {record[:1]!r}, {len(record)} bytes")
    position: int = _POSITION.unpack_from(record)[0]
    return position


def _head_of(record: bytes) -> np.dtype[Any]:
    return _HEAD_BEFORE if record[0] == BEFORE else HEAD


def upgraded(record: bytes) -> bytes:
    """Return a record of the version before as one of this version."""
    if record[0] != BEFORE:
        return record
    old = np.frombuffer(record, _HEAD_BEFORE, 1)
    devices, signals, alarms = (int(old[name][0]) for name in ("devices", "signals", "alarms"))
    after_devices = _HEAD_BEFORE.itemsize + devices * _DEVICE_BEFORE.itemsize
    begin = after_devices + signals * SIGNAL.itemsize
    end = begin + alarms * _ALARM_BEFORE.itemsize
    if len(record) < end:
        raise ValueError(f"a patient record of {len(record)} bytes is damaged: it should have more")
    head, known, wide = np.zeros(1, HEAD), np.zeros(devices, DEVICE), np.zeros(alarms, ALARM)
    for into, source in (
        (head, old),
        (known, np.frombuffer(record[_HEAD_BEFORE.itemsize : after_devices], _DEVICE_BEFORE)),
        (wide, np.frombuffer(record[begin:end], _ALARM_BEFORE)),
    ):
        for name in source.dtype.names or ():
            into[name] = source[name]
    head["version"], wide["asked_ms"] = VERSION, NEVER
    return head.tobytes() + known.tobytes() + record[after_devices:begin] + wide.tobytes() + record[end:]


def encode_gone(position: int) -> bytes:
    """Return the record of a patient who was dropped, by a state that reaches up to `position`."""
    head = np.zeros(1, HEAD)
    head["version"], head["position"], head["seen_ms"] = VERSION, position, NEVER
    return head.tobytes()


def is_gone(record: bytes) -> bool:
    """Return whether the record says that the patient was dropped: it holds nothing but how far it reaches."""
    return len(record) == _head_of(record).itemsize


def size_max(alarms: int) -> int:
    """Return the size of the largest possible record, bytes."""
    cells = SLOTS * COUNT * (2 + 4 + 2 + 2)
    fixed = HEAD.itemsize + DEVICES * DEVICE.itemsize + COUNT * SIGNAL.itemsize + SLOTS * 4
    orders = PROFILE.itemsize + alarms * LIMIT.itemsize + COMMANDS * 8
    return fixed + alarms * ALARM.itemsize + orders + cells
