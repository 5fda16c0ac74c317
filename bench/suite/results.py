"""What has been measured, a small file each, written as soon as it is: an interrupted run loses nothing.

A report is made of all files in a folder, whoever wrote them: parts that were measured apart merge by themselves.
Each file names the commit that it measured.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

FAILURE: Final = "failure"
BELOW: Final = "below"
"""Phase under which it is kept that a system was not run, because it does not sustain the base."""
VOID: Final = "void"
"""Phase under which runs that the driver spoiled are kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement: `figures` as JSON, or why there are none under the key `failure`."""

    phase: str
    system: str
    variant: str
    repeat: int
    figures: dict[str, Any]
    commit: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Whether it could not be measured."""
        return FAILURE in self.figures


class Results:
    """The files of one folder: `phase/system[-variant]-repeat.json`; `commit` is written into new ones."""

    def __init__(self, folder: Path, commit: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self._commit = commit or {}

    def save(self, phase: str, system: str, variant: str, repeat: int, figures: dict[str, Any]) -> None:
        """Write one measurement, over an earlier one of the same name."""
        name = "-".join(filter(None, [system, variant, str(repeat)]))
        path = self.folder / phase / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "phase": phase,
            "system": system,
            "variant": variant,
            "repeat": repeat,
            "commit": self._commit,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "figures": figures,
        }
        whole = path.with_suffix(".part")
        whole.write_text(json.dumps(document, allow_nan=False) + "\n", encoding="utf-8")
        whole.replace(path)

    def all(self, phase: str, system: str | None = None, variant: str | None = None) -> list[Result]:
        """Return the measurements of a phase, of one system or variant if named, in the order of the repeats."""
        found = [
            result
            for result in self._read(phase)
            if system in (None, result.system) and variant in (None, result.variant)
        ]
        return sorted(found, key=lambda result: (result.system, result.variant, result.repeat))

    def good(self, phase: str, system: str, variant: str | None = None) -> list[dict[str, Any]]:
        """Return the figures of the measurements that succeeded."""
        return [result.figures for result in self.all(phase, system, variant) if not result.failed]

    def has(self, phase: str, system: str, variant: str, repeat: int) -> bool:
        """Whether this measurement has succeeded before; one that the driver spoiled has not."""
        return any(not _void(figures) for figures in self._figures(phase, system, variant, repeat))

    def spoiled(self, phase: str, system: str, variant: str, repeat: int) -> bool:
        """Whether this measurement has been made before and was spoiled by the driver."""
        return any(_void(figures) for figures in self._figures(phase, system, variant, repeat))

    def _figures(self, phase: str, system: str, variant: str, repeat: int) -> list[dict[str, Any]]:
        found = self.all(phase, system)
        named = [result for result in found if (result.variant, result.repeat) == (variant, repeat)]
        return [result.figures for result in named if not result.failed]

    def _read(self, phase: str) -> Iterator[Result]:
        for path in sorted((self.folder / phase).glob("*.json")):
            document = json.loads(path.read_text(encoding="utf-8"))
            yield Result(*(document[name] for name in Result.__slots__))


def _void(figures: dict[str, Any]) -> bool:
    return bool(figures.get("driver", {}).get("void"))
