"""CSV that a spreadsheet opens without running anything: a cell that could be a formula becomes text.

A spreadsheet takes a cell that begins with =, +, -, @, a tab or a line's end for a formula, also in quotes and behind
blanks: what a device or a gateway sent as a name would run on the machine of who opens an export (CVE-2020-16214, of a
central station's patient export). Numbers of ours are written as numbers.
"""

import csv
from collections.abc import Iterable, Sequence
from typing import IO, Final

ENDS_OR_TABS: Final = frozenset("\t\r\n")
FORMULA: Final = ENDS_OR_TABS | frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")
"""What begins a cell that may be run: | and % by older spreadsheets [M], the last four, the wide forms of Chinese and
Japanese input, by those that read them as the narrow ones."""

TEXT: Final = "'"
"""Before such a cell: every spreadsheet then shows it as text."""

Value = str | int | float | bool | None


def cell(value: Value) -> str:
    """Return a value as a cell: empty for None, numbers as they are, and no text that could be a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return repr(value) if isinstance(value, int) or value != int(value) else str(int(value))
    begins = next((char for char in value if char in ENDS_OR_TABS or not _is_blank(char)), "")
    return TEXT + value if begins in FORMULA else value


def _is_blank(char: str) -> bool:
    """Tell whether a spreadsheet may pass over a character at the beginning: blanks, and what does not print."""
    return char.isspace() or not char.isprintable()


def write_csv(file: IO[str], header: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Write rows below a header, every text in quotes, and return how many rows there were."""
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    count = 0
    for row in rows:
        writer.writerow([_Number(cell(v)) if _is_number(v) else cell(v) for v in row])
        count += 1
    return count


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, str)


class _Number(float):
    """A number that `csv` writes without quotes and as we say."""

    def __new__(cls, text: str) -> "_Number":
        made = super().__new__(cls, text)
        made._text = text
        return made

    _text: str

    def __repr__(self) -> str:
        return self._text

    __str__ = __repr__
