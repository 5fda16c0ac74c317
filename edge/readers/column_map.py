"""The column map of a plain CSV: `time_s=t,hr=HeartRate,temp=Temp[degF]`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.readers.units import Unit, named_unit, unit_of
from streams.errors import UsageError

TIMES: Final = ("time_s", "time_ms", "time_iso", "time_text")
_WITH_UNIT: Final = re.compile(r"(.*?)\s*\[(.+)\]")


def parse_columns(text: str) -> dict[str, str]:
    """Read a column map, `NAME=COLUMN,...`, as {name: column}.

    Raises:
        UsageError: names the entry that is wrong.
    """
    columns: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, column = (part.strip() for part in entry.partition("="))
        if not (name and equals and column):
            raise UsageError(f"columns: {entry.strip()!r} is not NAME=COLUMN")
        if name in columns:
            raise UsageError(f"columns: {name} is given twice")
        columns[name] = column
    check_columns(columns)
    return columns


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise UsageError unless the map has exactly one time, and signals that exist."""
    for name in columns:
        if name not in INDEX and name not in TIMES:
            raise UsageError(f"columns: no signal {name!r}; there are {', '.join((*TIMES, *INDEX))}")
    times = [name for name in TIMES if name in columns]
    if len(times) != 1:
        given = " and ".join(times) or "none"
        raise UsageError(f"columns: needs one of {', '.join(TIMES)}, got {given}")
    if len(columns) == 1:
        raise UsageError("columns: names no signal")


def find_column(name: str, column: str, header: Sequence[str]) -> tuple[str, Unit] | None:
    """Return the header's column that an entry `name=column` means, and its unit; None = it is not there.

    A unit in brackets may be part of the column's own name, as in `HR [bpm]`, or stand behind it.

    Raises:
        UsageError: the signal does not come in the unit that is named.
    """
    matched = _WITH_UNIT.fullmatch(column)
    if column in header:
        unit = unit_of(name, matched[2]) if matched and name in INDEX else None
        return column, unit or _ours(name)
    if matched is None or matched[1] not in header or name not in INDEX:
        return None
    return matched[1], named_unit(name, matched[2])


def _ours(name: str) -> Unit:
    return Unit(step=SIGNALS[INDEX[name]].resolution) if name in INDEX else Unit()
