"""Which device a frame is of, and whether the frame is news: what a device says next always is.

A frame comes *next* when it has a higher (boot, number) than those before it, also when its numbers begin again: a
counter that wrapped, a restart under one boot number, two devices of one name. A *repeat* has the boot, number, time
and content of one that came. What is neither is *late*: a number below the highest that has not come yet, or an older
boot; of that no numbers are remembered, so that only what is newer by its time counts, and the rest are repeats. A
number that comes again with other content, or far below the highest, is a *conflict*; so is what is late by its number
but newer by its time. The outcome does not depend on how the log is cut into blocks.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import eq
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.comparators import NUMBER
from clinical.limits import NEVER
from clinical.masks import every, some
from clinical.vitals import ABSENT, COUNT
from streams.contracts.frame import VALUE_ABS_MAX
from streams.decoding.decoded import Bounds, Frames
from streams.decoding.name_column import NameColumn, numbers_of
from tables.device_rows import NOBODY, SEEN, DeviceRows
from tables.groups import Groups
from tables.patients import PatientTable, lap

NAMES_MAX: Final = 500_000
"""Bound on the memory of device names' hashes; beyond it the memory starts anew."""

_names: dict[str, int] = {}

FACTORS: Final = np.random.PCG64(1).random_raw(COUNT + 1) | np.uint64(1)
"""Odd numbers by which what a frame says is multiplied for its digest: its times, then the signals."""

_OF_TIMES, _OF_SIGNALS = FACTORS[0], FACTORS[1:]
_NOTHING, _HALF, _ABOVE_TIMES = np.uint64(0), np.uint64(32), np.int64(42)
_HIGH_HALF: Final = 1 if sys.byteorder == "little" else 0


@dataclass(slots=True)
class Found:
    """The device row of each of the first n frames, (n,), and whether the first of them had to push another out."""

    devices: NDArray[np.int64]
    has_pushed_out: bool = False


@dataclass(slots=True)
class News:
    """Which of n frames are news, and which of those come next, (n,) each; `conflicts` are indices of frames."""

    fresh: NDArray[np.bool_]
    next: NDArray[np.bool_]
    conflicts: list[int] = field(default_factory=list)


def device_name(device: str) -> int:
    """Return the 64-bit name of a device; never 0, which marks an empty row."""
    name = _names.get(device)
    if name is None:
        if len(_names) > NAMES_MAX:
            _names.clear()
        digest = hashlib.blake2b(device.encode(), digest_size=8).digest()
        name = _names[device] = int.from_bytes(digest, "little") or 1
    return name


def find_devices(table: PatientTable, rows: NDArray[np.int64], frames: Frames) -> Found:
    """Return the device row of each frame, as far as the first one whose device must make room for itself.

    Searched for only where a patient's frame is of another device than the one before. A frame whose device pushes
    another out ends the run, because the frames before it must have been remembered first, and is a run of its own,
    because the device it pushes out may follow. At least one frame has a row, unless there are none.
    """
    last, numbers = table.last_device, numbers_of(frames.device)
    found = table.last_slot[rows]
    same = _of_last_device(table, rows, frames.device, found)
    if same is None:  # as nearly always
        return Found(found)
    changing = np.zeros(len(last), dtype=np.bool_)
    changing[rows[~same]] = True
    for i in np.flatnonzero(changing[rows]).tolist():
        row, device = int(rows[i]), frames.device[i]
        name = device_name(device)
        slots = table.slots[row]
        names = table.devices.name.take(slots).tolist()
        is_full = name not in names and 0 not in names
        if is_full and i > 0:
            return Found(found[:i])
        if name in names:
            at = int(slots[names.index(name)])
        else:
            at = _settle_in(table, row, None if is_full else names.index(0), name, int(frames.boot[i]))
        found[i] = table.last_slot[row] = at
        last[row], table.last_number[row] = device, 0 if numbers is None else numbers[i]
        if is_full:
            return Found(found[:1], has_pushed_out=True)
    return Found(found)


def _of_last_device(
    table: PatientTable, rows: NDArray[np.int64], devices: Sequence[str], slots: NDArray[np.int64]
) -> NDArray[np.bool_] | None:
    """Return which frames are of the device that their patient's last frame was of, None = all; it had these slots."""
    last = table.last_device
    if not isinstance(devices, NameColumn):
        known = list(map(last.__getitem__, rows.tolist()))
        return None if known == devices else np.fromiter(map(eq, known, devices), np.bool_, len(rows))
    if table.devices.numbered_by is not devices.names:
        table.devices.numbered_by = devices.names
        table.last_number[:] = 0
    same: NDArray[np.bool_] = (table.last_number[rows] == devices.numbers) & (slots != NOBODY)
    if every(same):  # as nearly always
        return None
    for i in np.flatnonzero(~same).tolist():
        row = int(rows[i])
        if last[row] == devices[i]:
            same[i], table.last_number[row] = True, devices.numbers[i]
    return None if every(same) else same


def _settle_in(table: PatientTable, row: int, slot: int | None, name: int, boot: int) -> int:
    """Return the row of a new device, in a free slot of the patient's or that of the device unheard for longest."""
    slots, devices = table.slots[row], table.devices
    if slot is None:
        slot = int(devices.used[slots].argmin())
        devices.give_back(slots[slot : slot + 1].copy())
    at = slots[slot] = devices.take_row(row, name)
    devices.boot[at] = boot
    return int(at)


def digests(frames: Frames) -> NDArray[np.uint32]:
    """Return a digest of what each frame says, but for who says it and its number, (n,)."""
    values = np.ascontiguousarray(frames.values)
    # Inverted, because nought is another content than nothing.
    if frames.bounds is not None:
        values = _with_bounds(values, frames.bounds)
    bits, absent = ~values.view(np.uint64), values == ABSENT
    if some(absent):
        bits = np.where(absent, _NOTHING, bits)
    # The low half of a small number is all zeros: without the high half's bits there it would say little.
    said = (bits ^ (bits >> _HALF)) @ _OF_SIGNALS.take(frames.carried)
    said += (frames.event_ts_ms ^ (frames.interval_ms << _ABOVE_TIMES)).view(np.uint64) * _OF_TIMES
    found: NDArray[np.uint32] = said.view(np.uint32)[_HIGH_HALF::2]
    return found


def _with_bounds(values: NDArray[np.float64], bounds: Bounds) -> NDArray[np.float64]:
    """Return values with numbers that no reading can be where there are bounds, another one for each."""
    said = bounds.limit + 4 * VALUE_ABS_MAX * bounds.comparator
    return np.where(bounds.comparator != NUMBER, said, values)


def remember(devices: DeviceRows, groups: Groups, frames: Frames) -> News | None:
    """Remember frames in log order and tell which of them are news; `groups` are the rows of their devices.

    None says that all of them come next, as nearly always.
    """
    group, seqs, said = groups.numbers, frames.seq, digests(frames)
    before = groups.before(seqs, devices.high[group])
    rising = (seqs > before) & (frames.boot == devices.boot[group])
    if every(rising):
        _mark_rising(devices, groups, seqs, said, before)
        return None
    odd = np.isin(group, group[~rising])
    plain = ~odd
    _mark_rising(devices, Groups(group[plain]), seqs[plain], said[plain], before[plain])
    news = News(np.ones(len(group), dtype=np.bool_), np.ones(len(group), dtype=np.bool_))
    last_ms: dict[int, int] = {}
    for i in np.flatnonzero(odd).tolist():
        at, event_ms = int(group[i]), int(frames.event_ts_ms[i])
        before_ms = last_ms.get(at, int(devices.event_ms[at]))
        is_newer = event_ms > before_ms
        what = _remember_one(devices, at, int(frames.boot[i]), int(seqs[i]), int(said[i]))
        if frames.boot[i] < devices.boot[at] and not is_newer:
            what = REPEAT
        news.fresh[i], news.next[i] = what != REPEAT, what in (NEXT, AGAIN)
        if what == AGAIN or (what == LATE and is_newer):
            news.conflicts.append(i)
        if what != REPEAT:
            last_ms[at] = event_ms
    return news


def _mark_rising(
    devices: DeviceRows,
    groups: Groups,
    seqs: NDArray[np.int64],
    said: NDArray[np.uint32],
    before: NDArray[np.int64],
) -> None:
    """Remember frames whose numbers only rise; `before` is the number before each, negative where there is none."""
    group = groups.numbers
    devices.high[group] = seqs  # the last of each, which is the highest
    jumps = seqs - before >= SEEN
    if some(jumps):  # everything remembered is further below than the ring reaches
        jumps &= before >= 0
        _forget(devices, group[jumps])
        if not groups.apart:
            starts = np.flatnonzero(groups.first)
            last_jump = np.maximum.reduceat(np.where(jumps, seqs, NEVER)[groups.order], starts)
            kept = np.empty(len(group), dtype=np.bool_)
            kept[groups.order] = seqs[groups.order] >= last_jump[np.cumsum(groups.first) - 1]
            group, seqs, said = group[kept], seqs[kept], said[kept]
    place = group * SEEN + seqs % SEEN
    devices.lap.reshape(-1)[place] = lap(seqs).astype(np.uint16)
    devices.digest.reshape(-1)[place] = said


def _forget(devices: DeviceRows, at: int | NDArray[np.int64]) -> None:
    """Forget all numbers of a device, or of several; no digest stays of what a block's cut may have left out."""
    devices.lap[at], devices.digest[at] = 0, 0


REPEAT, LATE, NEXT, AGAIN = range(4)
"""What a frame is to its device; `AGAIN` is next in a count that began again."""


def _remember_one(devices: DeviceRows, at: int, boot: int, seq: int, said: int) -> int:
    """Remember one frame and return what it is."""
    laps, top, place = devices.lap[at], int(devices.high[at]), seq % SEEN
    if boot < devices.boot[at]:
        return LATE  # nothing of an older boot is remembered
    what = NEXT
    if boot > devices.boot[at] or (seq > top and seq - top >= SEEN):
        _forget(devices, at)
    elif seq <= top:
        if seq <= top - SEEN:
            what = AGAIN
        elif laps[place] != lap(seq):
            what = LATE
        else:
            what = REPEAT if devices.digest[at, place] == said else AGAIN
        if what == AGAIN:
            _forget(devices, at)
    if what != REPEAT:
        laps[place], devices.digest[at, place] = lap(seq), said
    if what in (NEXT, AGAIN):
        devices.boot[at], devices.high[at] = boot, seq
    return what
