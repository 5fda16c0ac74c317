"""Rows of a delimited text file, every cell with its place.

A name that heads two columns is its first one; who reads such a column refuses the file (`require_once`). Empty
cells behind the last name are none: some devices write a comma at the end of every line.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from edge.readers.cell import Cell
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import SECOND_MS, RecordedFrame, Signals, Value
from streams.errors import BadData

ENCODING = "utf-8-sig"  # with or without a byte order mark


def header_of(path: Path, delimiter: str = ",") -> list[str]:
    """Return the names in the first line, blanks around them removed.

    Raises:
        BadData: the file is empty or no text.
    """
    for _, cells in _lines(path, delimiter):
        return _names(cells)
    raise BadData(f"{path}: is empty")


def require_once(path: Path, header: Sequence[str], names: Iterable[str]) -> None:
    """Raise BadData if the header has one of the names twice: nothing says which of the columns is meant."""
    for name in names:
        if header.count(name) > 1:
            raise BadData(
                f"{path}:1: column {name!r} is there {header.count(name)} times: rename all but one"
            )


def _names(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def rows(path: Path, delimiter: str = ",", notation: Notation = PLAIN) -> Iterator[dict[str, Cell]]:
    """Yield every row below the header as cells by column name; empty lines are passed over.

    Raises:
        BadData: a row has more or fewer cells than the header, or the file is no text.
    """
    lines = _lines(path, delimiter)
    names = _names(next(lines, (0, []))[1])
    for line, texts in lines:
        if not texts:
            continue
        while len(texts) > len(names) and not texts[-1].strip():
            texts.pop()
        if len(texts) != len(names):
            raise BadData(f"{path}:{line}: has {len(texts)} cells, the header has {len(names)}")
        row: dict[str, Cell] = {}
        for name, text in zip(names, texts, strict=True):
            row.setdefault(name, Cell(path, line, name, text, notation))
        yield row


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    line = 0
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in reader:
                line = reader.line_num
                yield line, cells
    except UnicodeDecodeError:
        raise BadData(f"{path}:{line + 1}: is not UTF-8 text") from None
    except csv.Error as error:
        raise BadData(f"{path}:{line + 1}: {error}") from None
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror}") from None


def frames_of(
    path: Path,
    columns: Mapping[str, str],
    time_of: Callable[[Mapping[str, Cell]], int],
    null_if_missing: Callable[[str], bool],
    value_of: Callable[[Cell, str], Value] = Cell.value_of,
    delimiter: str = ",",
    notation: Notation = PLAIN,
) -> Iterator[RecordedFrame]:
    """Yield a frame for every row; one that starts before its zero is counted from its first row.

    Args:
        path: the file.
        columns: column of the file -> signal; others are passed over.
        time_of: gives a row's time in ms.
        null_if_missing: whether a signal's missing value is null rather than left out.
        value_of: gives a signal's value from a cell that is not missing.
        delimiter: stands between cells.
        notation: how the file writes what it holds.

    Raises:
        BadData: a row is malformed, or its time is before the one above it.
    """
    zero_ms: int | None = None
    last_ms = 0
    for row in rows(path, delimiter, notation):
        t_ms = time_of(row)
        if zero_ms is None:
            zero_ms = min(0, t_ms)  # BIDMC's record 23 starts at -1 s, and no frame may be before time 0
        t_ms -= zero_ms
        if t_ms < last_ms:
            line = next(iter(row.values())).line
            step = f"from {(last_ms + zero_ms) / SECOND_MS:g} s to {(t_ms + zero_ms) / SECOND_MS:g} s"
            raise BadData(f"{path}:{line}: time runs back {step}")
        last_ms = t_ms
        signals: Signals = {}
        for column, signal in columns.items():
            cell = row[column]
            if not cell.is_missing(signal):
                signals[signal] = value_of(cell, signal)
            elif null_if_missing(signal):
                signals[signal] = None
        yield RecordedFrame(t_ms, signals)
