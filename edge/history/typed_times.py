"""Moments as people give them at the command line: ISO 8601, epoch milliseconds, or so long ago."""

import re
from datetime import UTC, datetime
from typing import Final

from streams.errors import UsageError

_UNITS_S: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_AGO: Final = re.compile(r"(\d+)(s|m|min|h|d)")
_LENGTH_S_MAX: Final = 366 * 86_400


def moment_ms(text: str, now_ms: int) -> int:
    """Return the moment that a text says, ms: `now`, `24h` (ago), epoch ms, or ISO 8601 (UTC where no zone is said).

    Raises:
        UsageError: it says none.
    """
    if text == "now":
        return now_ms
    if found := _AGO.fullmatch(text):
        return now_ms - int(found[1]) * _UNITS_S[found[2]] * 1000
    if re.fullmatch(r"\d{12,14}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment: use 24h, 2026-01-31T08:00 or now") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def length_s(text: str) -> int:
    """Return the length of time that a text says, s: `10s`, `15m`, `1h`.

    Raises:
        UsageError: it says none, or no useful one.
    """
    if (found := _AGO.fullmatch(text)) and 1 <= int(found[1]) * _UNITS_S[found[2]] <= _LENGTH_S_MAX:
        return int(found[1]) * _UNITS_S[found[2]]
    raise UsageError(f"{text!r} is no length of time: use 10s, 15m, 1h")
