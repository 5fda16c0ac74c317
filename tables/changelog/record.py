"""A patient's durable record: the bytes that the changelog keeps for one row of the patient table.

Only what differs from an empty row is written: signals that were seen, alarms that are not at rest, windows that
hold readings. Alarms are named by a hash of their rule's id, so that a record survives a changed rules file.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.masks import some
from clinical.vitals import COUNT, WINDOWED
from tables.changelog.record_layout import (
    ALARM,
    COUNTS,
    DEVICE,
    HEAD,
    LIMIT,
    PROFILE,
    READING,
    RUN,
    SIGNAL,
    VERSION,
    position_of,
    upgraded,
)
from tables.columns.log_columns import DEVICES
from tables.columns.stay_columns import COMMANDS
from tables.device_rows import NOBODY, SEEN, DeviceRows
from tables.patients import PatientTable, lap
from tables.windows import Windows

_WINDOW_COLUMNS: Final = ("count", "sum", "low", "high")


def encode(table: PatientTable, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> list[bytes]:
    """Return the records of rows.

    Args:
        table: the table.
        rows: (n,) rows in use.
        keys: `alarm_key` of the table's alarms, in order.
    """
    devices = table.slots[rows] != NOBODY
    owned = table.slots[rows][devices]
    owner, ordinal = np.nonzero(devices)
    readings: NDArray[np.bool_] = (table.devices.newest_ms[owned] >= 0) | (table.devices.lost_ms[owned] >= 0)
    runs: NDArray[np.bool_] = (table.devices.run_onset_ms[owned] >= 0) | (
        table.devices.run_clear_ms[owned] >= 0
    )
    runs |= table.devices.run_excess_ms[owned] > 0
    signals: NDArray[np.bool_] = np.any(_of_rows(table.windows, "count", rows) > 0, axis=1)
    alarms = (table.alarm_state[rows] != 0) | (table.alarm_onset_ms[rows] >= 0)
    alarms |= table.alarm_clear_ms[rows] >= 0
    buckets = _of_rows(table.windows, "bucket", rows)
    slots = buckets >= 0
    limits = ~(np.isnan(table.alarm_low[rows]) & np.isnan(table.alarm_high[rows]))
    commands = table.commands[rows] != 0
    profiles, special = _profiles(table, rows)
    head = np.zeros(len(rows), HEAD)
    head["version"] = VERSION
    head["position"] = np.maximum(table.processed, table.position[rows])
    for name in _HEAD_COLUMNS:
        head[name] = getattr(table, name)[rows]
    present = (devices, signals, alarms, slots, special[:, None], limits, commands)
    named = ("devices", "signals", "alarms", "slots", "profiles", "limits", "commands")
    for field, given in zip(named, present, strict=True):
        head[field] = given.sum(axis=1)
    for field, given in (("readings", readings), ("runs", runs)):
        head[field] = np.bincount(owner, given.sum(axis=1), len(rows))  # of all devices
    cells = slots[:, :, None] & signals[:, None, :]
    per_cell = cells.sum(axis=(1, 2))
    sections = [
        _cut(head, np.ones(len(rows), dtype=np.int64)),
        _cut(_devices(table.devices, owned), head["devices"]),
        _cut(_readings(table.devices, owned, ordinal, readings), head["readings"]),
        _cut(_runs(table.devices, owned, ordinal, runs, keys), head["runs"]),
        _cut(np.nonzero(signals)[1].astype(SIGNAL), head["signals"]),
        _cut(_alarms(table, rows, alarms, keys), head["alarms"]),
        _cut(buckets[slots], head["slots"]),
        *(_cut(_of_rows(table.windows, name, rows)[cells], per_cell) for name in _WINDOW_COLUMNS),
        _cut(profiles[special], head["profiles"]),
        _cut(_limits(table, rows, limits, keys), head["limits"]),
        _cut(table.commands[rows][commands], head["commands"]),
    ]
    return [b"".join(parts) for parts in zip(*sections, strict=True)]


def _of_rows(windows: Windows, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return a column of windows patient by patient, (n, slots[, signals]), as a record has it."""
    column: NDArray[Any] = getattr(windows, name)
    return column[:, rows].swapaxes(0, 1)


def _cut(values: NDArray[Any], counts: NDArray[Any]) -> list[bytes]:
    """Cut a flat array into the bytes of each row's share."""
    data = values.tobytes()
    ends = (np.cumsum(counts, dtype=np.int64) * values.dtype.itemsize).tolist()
    return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _devices(devices: DeviceRows, owned: NDArray[np.int32]) -> NDArray[Any]:
    found = np.zeros(len(owned), DEVICE)
    for name in _DEVICE_COLUMNS:
        found[name] = getattr(devices, name)[owned]
    seqs = found["high"][:, None] - _AGO
    seen = (seqs >= 0) & (np.take_along_axis(devices.lap[owned], seqs % SEEN, axis=1) == lap(seqs))
    found["seen"] = np.packbits(seen, axis=1, bitorder="little")
    return found


def _readings(
    devices: DeviceRows, owned: NDArray[np.int32], ordinal: NDArray[np.int64], present: NDArray[np.bool_]
) -> NDArray[Any]:
    """Return what devices measured; `ordinal` (n,) is which of its patient's devices each is."""
    device, signal = np.nonzero(present)
    found = np.zeros(len(device), READING)
    found["device"], found["signal"] = ordinal[device], signal
    for name in _READING_COLUMNS:
        found[name] = getattr(devices, name)[owned[device], signal]
    return found


def _runs(
    devices: DeviceRows,
    owned: NDArray[np.int32],
    ordinal: NDArray[np.int64],
    present: NDArray[np.bool_],
    keys: NDArray[np.uint64],
) -> NDArray[Any]:
    device, rule = np.nonzero(present)
    found = np.zeros(len(device), RUN)
    found["device"], found["key"] = ordinal[device], keys[rule]
    for name in _RUN_COLUMNS:
        found[name] = getattr(devices, f"run_{name}")[owned[device], rule]
    return found


def _profiles(table: PatientTable, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return each row's profile, and which of them differ from an empty row's."""
    profiles, blank = np.zeros(len(rows), PROFILE), np.zeros(1, PROFILE)
    for name in PROFILE.names or ():
        profiles[name], blank[name] = getattr(table, name)[rows], table.COLUMNS[name].empty
    width = PROFILE.itemsize
    return profiles, (profiles.view("u1").reshape(-1, width) != blank.view("u1").reshape(1, width)).any(
        axis=1
    )


def _limits(
    table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[Any]:
    row, alarm = np.nonzero(present)
    limits = np.zeros(len(row), LIMIT)
    limits["key"] = keys[alarm]
    limits["low"], limits["high"] = table.alarm_low[rows[row], alarm], table.alarm_high[rows[row], alarm]
    return limits


def _alarms(
    table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[Any]:
    row, alarm = np.nonzero(present)
    alarms = np.zeros(len(row), ALARM)
    alarms["key"] = keys[alarm]
    for name in _ALARM_COLUMNS:
        alarms[name] = getattr(table, f"alarm_{name}")[rows[row], alarm]
    return alarms


def decode(record: bytes, table: PatientTable, row: int, alarm_of: dict[int, int]) -> list[int]:
    """Write one record into an empty row; see `decode_all`."""
    return decode_all([record], table, np.array([row]), alarm_of)


def decode_all(
    records: Sequence[bytes], table: PatientTable, rows: NDArray[np.int64], alarm_of: dict[int, int]
) -> list[int]:
    """Write records into empty rows.

    Args:
        records: what `encode` returned, n of them.
        table: the table to write to.
        rows: (n,) empty and different rows of it.
        alarm_of: column of each alarm by its `alarm_key`.

    Returns:
        Keys of alarms in the records that the table does not have (their rule is gone).

    Raises:
        ValueError: one is not a record of this version, or damaged; the rows are then undefined.
    """
    for record in records:
        position_of(record)
    limits = frozenset(key for key, column in alarm_of.items() if column < table.limits)
    records = [upgraded(record, limits) for record in records]
    head = np.frombuffer(b"".join([record[: HEAD.itemsize] for record in records]), HEAD)
    counts = {name: head[name].astype(np.int64) for name in COUNTS}
    for name, most in (("devices", DEVICES), ("profiles", 1), ("commands", COMMANDS)):
        if some(counts[name] > most):
            raise ValueError(f"a patient record is damaged: more than {most} {name}")
    cells = counts["slots"] * counts["signals"]
    windows = table.windows
    sections = (
        (DEVICE, counts["devices"]),
        (READING, counts["readings"]),
        (RUN, counts["runs"]),
        (SIGNAL, counts["signals"]),
        (ALARM, counts["alarms"]),
        (windows.bucket.dtype, counts["slots"]),
        *((getattr(windows, name).dtype, cells) for name in _WINDOW_COLUMNS),
        (PROFILE, counts["profiles"]),
        (LIMIT, counts["limits"]),
        (table.commands.dtype, counts["commands"]),
    )
    found = _sections(records, sections)
    devices, readings, runs, signals, alarms, bucket, *columns, profiles, own_limits, commands = found
    for signal in (signals, readings["signal"]):
        if some(signal >= (WINDOWED if signal is signals else COUNT)):
            raise ValueError(f"a patient record is damaged: signal {signal.max()}")
    table.position[rows] = head["position"]
    for name in _HEAD_COLUMNS:
        getattr(table, name)[rows] = head[name]
    _put_devices(table, rows, devices, counts["devices"])
    _put_readings(table, np.repeat(rows, counts["readings"]), readings)
    _put_runs(table, np.repeat(rows, counts["runs"]), runs, alarm_of)
    _put_windows(windows, rows, (counts["slots"], counts["signals"]), signals, bucket, columns)
    for name in PROFILE.names or ():
        getattr(table, name)[np.repeat(rows, counts["profiles"])] = profiles[name]
    table.commands[np.repeat(rows, counts["commands"]), _within(counts["commands"])] = commands
    _put_named(table, np.repeat(rows, counts["limits"]), own_limits, ("low", "high"), alarm_of)
    return _put_named(table, np.repeat(rows, counts["alarms"]), alarms, _ALARM_COLUMNS, alarm_of)


def _sections(
    records: Sequence[bytes], sections: Sequence[tuple[np.dtype[Any], NDArray[np.int64]]]
) -> list[NDArray[Any]]:
    """Return each section of all records as one array; a section is a type and how many of it each record has."""
    begins = np.full(len(records), HEAD.itemsize)
    found = []
    for dtype, counts in sections:
        ends = begins + counts * dtype.itemsize
        cut = zip(records, begins.tolist(), ends.tolist(), strict=True)
        found.append(b"".join([record[begin:end] for record, begin, end in cut]))
        begins = ends
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    if (wrong := np.flatnonzero(lengths != begins)).size:
        i = int(wrong[0])
        raise ValueError(f"a patient record of {lengths[i]} bytes is damaged: it should have {begins[i]}")
    return [np.frombuffer(data, dtype) for data, (dtype, _) in zip(found, sections, strict=True)]


def _within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, ... count - 1 for each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _put_devices(
    table: PatientTable, rows: NDArray[np.int64], found: NDArray[Any], counts: NDArray[np.int64]
) -> None:
    devices = table.devices
    devices.reserve(len(found))
    owner, slot = np.repeat(rows, counts), _within(counts)
    names = found["name"].tolist()
    at = [devices.take_row(row, name) for row, name in zip(owner.tolist(), names, strict=True)]
    taken = table.slots[owner, slot] = np.array(at, dtype=np.int32)
    for name in _DEVICE_COLUMNS:
        getattr(devices, name)[taken] = found[name]
    device, ago = np.nonzero(np.unpackbits(found["seen"], axis=1, bitorder="little"))
    seqs = found["high"][device] - ago
    devices.lap[taken[device], seqs % SEEN] = lap(seqs)


def _device_of(table: PatientTable, row: NDArray[np.int64], found: NDArray[Any]) -> NDArray[np.int32]:
    """Return the row of the device that each entry is of."""
    if some(found["device"] >= DEVICES):
        raise ValueError(f"a patient record is damaged: device {found['device'].max()}")
    devices: NDArray[np.int32] = table.slots[row, found["device"]]
    if some(devices == NOBODY):
        raise ValueError("a patient record is damaged: readings of no device")
    return devices


def _put_readings(table: PatientTable, row: NDArray[np.int64], found: NDArray[Any]) -> None:
    devices = _device_of(table, row, found)
    for name in _READING_COLUMNS:
        getattr(table.devices, name)[devices, found["signal"]] = found[name]


def _put_runs(
    table: PatientTable, row: NDArray[np.int64], found: NDArray[Any], alarm_of: dict[int, int]
) -> None:
    """Write the runs of rules that the table has; of others their alarms tell."""
    devices = _device_of(table, row, found)
    rules = np.array([alarm_of.get(key, NEVER) for key in found["key"].tolist()], dtype=np.int64)
    known = (rules != NEVER) & (rules < table.limits)
    for name in _RUN_COLUMNS:
        getattr(table.devices, f"run_{name}")[devices[known], rules[known]] = found[name][known]
    table.devices.has_excess[devices[known & (found["excess_ms"] > 0)]] = True


def _put_named(
    table: PatientTable,
    row: NDArray[np.int64],
    alarms: NDArray[Any],
    columns: Sequence[str],
    alarm_of: dict[int, int],
) -> list[int]:
    """Write what belongs to alarms; return the keys of those that the table does not have."""
    keys = alarms["key"].tolist()
    places = np.array([alarm_of.get(key, NEVER) for key in keys], dtype=np.int64)
    # Limits of what was a rule, and is now an alarm that has none, are not known either.
    known = (places != NEVER) & (places < getattr(table, f"alarm_{columns[0]}").shape[1])
    for name in columns:
        getattr(table, f"alarm_{name}")[row[known], places[known]] = alarms[name][known]
    return [key for key, kept in zip(keys, known.tolist(), strict=True) if not kept]


def _put_windows(
    windows: Windows,
    rows: NDArray[np.int64],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    signal: NDArray[np.uint8],
    bucket: NDArray[np.int32],
    columns: Sequence[NDArray[Any]],
) -> None:
    """Fill the ring buckets; a record's cells are listed bucket by bucket, each with all of its measured signals.

    `counts` are how many slots and measured signals each record has.
    """
    slots, signals = counts
    place = windows.cells(np.repeat(rows, slots), bucket)
    windows.bucket.reshape(-1)[place] = bucket
    windows.low.reshape(-1, WINDOWED)[place] = np.iinfo(windows.low.dtype).max
    windows.high.reshape(-1, WINDOWED)[place] = (
        0  # the row may have held an older record, which emptying leaves
    )
    wide = np.repeat(signals, slots)  # how many cells each bucket has
    first = np.repeat(
        np.repeat(np.cumsum(signals) - signals, slots), wide
    )  # where its record's signals begin
    cell = np.repeat(place, wide) * WINDOWED + signal[first + _within(wide)]
    for name, values in zip(_WINDOW_COLUMNS, columns, strict=True):
        getattr(windows, name).reshape(-1)[cell] = values


_HEAD_COLUMNS: Final = ("ticked_ms", "pushed_out_ms", "born", "came")
_DEVICE_COLUMNS: Final = tuple(name for name in DEVICE.names or () if name != "seen")
_READING_COLUMNS: Final = ("value", "newest_ms", "value_ms", "lost_ms")
_RUN_COLUMNS: Final = tuple(name for name in RUN.names or () if name not in ("device", "key"))
_ALARM_COLUMNS: Final = tuple(name for name in ALARM.names or () if name != "key")
_AGO: Final = np.arange(SEEN)
