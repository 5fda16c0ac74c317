"""The file that reference data comes from, looked at again and again: taken when it has changed and is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clinical.rules import LimitRule
from edge.reference.csv_file import FILE_BYTES_MAX, take
from edge.reference.posting import ACTOR
from edge.reference.writing import Changes, changes_of
from streams.contracts.reference import Reference, WardFacts


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look has found: changes to write, or what is wrong, a line each; nothing where nothing has changed."""

    changes: Changes | None = None
    faults: tuple[str, ...] = ()


class Source:
    """One CSV file, the truth of all that came with it: what it does not say any more is deleted."""

    def __init__(self, path: Path, rules: Sequence[LimitRule]) -> None:
        self._path, self._rules = path, rules
        self._seen: tuple[int, int, int] | None = None
        self._content = b""
        self._told: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the import."""
        return self._path.name

    def look(self, now: Reference) -> Looked:
        """Return what has to be written; faults are told once for each content of the file."""
        try:
            stat = self._path.stat()
            mark = stat.st_mtime_ns, stat.st_size, stat.st_ino
            if mark != self._seen:
                with self._path.open("rb") as file:
                    self._content = file.read(FILE_BYTES_MAX + 1)
                self._seen = mark
        except OSError as error:
            self._seen = None
            return self._wrong((f"{self._path}: {error.strerror}",))
        wards = {f.ward for f in now.facts.values() if isinstance(f, WardFacts) and f.source != self.name}
        taken = take(self._content, self._rules, ACTOR.id, self.name, wards)
        if taken.faults:
            return self._wrong(taken.faults)
        self._told = ()
        changes = changes_of(now, taken.facts, self.name)
        return Looked(changes if changes.records else None)

    def _wrong(self, faults: tuple[str, ...]) -> Looked:
        is_new, self._told = faults != self._told, faults
        return Looked(faults=faults if is_new else ())
