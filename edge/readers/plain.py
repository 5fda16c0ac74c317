"""Any CSV with a header, read through a column map: `time_s=t,hr=HeartRate,spo2=Sat,temp=Temp[degF]`.

The time is `time_s` or `time_ms` (counted from the recording's zero), `time_iso` (ISO 8601) or `time_text` (in the
form that the notation names); of the last two the first row is zero. Values are in Vigil's units, or in the one that
stands in brackets behind the column. A missing value of a periodic signal is null, of any other one it is left out.
Cells stand between commas, semicolons, tabs or bars, whichever gives the header all mapped columns.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from clinical.vitals import INDEX, PERIODIC
from edge.readers.cell import Cell
from edge.readers.column_map import check_columns, find_column
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, Value, check
from edge.readers.table import frames_of, header_of, require_once, rows
from edge.readers.units import Unit
from streams.errors import BadData, UsageError

DELIMITERS: Final = (",", ";", "\t", "|")


def open_plain(path: Path, columns: Mapping[str, str], notation: Notation = PLAIN) -> Recording:
    """Open a CSV through a column map, {signal or time: column}.

    Raises:
        UsageError: the map itself is wrong, or a time form is given without `time_text`, or the other way round.
        BadData: a mapped column is not there or is there twice, or the file is malformed.
    """
    check_columns(columns)
    if ("time_text" in columns) != (notation.time_form is not None):
        raise UsageError("columns: time_text=COLUMN and --time-form belong together")
    delimiter, found = _find(path, columns)
    by_column = {column: name for name, (column, _) in found.items() if name in INDEX}
    if len(by_column) < len(columns) - 1:
        raise UsageError("columns: two signals name the same column")
    units = {name: unit for name, (_, unit) in found.items()}

    def value_of(cell: Cell, signal: str) -> Value:
        value = cell.value_of(signal)
        return units[signal].convert(value) if type(value) is float else value

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path,
            by_column,
            _clock(path, found, delimiter, notation),
            null_if_missing=lambda signal: bool(PERIODIC[INDEX[signal]]),
            value_of=value_of,
            delimiter=delimiter,
            notation=notation,
        )

    return check(path, "CSV", read, zero_ms=_zero_ms(path, found, delimiter, notation))


def _find(path: Path, columns: Mapping[str, str]) -> tuple[str, dict[str, tuple[str, Unit]]]:
    """Return the delimiter that gives the header all mapped columns, and {name: (column, unit)}."""
    for delimiter in DELIMITERS:
        header = header_of(path, delimiter)
        found = {name: find_column(name, column, header) for name, column in columns.items()}
        if all(found.values()):
            there = {name: one for name, one in found.items() if one is not None}
            require_once(path, header, (column for column, _ in there.values()))
            return delimiter, there
    header = header_of(path)
    missing = next(column for name, column in columns.items() if find_column(name, column, header) is None)
    raise BadData(f"{path}:1: no column {missing!r}; the header is {', '.join(header)[:200]}")


def _clock(
    path: Path, found: Mapping[str, tuple[str, Unit]], delimiter: str, notation: Notation
) -> Callable[[Mapping[str, Cell]], int]:
    """Return what gives a row's time in ms."""
    for name, unit_ms in (("time_s", SECOND_MS), ("time_ms", 1)):
        if name in found:
            counted, _ = found[name]
            return lambda row: row[counted].time_ms(unit_ms)
    zero_ms = _zero_ms(path, found, delimiter, notation) or 0
    column = _dated(found)
    last: datetime | None = None

    def since_first(row: Mapping[str, Cell]) -> int:
        nonlocal last
        last = _moment(row[column], last)
        return _epoch_ms(last) - zero_ms

    return since_first


def _zero_ms(
    path: Path, found: Mapping[str, tuple[str, Unit]], delimiter: str, notation: Notation
) -> int | None:
    """Return the epoch time of the first row, None where times are counted from nowhere in particular."""
    if "time_iso" not in found and "time_text" not in found:
        return None
    first = next(rows(path, delimiter, notation), None)
    return None if first is None else _epoch_ms(_moment(first[_dated(found)]))


def _dated(found: Mapping[str, tuple[str, Unit]]) -> str:
    return (found.get("time_iso") or found["time_text"])[0]


def _moment(cell: Cell, not_before: datetime | None = None) -> datetime:
    moment = cell.notation.moment(cell.text, not_before)
    if moment is None:
        form = cell.notation.time_form
        raise cell.wrong(
            f"is no time of the form {form!r}"
            if form
            else "is not an ISO 8601 time (in another form: time_text=COLUMN and --time-form)"
        )
    return moment


def _epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * SECOND_MS)
