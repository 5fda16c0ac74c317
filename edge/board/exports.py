"""Tables of the board as files to download."""

import io
from collections.abc import Iterable, Sequence

from aiohttp import web

from edge.spreadsheet import Value, write_csv


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> web.Response:
    """Return rows as a CSV file to download (RFC 4180), in UTF-8 with a mark that spreadsheets ask for."""
    text = io.StringIO()
    write_csv(text, columns, rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    body = text.getvalue().encode("utf-8-sig")
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)
