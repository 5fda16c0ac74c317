"""Where a report's records are from: the topic, what it no longer has from the history, and what nobody has. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

SourceName = Literal["history", "topic"]
NAMES: Final[tuple[SourceName, ...]] = SourceName.__args__  # type: ignore[attr-defined]


@dataclass(slots=True)
class Stretch:
    """What one source gave: how many records, and when the broker took the first and the last of them, ms."""

    records: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def take(self, at_ms: int) -> None:
        """Count one record, whatever their order."""
        self.records += 1
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)


@dataclass(slots=True)
class Sources:
    """Which source the records of one kind came from, and up to when some may be in none, ms; None = all are in one."""

    what: str
    stretches: dict[SourceName, Stretch] = field(default_factory=lambda: {name: Stretch() for name in NAMES})
    missing_until_ms: int | None = None

    def lines(self, moment_of: Callable[[int], str]) -> list[str]:
        """Return a sentence for each source that gave something, and one for what may be missing."""
        lines = [
            f"{self.what} from the {name}: {one.records:,}, {moment_of(one.first_ms)} to {moment_of(one.last_ms)}"
            for name, one in self.stretches.items()
            if one.first_ms is not None and one.last_ms is not None
        ]
        if self.missing_until_ms is not None:
            lines.append(
                f"{self.what} before {moment_of(self.missing_until_ms)} may be missing: the topic no longer has them, "
                "and no history that was given has all of them"
            )
        return lines


@dataclass(frozen=True, slots=True)
class Removed:
    """A partition of which the topic has lost its beginning.

    `behind` is the first offset that it still has, `gone_ms` when the broker took the last record before it at the
    latest. The history has the offsets from `kept_first`, which the broker took at `kept_first_ms`, up to but not
    including `kept_behind`; `kept_first` None = none.
    """

    behind: int
    gone_ms: int
    kept_first: int | None = None
    kept_first_ms: int = 0
    kept_behind: int = 0

    def missing_until_ms(self, from_ms: int) -> int | None:
        """Return up to when records of a time that begins at `from_ms` may be in no source; None = all are in one."""
        if self.gone_ms < from_ms:
            return None
        if self.kept_first is None or self.kept_behind < self.behind:
            return self.gone_ms
        if self.kept_first == 0 or self.kept_first_ms < from_ms:
            return None
        return min(self.kept_first_ms, self.gone_ms)


def missing_until(partitions: Iterable[Removed], from_ms: int) -> int | None:
    """Return up to when records of any partition may be missing, ms; None = nothing is."""
    return max(
        (until for one in partitions if (until := one.missing_until_ms(from_ms)) is not None), default=None
    )
