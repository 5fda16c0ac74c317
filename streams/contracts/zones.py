"""Time zones by their IANA names, and moments in them as people read them."""

from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

UTC_NAME: Final = "UTC"


def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name, such as `Europe/Vienna`.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of the database
        raise ValueError(f"{name!r} is no time zone such as Europe/Vienna") from None


def _known(name: str) -> str:
    zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known)]
"""A field of a model: the IANA name of a zone that there is."""


def moment(ts_ms: int, of: ZoneInfo) -> str:
    """Return a time, ms since the epoch, to the second and with its offset: `2026-03-01T14:05:00+01:00`.

    The offset is always there, so that the hour that comes twice in autumn is told apart.
    """
    at = datetime.fromtimestamp(ts_ms // 1000, of).isoformat(timespec="seconds")
    return at.removesuffix("+00:00") + "Z" if of.key == UTC_NAME else at
