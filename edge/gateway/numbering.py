"""A sequence number for frames of protocols that have none: made from the message alone, the same at every gateway."""

import hashlib
import re
from typing import Final

PER_MS: Final = 1_000
"""Numbers of one millisecond."""

APART_MAX: Final = 128
"""As many numbers as are remembered below a device's highest (`tables.device_rows.SEEN`): one further below looks like
a count that began again."""

BOOT: Final = 0
"""Frames that are numbered here come from a device whose restarts nobody counts."""

_last_digits: Final = re.compile(r"\d+").fullmatch


def numbered(event_ts_ms: int, message_id: str) -> int:
    """Return a frame's `seq`: the later its moment the larger, and within one millisecond by the message's id.

    Of a numeric id the last three digits count, so that messages of one millisecond keep their order; of any other,
    a hash. The largest event time that a frame may have stays below `SEQ_MAX`.
    """
    if message_id.isascii() and _last_digits(message_id):
        return event_ts_ms * PER_MS + int(message_id[-3:])
    return event_ts_ms * PER_MS + _hashed(message_id) % PER_MS


def numbered_apart(event_ts_ms: int, message_id: str, slot: int, slots: int) -> int:
    """Return a frame's `seq` as `numbered` does, where a device sends several frames of one millisecond as a rule.

    Frames of different slots never have the same number, those of one slot by chance. Whatever order they come in, none
    is `APART_MAX` or more below another.
    """
    width = APART_MAX // slots
    return event_ts_ms * PER_MS + slot * width + _hashed(message_id) % width


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
