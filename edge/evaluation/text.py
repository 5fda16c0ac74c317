"""Figures and tables as HTML text."""

from collections.abc import Sequence

LEFT = "-"
"""Begins the heading of a column of words."""

FREE = "!"
"""Begins a cell whose words may take several lines."""


def number(value: int) -> str:
    """Return a count with its thousands apart."""
    return f"{value:,}"


def percent(share: float | None, signed: bool = False) -> str:
    """Return a share 0 to 1 in percent, empty for None."""
    if share is None:
        return ""
    whole = round(share * 100)  # never "-0"
    return f"{whole:+} %" if signed and whole else f"{whole} %"


def seconds(value: float | None) -> str:
    """Return a time in the unit that suits it, a dash for None."""
    if value is None:
        return "-"
    for size, unit in ((3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; cells are HTML, headings that begin with `LEFT` are of columns of words."""
    words = [title.startswith(LEFT) for title in head]
    parts = ["<div class='wide'><table><tr>"]
    parts += [_cell("th", title.removeprefix(LEFT), own) for title, own in zip(head, words, strict=True)]
    parts.append("</tr>")
    for row in rows:
        cells = "".join(_cell("td", cell, own) for cell, own in zip(row, words, strict=True))
        parts.append(f"<tr>{cells}</tr>")
    return "".join([*parts, "</table></div>"])


def _cell(tag: str, text: str, words: bool) -> str:
    if text.startswith(FREE):
        return f"<{tag} class='free'>{text.removeprefix(FREE)}</{tag}>"
    return f"<{tag}{' class=text' if words else ''}>{text}</{tag}>"
