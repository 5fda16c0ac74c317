"""One field of a text file: what it says, and where it stands when it says something wrong."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clinical.vitals import ACVPU, FLAGS
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import SECOND_MS, Value
from streams.contracts.frame import EVENT_TS_MS_MAX, VALUE_ABS_MAX
from streams.errors import BadData

SHOWN_CHARACTERS_MAX: Final = 40
_YES: Final = frozenset({"1", "1.0", "true", "yes"})
_NO: Final = frozenset({"0", "0.0", "false", "no"})
_DECIMAL_COMMA: Final = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True, slots=True)
class Cell:
    """A field, with its place and the notation of its file."""

    path: Path
    line: int
    column: str
    text: str
    notation: Notation = PLAIN

    def wrong(self, what: str) -> BadData:
        """Return the error that names this cell."""
        return BadData(f"{self.path}:{self.line}: {self.column}: {self.text[:SHOWN_CHARACTERS_MAX]!r} {what}")

    def is_missing(self, signal: str | None = None) -> bool:
        """Whether it says that there is no reading: empty, NaN, dashes, what the user names, a sentinel of `signal`."""
        return self.notation.is_missing(self.text, signal)

    def number(self) -> float:
        """Return the number.

        Raises:
            BadData: it is none, or is not finite.
        """
        value = self.notation.number(self.text)
        if value is None:
            comma = not self.notation.decimal_comma and _DECIMAL_COMMA.fullmatch(self.text.strip())
            raise self.wrong(f"is not a number{' (a decimal comma? --decimal-comma)' if comma else ''}")
        if not math.isfinite(value):
            raise self.wrong("is not a finite number")
        return value

    def reading(self) -> float:
        """Return the number, no larger than a frame may carry.

        Raises:
            BadData: it is none, or larger than any sensor reports.
        """
        value = self.number()
        if abs(value) > VALUE_ABS_MAX:
            raise self.wrong(f"is larger than any reading ({VALUE_ABS_MAX:g})")
        return value

    def value_of(self, signal: str) -> Value:
        """Return the value of `signal`, charted signals included.

        Raises:
            BadData: it is not a value of that signal.
        """
        text = self.text.strip()
        if signal == "consciousness":
            if len(text) == 1 and text.upper() in ACVPU:
                return text.upper()
            raise self.wrong(f"is not one of {', '.join(ACVPU)}")
        if signal in FLAGS:
            if text.lower() in _YES | _NO:
                return text.lower() in _YES
            raise self.wrong("is not 0, 1, true, false, yes or no")
        return self.reading()

    def time_ms(self, unit_ms: float = SECOND_MS) -> int:
        """Return a time that is written in units of `unit_ms`, in ms.

        Raises:
            BadData: it is not a number, or further off than a frame may be.
        """
        moment_ms = self.number() * unit_ms
        if abs(moment_ms) > EVENT_TS_MS_MAX:
            raise self.wrong("is too far off to be a time")
        return round(moment_ms)
