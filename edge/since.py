"""`--since`: a time with its zone, or how long ago. Pure."""

import re
from datetime import datetime
from typing import Any, Final

import click

UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
YEARS_MAX: Final = 100

_span = re.compile(r"(\d{1,9})([smhdw])").fullmatch


def span_ms(text: str) -> int | None:
    """Return the ms of `90s`, `15m`, `2h`, `7d` or `1w`; None for any other text, and for more than a century."""
    found = _span(text)
    if found is None:
        return None
    ms = int(found[1]) * UNITS_S[found[2]] * 1000
    return ms if ms <= YEARS_MAX * 366 * 86_400_000 else None


def moment_ms(text: str, now_ms: int) -> int | None:
    """Return the time, ms, that a text says: a span before `now_ms`, or an ISO 8601 time with its zone; else None."""
    if (span := span_ms(text)) is not None:
        return max(0, now_ms - span)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else max(0, round(found.timestamp() * 1000))


class Since(click.ParamType):
    """`start`, `now`, how long ago, or a time with its zone; passed on as its text once that is checked."""

    name = "time"

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the text if it says a time."""
        if value not in self.words and moment_ms(value, 0) is None:
            also = "".join(f"{word}, " for word in self.words)
            self.fail(f"{value!r} is none of {also}15m, 2h, 7d, 2026-03-01T14:05:00+01:00", param, ctx)
        return value
