"""Options of the commands that read recordings: which column holds what, and how the file writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click

from edge.readers import Notation, notation_of, parse_columns
from edge.readers.notation import PLAIN


@dataclass(frozen=True, slots=True)
class Reading:
    """How recordings are read: the column map of a plain CSV (None = by the header), and the notation of text files."""

    columns: Mapping[str, str] | None
    notation: Notation


BY_HEADER: Final = Reading(None, PLAIN)

_OPTIONS: Final = (
    click.option("--columns", help="For a plain CSV: time_s=t,hr=HeartRate,temp=Temp[degF],..."),
    click.option(
        "--no-reading",
        multiple=True,
        metavar="TEXT",
        help='A text or number that means "no reading", besides blanks and dashes; may be repeated.',
    ),
    click.option("--decimal-comma", is_flag=True, help="Numbers are written 36,6."),
    click.option(
        "--time-form", metavar="FORM", help="Of the column time_text, as in strptime: '%d.%m.%Y %H:%M:%S'."
    ),
    click.option("--zone", metavar="NAME", help="Of times without one, like Europe/Berlin; else UTC."),
)


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, passed on together as `reading`."""

    @wraps(function)
    def wrapped(
        *args: Any,
        columns: str | None,
        no_reading: tuple[str, ...],
        decimal_comma: bool,
        time_form: str | None,
        zone: str | None,
        **others: Any,
    ) -> Any:
        notation = notation_of(no_reading, decimal_comma, time_form, zone)
        reading = Reading(parse_columns(columns) if columns else None, notation)
        return function(*args, reading=reading, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
