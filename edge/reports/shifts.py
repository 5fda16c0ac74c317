"""Shifts by a ward's own clock, also on the days when that is put forward or back. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DEFAULT: Final = ("06:00", "14:00", "22:00")
"""Early, late, night: three shifts, as most hospitals of Europe have them [M]."""

SHIFTS_MAX: Final = 24


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """One shift of one day: the day on which it begins, and which of that day's."""

    day: date
    number: int


@dataclass(frozen=True, slots=True)
class Rota:
    """When shifts begin, local times in their order."""

    starts: tuple[time, ...]

    @staticmethod
    def of(texts: tuple[str, ...]) -> "Rota":
        """Return the rota of texts such as `06:00`.

        Raises:
            ValueError: one is no time of day, or they are not in their order, or too many.
        """
        starts = tuple(time.fromisoformat(text) for text in texts)
        if not 0 < len(starts) <= SHIFTS_MAX or list(starts) != sorted(set(starts)):
            raise ValueError("shifts begin at times of one day, in their order")
        if any(start.tzinfo is not None for start in starts):
            raise ValueError("shifts begin by the ward's clock: give no zone")
        return Rota(starts)

    def at(self, ts_ms: int, zone: ZoneInfo) -> Shift:
        """Return the shift that a moment is in."""
        local = datetime.fromtimestamp(ts_ms / 1000, zone)
        begun = [number for number, start in enumerate(self.starts) if start <= local.time()]
        if begun:
            return Shift(local.date(), begun[-1])
        return Shift(local.date() - timedelta(days=1), len(self.starts) - 1)

    def name(self, number: int) -> str:
        """Return when a shift begins and ends: `06:00-14:00`."""
        start, end = self.starts[number], self.starts[(number + 1) % len(self.starts)]
        return f"{start:%H:%M}-{end:%H:%M}"

    def begins_ms(self, shift: Shift, zone: ZoneInfo) -> int:
        """Return when a shift begins, ms; where the clock skips that time, when it goes on."""
        local = datetime.combine(shift.day, self.starts[shift.number], zone)
        return round(local.timestamp() * 1000)

    def between(self, from_ms: int, until_ms: int, zone: ZoneInfo) -> list[Shift]:
        """Return the shifts of which any part lies in a time."""
        if until_ms <= from_ms:
            return []
        shift, last = self.at(from_ms, zone), self.at(until_ms - 1, zone)
        found = [shift]
        while shift < last:
            number = (shift.number + 1) % len(self.starts)
            shift = Shift(shift.day if number else shift.day + timedelta(days=1), number)
            found.append(shift)
        return found
