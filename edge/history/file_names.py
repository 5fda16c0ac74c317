"""What files of the history are called: their kind, their time, their partition, and the offsets that they hold."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from edge.history.rows import HOUR_MS

MONTH: Final = 0
"""Stands for a period of a calendar month, which has no fixed length."""

LEVELS_S: Final = (10, 60, 900)
"""Steps of what is thinned, s: ten seconds, a minute, a quarter of an hour."""

PERIODS_MS: Final = {10: 6 * HOUR_MS, 60: 24 * HOUR_MS, 900: MONTH}
"""How much time one file of a level holds: so that thirty days by quarters are two files a partition."""

NEW: Final = "new"
HOUR: Final = "hour"
_NAME: Final = re.compile(r"p(\d{5,})-(\d{20})-(\d{20})\.parquet")


@dataclass(frozen=True, slots=True)
class Named:
    """A file: `kind` is `new`, `hour` or a level's step, `start_ms` its period (0 of a new one).

    It holds no offset of its partition below `first`, and all of its period below `behind`.
    """

    kind: str
    start_ms: int
    partition: int
    first: int
    behind: int

    def path(self, root: Path) -> Path:
        """Return where it lies."""
        name = f"p{self.partition:05d}-{self.first:020d}-{self.behind:020d}.parquet"
        if self.kind == NEW:
            return root / NEW / name
        form = "%Y-%m" if self.kind == "900" else "%Y-%m-%d" if self.kind == "60" else "%Y-%m-%dT%H"
        return root / self.kind / _moment(self.start_ms).strftime(form) / name

    @property
    def slot(self) -> tuple[str, int, int]:
        """What it is of: of two files of one slot the one that reaches further holds all of the other."""
        return self.kind, self.start_ms, self.partition

    def said(self) -> dict[str, str]:
        """Return what stands in the file itself."""
        return {
            "vigil.kind": self.kind,
            "vigil.start_ts_ms": str(self.start_ms),
            "vigil.partition": str(self.partition),
            "vigil.from": str(self.first),
            "vigil.until": str(self.behind),
        }


def named(path: Path) -> Named | None:
    """Return what a path says, None where it is no file of ours."""
    if not (found := _NAME.fullmatch(path.name)):
        return None
    partition, first, behind = map(int, found.groups())
    if path.parent.name == NEW:
        return Named(NEW, 0, partition, first, behind)
    start_ms = start_of(path.parent.name)
    return None if start_ms is None else Named(path.parent.parent.name, start_ms, partition, first, behind)


@lru_cache(maxsize=100_000)
def start_of(folder: str) -> int | None:
    """Return the first millisecond of the period that a folder is called after, None where it is of none."""
    form = {7: "%Y-%m", 10: "%Y-%m-%d", 13: "%Y-%m-%dT%H"}.get(len(folder))
    try:
        moment = datetime.strptime(folder, form or "%Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(moment.timestamp()) * 1000


def period_of(step_s: int, hour_ms: int) -> int:
    """Return the first millisecond of the period of a level that an hour lies in."""
    length_ms = PERIODS_MS[step_s]
    if length_ms != MONTH:
        return hour_ms // length_ms * length_ms
    moment = _moment(hour_ms)
    return round(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000


def _moment(ts_ms: int) -> datetime:
    return datetime.fromtimestamp(ts_ms / 1000, UTC)
