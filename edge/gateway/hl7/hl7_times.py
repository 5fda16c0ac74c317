"""HL7's times: `YYYYMMDDHHMM[SS[.F]][+ZZZZ]` to the Unix epoch, and what is too coarse to be a time of a reading."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

from streams.contracts.frame import EVENT_TS_MS_MAX

# Milliseconds without a point before them stand in monitors' headers.
_FORM: Final = re.compile(
    r"(\d{8})(?:(\d\d)(\d\d)(?:(\d\d)(?:\.(\d+)|(\d{3}))?)?|\d\d)?([+-]\d{4})?", re.ASCII
)


@lru_cache(maxsize=8_192)
def moment_ms(text: str, zone: tzinfo) -> int | None:
    """Return a time in ms since the epoch; None if it is none, or says less than hour and minute.

    Digits beyond milliseconds are cut. An hour that comes twice, when clocks are put back, is the first of the two:
    a time must mean the same at every gateway.

    Args:
        text: the field's first component.
        zone: of times that name none.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or found[3] is None:
        return None
    day, hour, minute, second, fraction, thousandths, offset = found.groups()
    try:
        there = zone if offset is None else _zone(offset)
        moment = datetime(
            *(int(day[:4]), int(day[4:6]), int(day[6:])),
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=there,
        )
        whole_ms = round(moment.timestamp()) * 1000
    except (ValueError, OverflowError):
        return None
    at_ms = whole_ms + int(f"{fraction or thousandths or ''}000"[:3])
    return at_ms if 0 <= at_ms <= EVENT_TS_MS_MAX else None


def day_of(text: str) -> str:
    """Return the day `YYYYMMDD` of a time that says no more than that (or an hour), else an empty text."""
    found = _FORM.fullmatch(text.strip())
    return found[1] if found is not None and found[3] is None else ""


def _zone(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
