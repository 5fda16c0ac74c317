"""What a process beside the workers has said, as JSON lines in its log."""

import contextlib
import json
from pathlib import Path
from typing import Any


def said(log: Path) -> list[dict[str, Any]]:
    """Return the lines so far that are whole JSON objects."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            if isinstance(one := json.loads(line), dict):
                found.append(one)
    return found
