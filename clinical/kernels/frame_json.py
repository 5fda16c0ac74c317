"""Frames out of JSON into columns, those that are plain: all that is written as devices nearly always write it.

Plain is an object of known members, each at most once, in any order: names that are known, whole numbers and decimals
of at most 15 digits without an exponent, `null`, `true`, `false`, a level of consciousness. What is not plain may be a
frame all the same: that is another's to judge, and nothing is said of it here.

A decimal of m / 10**k with m < 2**53 and k <= 22 is the double nearest to what is written, as one division rounds once.
Places in the text are addresses; `end` is the first one behind it, from which on nothing is read.
"""

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.compiled import kernel
from clinical.kernels.memory import address, byte, real_at, set_real, set_whole, whole_at
from clinical.kernels.name_search import NameTable, find, same

PATIENT, DEVICE, BOOT, SEQ, EVENT_TS_MS, INTERVAL_MS, SIGNAL = range(7)
"""Members of a frame by number; from the last one on they are signals."""

APPEND_TS_MS, OFFSET, PLAIN, ROWS = range(6, 10)
"""What else stands in `whole` besides these members by their numbers; `PLAIN` is 1 where the frame is."""

NAME_BYTES, LENGTH, KIND, LOW, HIGH, WORDS = 16, 2, 3, 4, 5, 6
"""In `Form.members`: how many bytes, the first words, a name has, and where the rest stands."""

WHOLE, NUMBER, LEVEL, FLAG = range(4)
"""Kinds of members."""

DIGITS_MAX = 15
REQUIRED = 0b11111
"""Members that every frame has: all before the interval."""

_QUOTE, _COMMA, _MINUS, _POINT, _ZERO, _COLON, _SLASH, _OPEN, _CLOSE = 34, 44, 45, 46, 48, 58, 92, 123, 125

Whole = NDArray[np.int64]


Form = tuple[int, int, float, int, int]
"""What a frame may say: the addresses of its members, (m, WORDS), and how many they are; the largest number of a
signal, either way; the addresses of the letters of consciousness and of the powers of ten."""


@kernel
def skip(at: int, end: int) -> int:
    """Return the place behind the blanks at a place."""
    while (
        at < end and byte(at) <= 32 and (byte(at) == 32 or byte(at) == 10 or byte(at) == 13 or byte(at) == 9)
    ):
        at += 1
    return at


@kernel
def digits(at: int, end: int, found: int, room: int) -> tuple[int, int]:
    """Return `found` with the digits at a place behind its own, and the place behind them, -1 = more than `room`."""
    behind = min(end, at + room)
    while at < behind:
        digit = byte(at) - _ZERO
        if digit < 0 or digit > 9:
            return found, at
        found = found * 10 + digit
        at += 1
    is_more = at < end and _ZERO <= byte(at) < _ZERO + 10
    return found, (-1 if is_more else at)


@kernel
def whole_number(at: int, end: int) -> tuple[int, int]:
    """Return a whole number without a sign, and the place behind it, -1 where it is not plain."""
    found, behind = digits(at, end, 0, DIGITS_MAX)
    if behind == at or (behind > at + 1 and byte(at) == _ZERO):
        return 0, -1
    return found, behind


@kernel
def decimal(at: int, end: int, powers: int) -> tuple[float, int]:
    """Return a number, and the place behind it, -1 where it is not plain."""
    is_negative = at < end and byte(at) == _MINUS
    if is_negative:
        at += 1
    found, point = whole_number(at, end)
    if point < 0:
        return 0.0, -1
    value, behind = float(found), point
    if point < end and byte(point) == _POINT:
        found, behind = digits(point + 1, end, found, DIGITS_MAX - (point - at))
        if behind <= point + 1:
            return 0.0, -1
        value = float(found) / real_at(powers, behind - point - 1)
    if is_negative:
        return -value, (behind if found else -1)  # whether nought has a sign is not decided here
    return value, behind


@kernel
def text_end(at: int, end: int) -> int:
    """Return where the text that begins at a place ends, its quotation mark, -1 where it is no plain text."""
    while at < end:
        letter = byte(at)
        if letter == _QUOTE:
            return at
        if letter < 32 or letter == _SLASH or letter > 126:
            return -1
        at += 1
    return -1


@kernel
def is_named(at: int, end: int, member: int) -> bool:
    """Return whether the text that begins at a place is the name of a member, which is at an address."""
    behind = at + whole_at(member, LENGTH)
    return behind < end and byte(behind) == _QUOTE and same(at, member, behind - at)


@kernel
def member_of(at: int, end: int, members: int, count: int, guess: int) -> int:
    """Return which member the name that begins at a place is of, -1 = unknown; `guess` is asked first."""
    if is_named(at, end, members + 8 * WORDS * guess):
        return guess
    for i in range(count):
        if is_named(at, end, members + 8 * WORDS * i):
            return i
    return -1


@kernel
def rest_of_word(at: int, end: int, second: int, third: int, last: int) -> int:
    """Return the place behind a word of four letters, -1 where it is another one; its first letter is looked at."""
    is_word = at + 4 <= end and byte(at + 1) == second and byte(at + 2) == third and byte(at + 3) == last
    return at + 4 if is_word else -1


@kernel
def charted(at: int, end: int, kind: int, levels: int) -> tuple[float, int]:
    """Return what stands for a level or a flag, and the place behind it, -1 where it is not plain."""
    if kind == LEVEL:
        if at + 2 < end and byte(at) == _QUOTE and byte(at + 2) == _QUOTE:
            for i in range(5):
                if byte(at + 1) == whole_at(levels, i):
                    return float(i), at + 3
    elif byte(at) == 116:
        return 1.0, rest_of_word(at, end, 114, 117, 101)
    elif byte(at) == 102 and at + 4 < end and byte(at + 4) == 101:
        behind = rest_of_word(at, end, 97, 108, 115)
        return 0.0, (behind + 1 if behind > 0 else -1)
    return 0.0, -1


@kernel
def reading(at: int, end: int, kind: int, highest: float, levels: int, powers: int) -> tuple[float, int]:
    """Return what is said of a signal, NaN = null, and the place behind it, -1 where it is not plain."""
    if at >= end:
        return 0.0, -1
    if byte(at) == 110:
        return np.nan, rest_of_word(at, end, 117, 108, 108)
    if kind == NUMBER:
        value, behind = decimal(at, end, powers)
        return value, (behind if -highest <= value <= highest else -1)
    return charted(at, end, kind, levels)


@kernel
def identity(at: int, end: int, member: int, key: int, key_length: int) -> tuple[int, int]:
    """Return the number that stands for a member with bounds, and the place behind it, -1 where it is not plain.

    Without bounds it is a text: the number is then its length, and `key` what it must be, 0 = any.
    """
    if whole_at(member, HIGH) > 0:
        found, behind = whole_number(at, end)
        is_within = whole_at(member, LOW) <= found <= whole_at(member, HIGH)
        return found, (behind if is_within else -1)
    if at >= end or byte(at) != _QUOTE:
        return 0, -1
    if key:
        behind = at + 1 + key_length
        is_key = behind < end and byte(behind) == _QUOTE and same(at + 1, key, key_length)
        return key_length, (behind + 1 if is_key else -1)
    behind = text_end(at + 1, end)
    return behind - at - 1, (behind + 1 if behind > 0 else -1)


@kernel
def column_of(
    fetched: int,
    place: int,
    form: Form,
    devices: NameTable,
    device: int,
    columns: int,
    guesses: int,
    whole: int,
    stride: int,
    values: int,
) -> int:
    """Write what a record says to its column of `whole` and its row of `values`; return its members, 0 = not plain.

    The next row of `whole` is `stride` words further, `device` is the number of the last one; for the rest see `parse`.
    """
    members, count, highest, levels, powers = form
    at, end = fetched + whole_at(place, 4), fetched + whole_at(place, 5)
    key, key_length = fetched + whole_at(place, 2), whole_at(place, 3) - whole_at(place, 2)
    came, before = 0, count
    at = skip(at, end)
    if at >= end or byte(at) != _OPEN:
        return 0
    while True:
        at = skip(at + 1, end)
        if at >= end or byte(at) != _QUOTE:
            return 0
        number = member_of(at + 1, end, members, count, whole_at(guesses, before))
        if number < 0 or came >> number & 1:
            return 0
        set_whole(guesses, before, number)
        before, came = number, came | 1 << number
        member = members + 8 * WORDS * number
        at = skip(at + whole_at(member, LENGTH) + 2, end)
        if at >= end or byte(at) != _COLON:
            return 0
        start = skip(at + 1, end)
        if number >= SIGNAL:
            value, at = reading(start, end, whole_at(member, KIND), highest, levels, powers)
            if whole_at(columns, number) >= 0:
                set_real(values, whole_at(columns, number), value)
        else:
            found, at = identity(start, end, member, key if number == PATIENT else 0, key_length)
            if number == DEVICE and at > 0:
                found = find(start + 1, found, device, devices)
                at = at if found else -1
            if number > PATIENT:
                set_whole(whole, number * stride, found)
        at = skip(at, end) if at > 0 else end
        if at >= end or (byte(at) != _COMMA and byte(at) != _CLOSE):
            return 0
        if byte(at) == _CLOSE:
            is_all = skip(at + 1, end) == end and came & REQUIRED == REQUIRED
            return came if is_all else 0


@kernel
def parse(
    fetched: NDArray[np.uint8],
    places: Whole,
    patients: NameTable,
    devices: NameTable,
    form: Form,
    columns: int,
    guesses: int,
    interval_ms: int,
    bytes_max: int,
    whole: Whole,
    values: NDArray[np.float64],
) -> tuple[int, int]:
    """Write n records into columns; return which members came in plain frames, as bits, and how many frames are plain.

    Args:
        fetched: bytes that hold the records.
        places: where they lie, (n, 6), see `record_batch`.
        patients: those that are known.
        devices: those that are known.
        form: what a frame may say.
        columns: address of the column of `values` for each member, -1 = none; a frame with such a signal is plain, but
            its value is lost.
        guesses: address of which member came last behind each other one, and in the last place which came first.
        interval_ms: the interval of a frame that names none.
        bytes_max: of a frame; a longer one is not plain.
        whole: (ROWS, n), filled in.
        values: (n, k), filled in; -inf = absent.
    """
    base, n, k = address(fetched), len(places), values.shape[1]
    to_places, to_whole, to_values = address(places), address(whole), address(values)
    came, count, patient, device = 0, 0, 0, 0
    for i in range(n):
        whole[OFFSET, i], whole[APPEND_TS_MS, i] = places[i, 0], places[i, 1]
        whole[INTERVAL_MS, i], whole[PLAIN, i] = interval_ms, 0
        for column in range(k):
            values[i, column] = -np.inf
        key, value = places[i, 2], places[i, 4]
        if key < 0 or value < 0 or places[i, 5] - value > bytes_max:
            continue
        found = find(base + key, places[i, 3] - key, patient, patients)
        if found == 0:
            continue
        whole[PATIENT, i] = patient = found
        members = column_of(
            *(base, to_places + 48 * i, form, devices, device, columns, guesses),
            *(to_whole + 8 * i, n, to_values + 8 * k * i),
        )
        if members:
            whole[PLAIN, i] = 1
            came |= members
            device = whole[DEVICE, i]
            count += 1
    return came, count


def compile_ahead() -> None:
    """Compile what is called from outside of this package."""
    nobody, nothing = (0, 0, 1, 0, 0, 0), (0, 0, 0.0, 0, 0)
    places, whole = np.empty((0, 6), np.int64), np.empty((ROWS, 0), np.int64)
    fetched = np.frombuffer(b"", np.uint8)  # read-only, which is a type of its own
    parse(fetched, places, nobody, nobody, nothing, 0, 0, 0, 0, whole, np.empty((0, 1)))
