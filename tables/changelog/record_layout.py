"""The layout of a patient's durable record, version by version: what `tables.changelog.record` writes and reads.

The position says up to which offset the log is part of the record; a replay skips what lies before it, and of two
records of one patient the one with the higher position is the newer, whoever wrote it.
"""

import hashlib
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.lifecycle import State
from clinical.limits import NEVER
from clinical.scores import SHEETS
from clinical.vitals import WINDOWED
from tables.columns.shared_rows import Columns
from tables.columns.stay_columns import NAME_BYTES
from tables.device_rows import FLICKER_SLOTS, PERIODIC_COUNT, SEEN, DeviceRows

VERSION: Final = 4
WITHOUT_KNOWN: Final = 3
"""Version that is still read: its profile ends before `known_ms`, which `since_ms` says of who was not admitted."""

BEFORE: Final = 2
"""Version that is still read, field by field: what it lacks is as in an empty row."""

RECORD_BYTES_MAX: Final = 131_072
"""Bound on a record; a full one of every device, signal, alarm and bucket stays below it (a test holds this)."""

HEAD: Final = np.dtype(
    [
        ("version", "<u1"),
        ("position", "<i8"),
        ("ticked_ms", "<i8"),
        ("pushed_out_ms", "<i8"),
        ("born", "<i8"),
        ("came", "<u1"),
        ("devices", "<u1"),
        ("readings", "<u2"),
        ("runs", "<u2"),
        ("signals", "<u1"),
        ("alarms", "<u1"),
        ("slots", "<u1"),
        ("profiles", "<u1"),
        ("limits", "<u1"),
        ("commands", "<u1"),
    ]
)
"""Begins a record; the last nine say how many devices, readings, runs, signals of windows ... follow."""

READ: Final = (VERSION, WITHOUT_KNOWN, BEFORE)

_POSITION: Final = struct.Struct("<xq")
"""Where the head holds the position."""

DEVICE: Final = np.dtype(
    [
        ("name", "<u8"),
        ("boot", "<i8"),
        ("high", "<i8"),
        ("used", "<i8"),
        ("seen", "<u1", (SEEN // 8,)),
        ("digest", "<u4", (SEEN,)),
        ("event_ms", "<i8"),
        ("append_ms", "<i8"),
        ("heard_ms", "<i8"),
        ("now_ms", "<i8"),
        ("came_ms", "<i8"),
        ("interval_ms", "<i4"),
        ("clock", "<u1"),
        ("conflict_ms", "<i8"),
        ("conflict_before_ms", "<i8"),
        ("missing_ms", "<i8"),
        ("counted_ms", "<i8"),
        ("slot", "<i8"),
        ("came", "<u2", (FLICKER_SLOTS, PERIODIC_COUNT)),
        ("missed", "<u2", (FLICKER_SLOTS, PERIODIC_COUNT)),
        ("gaps", "<u2", (FLICKER_SLOTS, PERIODIC_COUNT)),
    ]
)
READING: Final = np.dtype(
    [
        ("device", "<u1"),
        ("signal", "<u1"),
        ("value", "<f8"),
        ("newest_ms", "<i8"),
        ("value_ms", "<i8"),
        ("lost_ms", "<i8"),
    ]
)
"""A signal of one of the record's devices."""

RUN: Final = np.dtype(
    [
        ("device", "<u1"),
        ("key", "<u8"),
        ("onset_ms", "<i8"),
        ("clear_ms", "<i8"),
        ("area", "<f8"),
        ("excess_ms", "<f8"),
    ]
)
"""What one of the record's devices measures under a limit rule."""

SIGNAL: Final = np.dtype("<u1")
"""A signal that the windows hold."""

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
        ("known", "<f8"),
        ("paused", "<u1"),
    ]
)
LIMIT: Final = np.dtype([("key", "<u8"), ("low", "<f8"), ("high", "<f8")])
PROFILE: Final = np.dtype(
    [
        ("own_limits", "?"),
        ("age_band", "<u1"),
        ("age_known", "?"),
        ("scale2", "?"),
        ("lapsed_ms", "<i8", (len(SHEETS),)),
        ("oxygen", "<f8"),
        ("ward", f"S{NAME_BYTES}"),
        ("discharged", "?"),
        ("since_ms", "<i8"),
        ("pause", "<u1"),
        ("pause_actor", f"S{NAME_BYTES}"),
        ("pause_ms", "<i8"),
        ("pause_until_ms", "<i8"),
        ("silence_held_ms", "<i8"),
        ("known_ms", "<i8"),
    ]
)
"""At most one a record: none where the patient is like any other."""

PROFILE_WITHOUT_KNOWN: Final = np.dtype([(name, PROFILE[name]) for name in (PROFILE.names or ())[:-1]])
"""As version 3 had it."""

CELL_BYTES: Final = (2, 4, 2, 2)
"""A signal of one window bucket: count, sum, low, high."""

_BYTE: Final = np.dtype("u1")

MANY_CAME: Final = 2
"""More than a single frame."""

UNNAMED: Final = 1
"""Name of the device that stands for what version 2 kept of a patient; no device's hash is so small."""

COUNTS: Final = (
    "devices",
    "readings",
    "runs",
    "signals",
    "alarms",
    "slots",
    "profiles",
    "limits",
    "commands",
)

HEAD_BEFORE: Final = np.dtype("<u1, <i8, <i8, <i8, <i4, <u1, <u1, <u1, <u1, <u1, <u1, <u1")
HEAD_BEFORE.names = (
    *("version", "position", "seen_ms", "ticked_ms", "interval_ms"),
    *("devices", "signals", "alarms", "slots", "profiles", "limits", "commands"),
)
DEVICE_BEFORE: Final = np.dtype("<u8, <i8, <i8, 16u1, <i8, <i8, <u1")
DEVICE_BEFORE.names = ("name", "high", "used", "seen", "event_ms", "append_ms", "clock")
SIGNAL_BEFORE: Final = np.dtype("<u1, <f8, <i8, <i8, <i8")
SIGNAL_BEFORE.names = ("signal", "value", "newest_ms", "value_ms", "lost_ms")
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
    if not record or len(record) < _head_of(record).itemsize or record[0] not in READ:
        raise ValueError(f"not a patient record of version {VERSION}: {record[:1]!r}, {len(record)} bytes")
    position: int = _POSITION.unpack_from(record)[0]
    return position


def _head_of(record: bytes) -> np.dtype[Any]:
    return HEAD_BEFORE if record[0] == BEFORE else HEAD


def upgraded(record: bytes, limits: frozenset[int]) -> bytes:
    """Return a record of a version before as one of this version; `limits` are the keys of limit alarms.

    Of version 2, what was the patient's becomes that of one device without a name, which is heard as long ago as the
    patient was: runs of violations go on, and what is to be told is told. Sequence numbers are not taken over.

    Raises:
        ValueError: the record is damaged.
    """
    if record[0] == WITHOUT_KNOWN:
        return _with_known(record)
    if record[0] != BEFORE:
        return record
    old = np.frombuffer(record, HEAD_BEFORE, 1)
    count = {name: int(old[name][0]) for name in HEAD_BEFORE.names or () if name in COUNTS}
    layouts: tuple[tuple[np.dtype[Any], int], ...] = (
        (DEVICE_BEFORE, count["devices"]),
        (SIGNAL_BEFORE, count["signals"]),
        (ALARM_BEFORE, count["alarms"]),
        (_BYTE, count["slots"] * 4 + count["slots"] * count["signals"] * sum(CELL_BYTES)),
        (PROFILE_BEFORE, count["profiles"]),
        (_BYTE, count["limits"] * LIMIT.itemsize + count["commands"] * 8),
    )
    size = HEAD_BEFORE.itemsize + sum(layout.itemsize * many for layout, many in layouts)
    if len(record) != size:
        raise ValueError(f"a patient record of {len(record)} bytes is damaged: it should have {size}")
    found, begin = [], HEAD_BEFORE.itemsize
    for layout, many in layouts:
        end = begin + many * layout.itemsize
        found.append(np.frombuffer(record[begin:end], layout))
        begin = end
    _, readings, alarms, windows, profiles, rest = found
    of_limits = np.isin(alarms["key"], np.array(sorted(limits), np.uint64))
    runs = _widened(alarms[of_limits], RUN, DeviceRows, "run_")
    wide = _widened(alarms, ALARM, Columns, "alarm_")
    wide["area"][of_limits] = 0.0  # which says now that the worst value is a number
    wide["clear_ms"][of_limits] = wide["onset_ms"][(wide["state"] == State.DELAYED) & of_limits] = NEVER
    device = _widened(old, DEVICE, DeviceRows, "")
    device["name"], device["used"], device["heard_ms"] = UNNAMED, old["position"], old["seen_ms"]
    device["boot"] = device["high"] = NEVER
    head = _widened(old, HEAD, Columns, "")
    head["version"], head["devices"], head["came"] = VERSION, len(device), MANY_CAME
    measured = readings["signal"] < WINDOWED
    head["readings"], head["runs"], head["signals"] = len(readings), len(runs), np.count_nonzero(measured)
    sections = (
        *(
            head,
            device,
            _widened(readings, READING, DeviceRows, ""),
            runs,
            readings["signal"][measured],
            wide,
        ),
        np.frombuffer(_measured(windows.tobytes(), count["slots"], measured), _BYTE),
        *(_known(_widened(profiles, PROFILE, Columns, "")), rest),
    )
    return b"".join(section.tobytes() for section in sections)


def _with_known(record: bytes) -> bytes:
    """Return a record of version 3 as one of this version; of one that is damaged the reader says what is wrong."""
    head = np.frombuffer(record, HEAD, 1)[0]
    end = len(record) - int(head["limits"]) * LIMIT.itemsize - int(head["commands"]) * 8
    begin = end - int(head["profiles"]) * PROFILE_WITHOUT_KNOWN.itemsize
    if begin < HEAD.itemsize:
        raise ValueError(f"a patient record of {len(record)} bytes is damaged: it should have more")
    before = np.frombuffer(record[begin:end], PROFILE_WITHOUT_KNOWN)
    profiles = np.zeros(len(before), PROFILE)
    profiles["known_ms"] = NEVER
    for name in before.dtype.names or ():
        profiles[name] = before[name]
    return b"".join((bytes((VERSION,)), record[1:begin], _known(profiles).tobytes(), record[end:]))


def _known(profiles: NDArray[Any]) -> NDArray[Any]:
    """Take over since when patients were known by a command alone: `since_ms` said it by a time below `NEVER`."""
    by_command = profiles["since_ms"] < NEVER
    profiles["known_ms"][by_command] = NEVER - 1 - profiles["since_ms"][by_command]
    profiles["since_ms"][by_command] = NEVER
    return profiles


def _measured(windows: bytes, slots: int, measured: NDArray[np.bool_]) -> bytes:
    """Return window slots with the cells of those signals alone that have any now, of all that they once had."""
    begin, parts = slots * 4, [windows[: slots * 4]]
    for width in CELL_BYTES:
        end = begin + slots * len(measured) * width
        cells = np.frombuffer(windows[begin:end], f"V{width}").reshape(slots, len(measured))
        parts.append(cells[:, measured].tobytes())
        begin = end
    return b"".join(parts)


def _widened(
    old: NDArray[Any], layout: np.dtype[Any], table: type[Columns] | type[DeviceRows], prefix: str
) -> NDArray[Any]:
    """Return entries in another layout; what they lack is as in an empty row of the table."""
    new = np.zeros(len(old), layout)
    names = layout.names or ()
    for name in names:
        if name in (old.dtype.names or ()):
            new[name] = old[name]
        elif name == "age_known":  # a band that is not the empty row's was said
            new[name] = new["age_band"] != 0
        elif (column := table.COLUMNS.get(prefix + name)) is not None:
            new[name] = column.empty
    if "scale2" in names:  # limits did not follow the prescribed target
        new["own_limits"] |= new["scale2"]
    return new


def encode_gone(position: int) -> bytes:
    """Return the record of a patient who was dropped, by a state that reaches up to `position`."""
    head = np.zeros(1, HEAD)
    head["version"], head["position"] = VERSION, position
    return head.tobytes()


def is_gone(record: bytes) -> bool:
    """Return whether the record says that the patient was dropped: it holds nothing but how far it reaches."""
    return len(record) == _head_of(record).itemsize
