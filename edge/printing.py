"""What a command prints: the one place from which text goes to a terminal, with nothing in it that would steer one.

What came from a broker is not ours: control characters, also those that turn the direction of writing, become a mark.
"""

import json
from typing import TYPE_CHECKING, Final, NamedTuple

import click

if TYPE_CHECKING:
    from rich.text import Text

MARK: Final = "\N{REPLACEMENT CHARACTER}"


class Coloured(NamedTuple):
    """A piece of a line in a colour of the terminal."""

    text: str
    colour: str


def printable(text: str) -> str:
    """Return the text with a mark for each character that would steer a terminal or begin another line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else MARK for character in text)


def say(*pieces: str | Coloured, err: bool = False) -> None:
    """Print the pieces as one line, on standard error if `err`."""
    click.echo("".join(_shown(piece) for piece in pieces), err=err)


def _shown(piece: str | Coloured) -> str:
    if isinstance(piece, Coloured):
        return click.style(printable(piece.text), fg=piece.colour)
    return printable(piece)


def cell(text: str, style: str = "") -> "Text":
    """Return text for rich, which would take brackets in a plain string for its own markup."""
    from rich.text import Text

    return Text(printable(text), style)


def print_json(data: object) -> None:
    """Print one JSON value on one line."""
    say_json(json.dumps(data, separators=(", ", ": "), default=str, allow_nan=False))


def say_json(text: str) -> None:
    """Print a line that is JSON already; what is not printable in its strings is escaped as JSON does it."""
    if not text.isprintable():
        text = "".join(one if one.isprintable() else _escaped(one) for one in text)
    click.echo(text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"
