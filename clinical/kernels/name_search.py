"""Names by number: found from their bytes by a hash that is never trusted, the bytes are compared."""

import numpy as np

from clinical.kernels.compiled import kernel
from clinical.kernels.memory import byte, eight, set_whole, whole_at

PROBES_MAX = 32
"""A name that lies further from where its hash says is not found: no name of somebody's choice makes others slow."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with no pattern in its bits: 2**64 divided by the golden ratio."""


NameTable = tuple[int, int, int, int, int, int]
"""Names that have a number, from 1 on: seed of the hash, and the addresses of slots, how many they are, ends, text and
followers.

Slots, a power of two of them, hold numbers where hashes lead, 0 = none; the name of number n is
`text[ends[n - 1]:ends[n]]`, and `followers[n]` which number came last behind it: a ward's frames come in much the same
order each second. Addresses, because passing arrays takes longer than finding a name.
"""


@kernel
def same(at: int, other: int, length: int) -> bool:
    """Return whether so many bytes are the same at two addresses."""
    while length >= 8:
        if eight(at) != eight(other):
            return False
        at, other, length = at + 8, other + 8, length - 8
    while length > 0:
        if byte(at) != byte(other):
            return False
        at, other, length = at + 1, other + 1, length - 1
    return True


@kernel
def home(at: int, length: int, seed: int, slots: int) -> int:
    """Return the slot where the search for the name at an address begins."""
    found = np.uint64(seed) ^ np.uint64(length)
    while length >= 8:
        found = (found ^ eight(at)) * _FACTOR
        found ^= found >> np.uint64(32)
        at, length = at + 8, length - 8
    last = np.uint64(0)
    while length > 0:
        last = last << np.uint64(8) | np.uint64(byte(at))
        at, length = at + 1, length - 1
    found = (found ^ last) * _FACTOR
    return np.int64(found ^ (found >> np.uint64(32))) & (slots - 1)  # type: ignore[return-value]


@kernel
def is_name(at: int, length: int, number: int, ends: int, text: int) -> bool:
    """Return whether the name at an address is that of a number."""
    start = whole_at(ends, number - 1)
    return whole_at(ends, number) - start == length and same(at, text + start, length)


@kernel
def find(at: int, length: int, before: int, names: NameTable) -> int:
    """Return the number of the name at an address, 0 = none or not found; `before` is that of the last one."""
    seed, slots, count, ends, text, followers = names
    guess = whole_at(followers, before)
    if guess > 0 and is_name(at, length, guess, ends, text):
        return guess  # type: ignore[no-any-return]
    place = home(at, length, seed, count)
    for _ in range(PROBES_MAX):
        number = whole_at(slots, place)
        if number == 0:
            return 0
        if is_name(at, length, number, ends, text):
            set_whole(followers, before, number)
            return number  # type: ignore[no-any-return]
        place = (place + 1) & (count - 1)
    return 0


@kernel
def enter(names: NameTable, first: int, last: int) -> None:
    """Put the numbers from the first to the last one into their slots; one without a free slot is left out."""
    seed, slots, count, ends, text, _ = names
    for number in range(first, last + 1):
        start = whole_at(ends, number - 1)
        place = home(text + start, whole_at(ends, number) - start, seed, count)
        for _ in range(PROBES_MAX):
            if whole_at(slots, place) == 0:
                set_whole(slots, place, number)
                break
            place = (place + 1) & (count - 1)


def compile_ahead() -> None:
    """Compile what is called from outside of this package."""
    enter((0, 0, 1, 0, 0, 0), 1, 0)
