"""Secrets of the settings: each is given itself or in a file, such as a mounted secret, never both."""

from pathlib import Path
from typing import Final

from streams.config.settings import Settings
from streams.errors import UsageError

SECRET_BYTES_MAX: Final = 65_536


def is_given(settings: Settings, name: str) -> bool:
    """Tell whether a secret is given in either way."""
    return getattr(settings, name) is not None or getattr(settings, f"{name}_file") is not None


def secret_of(settings: Settings, name: str) -> str | None:
    """Return a secret without the line's end behind it, None where it is not given.

    Raises:
        UsageError: its file cannot be read or is empty; the message names the setting and never the content.
    """
    if (said := getattr(settings, name)) is not None:
        return str(said.get_secret_value())
    path: Path | None = getattr(settings, f"{name}_file")
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            found = file.read(SECRET_BYTES_MAX).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
        raise UsageError(f"{name}_file: cannot read {path}: {reason.lower()}") from None
    if not found:
        raise UsageError(f"{name}_file: {path} is empty")
    return found
