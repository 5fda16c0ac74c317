"""Which frames a patient's devices have already sent: recognises duplicates by (device, boot, seq).

Each of a patient's `DEVICES` slots remembers one boot of one device: its highest sequence number and which of the
`SEEN` numbers below it came. A number further below counts as seen. The outcome does not depend on how the log is
cut into blocks.
"""

import hashlib
from operator import eq
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.masks import every, some
from tables.columns import SEEN
from tables.groups import Groups
from tables.patients import PatientTable, lap

NAMES_MAX: Final = 500_000
"""Bound on the memory of device names' hashes; beyond it the memory starts anew."""

_names: dict[tuple[str, int], int] = {}


def device_names(devices: list[str], boots: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the 64-bit name of each boot of a device, (n,); never 0, which marks an empty slot."""
    if len(_names) > NAMES_MAX:
        _names.clear()
    pairs = list(zip(devices, boots.tolist(), strict=True))
    known = [_names.get(pair) for pair in pairs]
    if None in known:
        known = [_name(pair) for pair in pairs]
    return np.array(known, dtype=np.uint64)


def _name(pair: tuple[str, int]) -> int:
    name = _names.get(pair)
    if name is None:
        text = f"{pair[0]}\x1f{pair[1]}".encode()
        name = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") or 1
        _names[pair] = name
    return name


def find_slots(
    table: PatientTable, rows: NDArray[np.int64], devices: list[str], boots: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Return what `assign_slots` does, but search only for patients with another device than in the frame before."""
    last = table.last_device
    known = list(map(last.__getitem__, rows.tolist()))
    same = table.last_boot[rows] == boots
    slots = table.last_slot[rows]
    if known == devices and every(same):  # as nearly always
        return slots, len(rows)
    same &= np.fromiter(map(eq, known, devices), np.bool_, len(rows))
    changing = np.zeros(len(last), dtype=np.bool_)
    changing[rows[~same]] = True
    at = np.flatnonzero(changing[rows])
    names = device_names([devices[i] for i in at.tolist()], boots[at])
    found, count = assign_slots(table, rows[at], names)
    at, end = at[:count], int(at[count]) if count < len(at) else len(rows)
    slots[at] = found[:count]
    table.last_boot[rows[at]], table.last_slot[rows[at]] = boots[at], found[:count]
    for i in at.tolist():
        last[rows[i]] = devices[i]
    return slots, end


def assign_slots(
    table: PatientTable, rows: NDArray[np.int64], names: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], int]:
    """Find or make the slot of each frame's device.

    Returns:
        The slots (n,), and how many leading frames have one: a frame whose device must push another out of its
        slot ends the run, because the frames before it must have been remembered first, and is a run of its own,
        because the device it pushes out may follow. At least one frame has a slot, unless there are none.
    """
    match = table.device[rows] == names[:, None]
    slots = match.argmax(axis=1)
    unknown = np.flatnonzero(~match[np.arange(len(rows)), slots])
    for i in unknown.tolist():
        row, name = int(rows[i]), int(names[i])
        held = table.device[row].tolist()
        if name in held:  # a frame before this one in the run made the slot
            slots[i] = held.index(name)
            continue
        if 0 in held:
            slot = held.index(0)
        elif i > 0:
            return slots, i
        else:
            slot = int(table.device_used[row].argmin())
            _clear_slot(table, row, slot)
            slots[i] = slot
            table.device[row, slot] = name
            return slots, 1
        slots[i] = slot
        table.device[row, slot] = name
    return slots, len(rows)


def _clear_slot(table: PatientTable, row: int, slot: int) -> None:
    table.device_high[row, slot] = -1
    table.device_lap[row, slot] = 0
    table.device_event_ms[row, slot] = -1
    table.device_append_ms[row, slot] = -1


def remember(table: PatientTable, groups: Groups, seqs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Remember frames in log order and tell which of them are new, (n,); `groups` are the rows' slots."""
    group = groups.numbers
    before = groups.before(seqs, table.device_high.reshape(-1)[group])
    rising = seqs > before
    fresh = np.ones(len(group), dtype=np.bool_)
    if every(rising):
        _mark_rising(table, groups, seqs, before)
        return fresh
    odd = np.isin(group, group[~rising])
    plain = ~odd
    _mark_rising(table, Groups(group[plain]), seqs[plain], before[plain])
    for i in np.flatnonzero(odd).tolist():
        fresh[i] = _remember_one(table, int(group[i]), int(seqs[i]))
    return fresh


def _mark_rising(
    table: PatientTable, groups: Groups, seqs: NDArray[np.int64], before: NDArray[np.int64]
) -> None:
    """Remember frames whose numbers only rise; `before` is the number before each, negative where there is none."""
    group = groups.numbers
    table.device_high.reshape(-1)[group] = seqs  # the last of each, which is the highest
    jumps = (before >= 0) & (seqs - before >= SEEN)
    if some(jumps):  # everything remembered is further below than the ring reaches
        table.device_lap.reshape(-1, SEEN)[group[jumps]] = 0
        if not groups.apart:
            starts = np.flatnonzero(groups.first)
            last_jump = np.maximum.reduceat(np.where(jumps, seqs, NEVER)[groups.order], starts)
            kept = np.empty(len(group), dtype=np.bool_)
            kept[groups.order] = seqs[groups.order] >= last_jump[np.cumsum(groups.first) - 1]
            group, seqs = group[kept], seqs[kept]
    table.device_lap.reshape(-1)[group * SEEN + seqs % SEEN] = lap(seqs).astype(np.uint16)


def _remember_one(table: PatientTable, group: int, seq: int) -> bool:
    laps = table.device_lap.reshape(-1, SEEN)[group]
    high = table.device_high.reshape(-1)
    top = int(high[group])
    place = seq % SEEN
    if seq > top:
        if top >= 0 and seq - top >= SEEN:
            laps[:] = 0  # everything remembered is further below than the ring reaches
        high[group] = seq
    elif seq <= top - SEEN or laps[place] == lap(seq):
        return False
    laps[place] = lap(seq)
    return True
