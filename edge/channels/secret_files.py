"""Secrets of channels: read from files such as mounted secrets, never from a routing file, never logged."""

from pathlib import Path
from typing import Final

from streams.errors import UsageError

SECRET_BYTES_MAX: Final = 65_536


def read_secret(path: Path, of: str) -> str:
    """Return the first line of a secret's file without blanks around it.

    Raises:
        UsageError: it cannot be read, or holds nothing; the message names the option `of` and never the content.
    """
    try:
        with path.open(encoding="utf-8") as file:
            found = file.read(SECRET_BYTES_MAX).strip().split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{of}: cannot read {path}: {reason.lower()}") from None
    if not found:
        raise UsageError(f"{of}: {path} is empty")
    return found
