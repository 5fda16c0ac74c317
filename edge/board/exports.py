"""Tables for a spreadsheet, in which no cell is a formula.

A central station was told that its export ran what a name held (CVE-2020-16214): a spreadsheet takes a cell that begins
with one of these characters for a formula, whatever quotes are around it. Source: OWASP, CSV Injection.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from aiohttp import web

FORMULA_STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "|",
    "%",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
"""Also their full-width forms, which a spreadsheet in an East Asian locale takes for the same."""


def cell(value: object) -> str:
    """Return a cell that is shown as it is: a number stays one, text never becomes a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = "".join(char if char.isprintable() or char == " " else " " for char in str(value))
    is_formula = text.strip().startswith(FORMULA_STARTS) or str(value).startswith(FORMULA_STARTS)
    return "'" + text if is_formula else text


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> web.Response:
    """Return rows as a CSV file to download (RFC 4180), in UTF-8 with a mark that spreadsheets ask for."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(
        body=text.getvalue().encode("utf-8-sig"),
        headers={**headers, "Content-Type": "text/csv; charset=utf-8"},
    )
