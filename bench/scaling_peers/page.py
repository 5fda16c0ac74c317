"""The outcome of all ways as a table in Markdown."""

from collections.abc import Mapping
from typing import Any, Final

HEAD: Final = (
    "| way | longest silence | starts expected | missing | wrong | alerts written twice | frames lost |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def table(ways: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a row a way, in the order given."""
    return "\n".join([*HEAD, *map(_row, ways.values())])


def _row(found: Mapping[str, Any]) -> str:
    silence = f"{found['silence_s']:.1f} s" + (", to the end" if found["silent_at_end"] else "")
    counts = ("alerts_expected", "missing", "wrong", "written_twice", "frames_lost")
    return " | ".join([f"| {found['about']}", silence, *(f"{found[name]:,}" for name in counts)]) + " |"
