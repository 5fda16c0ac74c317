"""Any CSV with a header, read through a column map: `time_s=t,hr=HeartRate,spo2=Sat`.

The time is `time_s` or `time_ms` (counted from the recording's zero) or `time_iso` (ISO 8601, UTC where it
has no zone; the first row is zero). Values are in Vigil's units. A missing value of a periodic signal is
null, of any other one it is left out. Cells stand between commas, semicolons, tabs or bars, whichever gives
the header all mapped columns.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clinical.vitals import INDEX, PERIODIC
from edge.readers.cell import Cell
from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, check
from edge.readers.table import frames_of, header_of, rows
from streams.errors import BadData, UsageError

TIMES: Final = ("time_s", "time_ms", "time_iso")
DELIMITERS: Final = (",", ";", "\t", "|")


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


def open_plain(path: Path, columns: Mapping[str, str]) -> Recording:
    """Open a CSV through a column map, {signal or time: column}.

    Raises:
        UsageError: the map itself is wrong.
        BadData: a mapped column is not there, or the file is malformed.
    """
    check_columns(columns)
    delimiter = _delimiter(path, columns)
    by_column = {column: name for name, column in columns.items() if name in INDEX}
    if len(by_column) < len(columns) - 1:
        raise UsageError("columns: two signals name the same column")

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path,
            by_column,
            _clock(path, columns, delimiter),
            null_if_missing=lambda signal: bool(PERIODIC[INDEX[signal]]),
            delimiter=delimiter,
        )

    return check(path, "CSV", read)


def _delimiter(path: Path, columns: Mapping[str, str]) -> str:
    for delimiter in DELIMITERS:
        if set(columns.values()) <= set(header_of(path, delimiter)):
            return delimiter
    header = header_of(path)
    missing = next(column for column in columns.values() if column not in header)
    raise BadData(f"{path}:1: no column {missing!r}; the header is {', '.join(header)[:200]}")


def _clock(path: Path, columns: Mapping[str, str], delimiter: str) -> Callable[[Mapping[str, Cell]], int]:
    if "time_iso" not in columns:
        unit_ms = SECOND_MS if "time_s" in columns else 1
        column = columns["time_s"] if "time_s" in columns else columns["time_ms"]
        return lambda row: row[column].time_ms(unit_ms)
    column = columns["time_iso"]
    first = next(rows(path, delimiter), None)
    zero = None if first is None else _moment(first[column])

    def since_first(row: Mapping[str, Cell]) -> int:
        moment = _moment(row[column])
        return round((moment - (zero or moment)).total_seconds() * SECOND_MS)

    return since_first


def _moment(cell: Cell) -> datetime:
    try:
        moment = datetime.fromisoformat(cell.text.strip())
    except ValueError:
        raise cell.wrong("is not an ISO 8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
