"""Configuration files in TOML that people write: read within bounds, and what is wrong told with its line."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from streams.errors import UsageError

MESSAGE_CHARS_MAX: Final = 500


def read_file(path: Path, what: str, bytes_max: int) -> str:
    """Return the text of a file of at most `bytes_max` bytes; `what` is what errors call its kind.

    Raises:
        UsageError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= bytes_max else b""
    except OSError as error:
        raise UsageError(f"{what} {path}: {error.strerror or error}") from None
    if size > bytes_max:
        raise UsageError(f"{what} {path}: {size} bytes, at most {bytes_max} are read")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} {path}: not UTF-8 at byte {error.start}") from None


def refusal(message: str) -> UsageError:
    """Return the error with what the file put into it on one line of bounded length."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in message[:MESSAGE_CHARS_MAX])
    return UsageError(line)


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Return what the text of a file says; `name` is what errors call the file.

    Raises:
        UsageError: it is not valid TOML; one line that names the line where it is known.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refusal(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        message = str(error)
        where = re.search(r" \(at line (\d+), column \d+\)$", message)
        place = f"{name}:{where[1]}" if where else name
        raise refusal(f"{place}: not valid TOML: {message}") from None


class Lines:
    """Where tables and keys stand in the text, so that an error can name the line; unsure means no line."""

    def __init__(self, text: str) -> None:
        self._at: dict[tuple[str, int, str], int] = {}
        if '"""' in text or "'''" in text:
            return  # a text over several lines may hold what looks like a key
        table, counts = "", Counter[str]()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]", line):
                table = header[1]
                counts[table] += 1
                self._at[table, counts[table] - 1, ""] = number
            elif key := re.match(r"""\s*["']?([\w-]+)["']?\s*=""", line):
                self._at.setdefault((table, max(counts[table] - 1, 0), key[1]), number)

    def place(self, name: str, table: str, position: int, key: str) -> str:
        """Return `name:line` of a key, else of its table, else `name` alone; table "" is the top level."""
        spots = [(table, position, key), (table, position, "") if table else (key, 0, "")]
        number = next((self._at[spot] for spot in spots if spot in self._at), None)
        return f"{name}:{number}" if number else name
