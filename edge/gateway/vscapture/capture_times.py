"""Times as VSCapture writes them: `14-03-2026 04:39:00.123` of a local clock, or ISO 8601 with its offset."""

import re
from datetime import datetime, tzinfo
from typing import Final

from streams.contracts.frame import EVENT_TS_MS_MAX

_LOCAL: Final = re.compile(r"(\d\d-\d\d-\d{4} \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?", re.ASCII)
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def moment_ms(text: str, zone: tzinfo) -> int | None:
    """Return a time in ms since the epoch, None if it is none; digits beyond ms are cut.

    Args:
        text: as written.
        zone: of a time that names none.
    """
    text = text.strip()
    try:
        if (local := _LOCAL.fullmatch(text)) is not None:
            at = datetime.strptime(local[1], "%d-%m-%Y %H:%M:%S").replace(tzinfo=zone)
            fraction = local[2]
        elif (iso := _ISO.fullmatch(text)) is not None:
            at, fraction = datetime.fromisoformat(iso[1] + (iso[3] or "").replace("Z", "+00:00")), iso[2]
            at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
        else:
            return None
        whole_ms = round(at.timestamp()) * 1000
    except (ValueError, OverflowError):
        return None
    at_ms = whole_ms + int(f"{fraction or ''}000"[:3])
    return at_ms if 0 < at_ms <= EVENT_TS_MS_MAX else None
