"""What the checkout says about itself: version and pinned dependencies."""

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
_PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")


def version() -> str:
    """Return Vigil's version."""
    return str(_project()["version"])


def pins() -> dict[str, str]:
    """Return the exact version that each pinned dependency must have."""
    matches = (_PIN.fullmatch(line) for line in _project()["dependencies"])
    return {match["name"]: match["version"] for match in matches if match}


def installed(name: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _project() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])
