"""How a text file writes what it holds: what means "no reading", the decimal sign, the form and the zone of times."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from clinical.vitals import INDEX, SIGNALS
from streams.errors import UsageError

MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none"})
DASHES: Final = "-\u2013\u2014."
"""A cell of nothing but these is a blank display: `-`, `--`, `--.-`."""

SENTINELS: Final = frozenset({127.0, 255.0, 32_767.0, 65_535.0, 2_047.0, 8_388_607.0, -100.0, -999.0})
"""The highest codes of 1 and 2 bytes, "not a number" of ISO/IEEE 11073-20601's two kinds, and what bedside monitors
send in HL7: all for "no reading". They count as that where no sensor could report them: 255 is no oxygen saturation,
but it may be a pulse rate."""


@dataclass(frozen=True, slots=True)
class Notation:
    """A file's notation. `no_reading`: texts, lower case, and numbers that mean "no reading" besides the known ones.

    `time_form` is that of `datetime.strptime`; `zone` holds for times that name none.
    """

    no_reading: frozenset[str] = frozenset()
    decimal_comma: bool = False
    time_form: str | None = None
    zone: tzinfo = UTC
    _numbers: frozenset[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = (self.number(text) for text in self.no_reading)
        object.__setattr__(self, "_numbers", frozenset(one for one in numbers if one is not None))

    def number(self, text: str) -> float | None:
        """Return the number that a cell holds, None if it is none."""
        if self.decimal_comma:
            if "." in text:
                return None  # 1.234 would be a thousand and more: better refused than guessed
            text = text.replace(",", ".")
        try:
            return float(text)
        except ValueError:
            return None

    def is_missing(self, text: str, signal: str | None) -> bool:
        """Whether a cell of `signal` (None = any other cell) says that there is no reading."""
        word = text.strip().lower()
        if word in MISSING or word in self.no_reading or not word.strip(DASHES):
            return True
        value = self.number(word)
        if value is None or signal is None:
            return False
        bounds = SIGNALS[INDEX[signal]]
        return value in self._numbers or (value in SENTINELS and not bounds.low <= value <= bounds.high)

    def moment(self, text: str, not_before: datetime | None = None) -> datetime | None:
        """Return a time with its zone, None if it is not in the form.

        An hour that comes twice, when clocks are put back, is the second one where it would else be before
        `not_before`.
        """
        try:
            if self.time_form is None:
                found = datetime.fromisoformat(text.strip())
            else:
                found = datetime.strptime(text.strip(), self.time_form)  # noqa: DTZ007 - the zone follows
        except ValueError:
            return None
        if found.tzinfo is not None:
            return found
        found = found.replace(tzinfo=self.zone)
        if not_before is not None and found.timestamp() < not_before.timestamp():
            later = found.replace(fold=1)
            return later if later.timestamp() >= not_before.timestamp() else found
        return found


PLAIN: Final = Notation()


def notation_of(
    no_reading: Iterable[str] = (),
    decimal_comma: bool = False,
    time_form: str | None = None,
    zone: str | None = None,
) -> Notation:
    """Make a notation of what a user gives.

    Raises:
        UsageError: there is no such zone, or the time form is none.
    """
    try:
        if time_form is not None:
            datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(time_form), time_form)  # noqa: DTZ007
    except ValueError as error:
        raise UsageError(f"--time-form: {time_form!r} is no form of a time: {error}") from None
    try:
        there = UTC if zone is None else ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # not known here; not a name; a folder of the zones
        raise UsageError(f"--zone: no zone {zone!r}; zones have names like Europe/Berlin") from None
    words = frozenset(text.strip().lower() for text in no_reading)
    return Notation(words, decimal_comma, time_form, there)
