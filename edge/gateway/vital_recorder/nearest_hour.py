"""Local times without a zone where clocks are put back: the hour that comes twice is the one that is nearer to now."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

CHANGE_NEAR: Final = timedelta(hours=3)
"""Clocks that change within so long before or after: times of now may mean two moments."""


class NearestHour(tzinfo):
    """A zone in which a time that may mean two moments means the one nearer to a given moment.

    What is sent live is of now. The first of the two, which HL7 files take, would put an hour's readings an hour back,
    and nobody would be alarmed by them.
    """

    def __init__(self, zone: tzinfo, now: datetime) -> None:
        self._zone, self._now = zone, now

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """Return the offset of a local time."""
        assert dt is not None
        both = (dt.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        return min(
            (one.utcoffset() or timedelta() for one in both),
            key=lambda offset: abs(dt.replace(tzinfo=UTC) - offset - self._now),
        )

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Nobody asks."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """Nobody asks."""
        return None


def zone_at(zone: tzinfo, now_ms: int) -> tzinfo:
    """Return a zone for times of about now (ms since the epoch): itself, but where its clocks change about now."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    around = {(now + step).astimezone(zone).utcoffset() for step in (-CHANGE_NEAR, CHANGE_NEAR)}
    return NearestHour(zone, now) if len(around) > 1 else zone
