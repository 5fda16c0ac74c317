"""A place in all the logs that a board shows, and its text: what a page shows back to go on where it was."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

SHOWN: Final = ("patients", "alerts", "deliveries")
"""The logs that beds are made of; what else a board reads changes no bed."""

TEXT_CHARS_MAX: Final = 16_384
"""Of a position that a page shows: three logs of 1,024 partitions take less."""

_SHIFT_MAX: Final = 63


class Log(NamedTuple):
    """One partition of one topic, by its name without `vitals.`."""

    topic: str
    partition: int


Position = Mapping[Log, int]
"""The next offset of each log; what is not named was not read."""


def reached(position: Position, log: Log, offset: int) -> bool:
    """Tell whether a position is beyond a record."""
    return offset < position.get(log, 0)


def covers(ahead: Position, behind: Position) -> bool:
    """Tell whether a position has reached all that another has."""
    return all(ahead.get(log, 0) >= offset for log, offset in behind.items())


def text_of(position: Position, partitions: int) -> str:
    """Return a position as text that is safe in a header and an address."""
    found = bytearray(_number(partitions))
    for topic in SHOWN:
        for partition in range(partitions):
            found += _number(position.get(Log(topic, partition), 0))
    return base64.urlsafe_b64encode(bytes(found)).decode().rstrip("=")


def position_of(text: str, partitions: int) -> dict[Log, int] | None:
    """Return the position of a text, None for one that is none of ours or of another number of partitions."""
    if not text or len(text) > TEXT_CHARS_MAX:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    numbers = _numbers(data)
    if numbers is None or numbers[0] != partitions or len(numbers) != 1 + len(SHOWN) * partitions:
        return None
    logs = [Log(topic, partition) for topic in SHOWN for partition in range(partitions)]
    return dict(zip(logs, numbers[1:], strict=True))


def _number(value: int) -> bytes:
    """Return a number in groups of seven bits, the last one first, as LEB128 has it."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _numbers(data: bytes) -> Sequence[int] | None:
    found, value, shift = list[int](), 0, 0
    for byte in data:
        if shift > _SHIFT_MAX:
            return None
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value, shift = 0, 0
    return None if shift or not found else found
