"""Where the records of a batch (format 2) lie in its bytes: offset, time, and the places of key and value."""

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.compiled import kernel

Places = NDArray[np.int64]
"""Shape (6, n), a row each: offset; time, ms; where the key begins, -1 = null, and ends; the same of the value."""


@kernel
def varint(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it, -1 where there is none before `end`."""
    found = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(64):
        byte = np.uint64(buffer[at])
        found |= (byte & np.uint64(0x7F)) << shift
        at += 1
        if byte < np.uint64(0x80):
            return (np.int64(found >> np.uint64(1)) ^ -np.int64(found & np.uint64(1))), at  # type: ignore[return-value]
        shift += np.uint64(7)
    return 0, -1


@kernel
def piece(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return where a text with its length before it begins, -1 = null, and the place behind it, -1 = it is cut off."""
    length, at = varint(buffer, at, end)
    if at < 0 or length > end - at:
        return -1, -1
    return (at, at + length) if length >= 0 else (-1, at)


@kernel
def walk(
    buffer: NDArray[np.uint8],
    at: int,
    end: int,
    base_offset: int,
    base_ms: int,
    stamped_ms: int,
    places: Places,
    first: int,
) -> bool:
    """Note the places of as many records as there is room for, from `places[:, first]` on; False = they are no records.

    Args:
        buffer: what was fetched.
        at: where the records begin.
        end: where they end: not a byte is left over.
        base_offset: what their offsets are added to.
        base_ms: what their times are added to.
        stamped_ms: the time at which the broker appended all of them; -1 = each has its own.
        places: filled in.
        first: the column of the first record.
    """
    for i in range(first, places.shape[1]):
        length, at = varint(buffer, at, end)
        if at < 0 or length < 0 or length > end - at:
            return False
        behind = at + length
        _, at = varint(buffer, at, behind)
        if at < 0:
            return False
        later_ms, at = varint(buffer, at, behind)
        if at < 0:
            return False
        later, at = varint(buffer, at, behind)
        if at < 0:
            return False
        key, key_end = piece(buffer, at, behind)
        if key_end < 0:
            return False
        value, value_end = piece(buffer, key_end, behind)
        if value_end < 0:
            return False
        headers, at = varint(buffer, value_end, behind)
        if at < 0 or headers < 0:
            return False
        for _ in range(headers):
            name, at = piece(buffer, at, behind)
            if at < 0 or name < 0:
                return False
            _, at = piece(buffer, at, behind)
            if at < 0:
                return False
        if at != behind:
            return False
        places[0, i] = base_offset + later
        places[1, i] = base_ms + later_ms if stamped_ms < 0 else stamped_ms
        places[2, i], places[3, i] = key, key_end
        places[4, i], places[5, i] = value, value_end
    return at == end


def compile_ahead() -> None:
    """Compile what is called from outside of this package."""
    walk(np.zeros(1, np.uint8), 0, 0, 0, 0, -1, np.empty((6, 0), np.int64), 0)
