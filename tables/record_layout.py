"""The layout of a patient's durable record, version by version: what `tables.record` writes and reads.

The position says up to which offset the log is part of the record; a replay skips what lies before it, and of two
records of one patient the one with the higher position is the newer, whoever wrote it.
"""

import hashlib
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.columns import COMMANDS, DEVICES, SEEN, WARD_BYTES, Columns
from tables.windows import SLOTS

VERSION: Final = 3
BEFORE: Final = 2
"""Version that is still read, field by field: what it lacks is as in an empty row."""

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
        ("silence_held_ms", "<i8"),
    ]
)
"""At most one a record: none where the patient is like any other."""

CELL_BYTES: Final = 2 + 4 + 2 + 2
"""A signal of one window bucket: count, sum, low, high."""

_BYTE: Final = np.dtype("u1")

COUNTS: Final = ("devices", "signals", "alarms", "slots", "profiles", "limits", "commands")

HEAD_BEFORE: Final = np.dtype("<u1, <i8, <i8, <i8, <i4, <u1, <u1, <u1, <u1, <u1, <u1, <u1")
HEAD_BEFORE.names = (
    *("version", "position", "seen_ms", "ticked_ms", "interval_ms"),
    *("devices", "signals", "alarms", "slots", "profiles", "limits", "commands"),
)
DEVICE_BEFORE: Final = np.dtype("<u8, <i8, <i8, 16u1, <i8, <i8, <u1")
DEVICE_BEFORE.names = ("name", "high", "used", "seen", "event_ms", "append_ms", "clock")
ALARM_BEFORE: Final = np.dtype("<u8, <u1, <u1, <u4, <i8, <i8, <i8, <f8, <u1, <u1, <i8, <f8")
ALARM_BEFORE.names = (
    *("key", "state", "priority", "events", "onset_ms", "clear_ms", "told_ms", "extreme"),
    *("step", "answer", "asked_ms", "area"),
)
PROFILE_BEFORE: Final = np.dtype("?, <u1, ?, <f8, S64, ?, <i8, <u1, <u1, <i8, <i8, <i8, <i8, <u4")
PROFILE_BEFORE.names = (
    *("own_limits", "age_band", "scale2", "oxygen", "ward", "discharged", "since_ms"),
    *("pause", "pause_rank", "pause_ms", "pause_until_ms"),
    *("lost_ward_ms", "lost_ward_told_ms", "lost_ward_events"),
)
"""The layout of version 2, as it was."""


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
    return HEAD_BEFORE if record[0] == BEFORE else HEAD


def upgraded(record: bytes) -> bytes:
    """Return a record of the version before as one of this version."""
    if record[0] != BEFORE:
        return record
    old = np.frombuffer(record, HEAD_BEFORE, 1)
    cells = int(old["slots"][0]) * int(old["signals"][0])
    sections: tuple[tuple[np.dtype[Any], np.dtype[Any], int, str], ...] = (
        (DEVICE_BEFORE, DEVICE, int(old["devices"][0]), "device_"),
        (SIGNAL, SIGNAL, int(old["signals"][0]), ""),
        (ALARM_BEFORE, ALARM, int(old["alarms"][0]), "alarm_"),
        (_BYTE, _BYTE, int(old["slots"][0]) * 4 + cells * CELL_BYTES, ""),
        (PROFILE_BEFORE, PROFILE, int(old["profiles"][0]), ""),
        (_BYTE, _BYTE, int(old["limits"][0]) * LIMIT.itemsize + int(old["commands"][0]) * 8, ""),
    )
    size = HEAD_BEFORE.itemsize + sum(before.itemsize * count for before, _, count, _ in sections)
    if len(record) != size:
        raise ValueError(f"a patient record of {len(record)} bytes is damaged: it should have {size}")
    head = _widened(old, HEAD, "")
    head["version"] = VERSION
    parts, begin = [head.tobytes()], HEAD_BEFORE.itemsize
    for before, now, count, prefix in sections:
        end = begin + count * before.itemsize
        parts.append(_widened(np.frombuffer(record[begin:end], before), now, prefix).tobytes())
        begin = end
    return b"".join(parts)


def _widened(old: NDArray[Any], layout: np.dtype[Any], prefix: str) -> NDArray[Any]:
    """Return entries in another layout; what they lack is as in an empty row."""
    if layout.names is None:
        return old
    new = np.zeros(len(old), layout)
    for name in layout.names:
        if name in (old.dtype.names or ()):
            new[name] = old[name]
        elif (column := Columns.COLUMNS.get(prefix + name)) is not None:
            new[name] = column.empty
    return new


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
    cells = SLOTS * COUNT * CELL_BYTES
    fixed = HEAD.itemsize + DEVICES * DEVICE.itemsize + COUNT * SIGNAL.itemsize + SLOTS * 4
    orders = PROFILE.itemsize + alarms * LIMIT.itemsize + COMMANDS * 8
    return fixed + alarms * ALARM.itemsize + orders + cells
