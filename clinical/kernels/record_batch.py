"""Where the records of a batch (format 2) lie in its bytes: offset, time, and the places of key and value."""

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.compiled import kernel

Places = NDArray[np.int64]
"""Shape (n, 6): offset; time, ms; where the key begins, -1 = null, and ends; the same of the value."""


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
    is_stamped: bool,
    places: Places,
) -> bool:
    """Note the places of as many records as there is room for; False = they are no records.

    Args:
        buffer: what was fetched.
        at: where the records begin.
        end: where they end: not a byte is left over.
        base_offset: what their offsets are added to.
        base_ms: what their times are added to.
        is_stamped: whether it is the time of all of them, because the broker says so.
        places: filled in.
    """
    for i in range(len(places)):
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
            for letter in buffer[name:at]:
                if letter > 127:  # perhaps no text: not decided here
                    return False
            _, at = piece(buffer, at, behind)
            if at < 0:
                return False
        if at != behind:
            return False
        places[i, 0] = base_offset + later
        places[i, 1] = base_ms if is_stamped else base_ms + later_ms
        places[i, 2], places[i, 3] = key, key_end
        places[i, 4], places[i, 5] = value, value_end
    return at == end


def compile_ahead() -> None:
    """Compile what is called from outside of this package."""
    walk(np.frombuffer(b"", np.uint8), 0, 0, 0, 0, False, np.empty((0, 6), np.int64))
