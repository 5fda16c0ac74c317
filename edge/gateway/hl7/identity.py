"""What makes a frame of a message the same frame again: numbers made from the message alone.

HL7 has no sequence numbers of readings. A frame's `boot` is 0 and its `seq` the event's time in ms times 1,000 plus a
number below that, so that a later event is a higher number. A message that is sent again, also to another gateway, makes
the same numbers.
"""

import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from edge.gateway.hl7.split import Header

STEPS: Final = 1_000
"""Different messages of one millisecond, as far as their ids say so."""

_DIGITS: Final = 3


@lru_cache(maxsize=4_096)
def _number(sender: bytes, message_id: bytes) -> int:
    if message_id.isdigit():
        return int(message_id[-_DIGITS:])
    digest = hashlib.sha256(sender + b"\x1f" + message_id).digest()
    return int.from_bytes(digest[:8], "big") % STEPS


def number_of_message(header: Header) -> int:
    """Return 0 to 999: the last three digits of a numeric MSH-10, so that numbered messages are in order; else a hash."""
    return _number(header.field(3) + b"\x1f" + header.field(4), header.field(10).strip())


def number_of_content(values: Mapping[str, object]) -> int:
    """Return 0 to 999 of what was measured.

    Monitors repeat an older reading (a cuff's) in every message until there is a newer one: it is the same frame,
    whatever the message's id.
    """
    return zlib.crc32(repr(sorted(values.items())).encode()) % STEPS


def seq_of(event_ts_ms: int, number: int) -> int:
    """Return the frame's number."""
    return event_ts_ms * STEPS + number
