"""What the steps of the judge are given beside their batch: the table, the rows, and the record that decides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tables.patients import PatientTable

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RecordContext:
    """The record that decides. `now_ms` is its time in the time base of ticks, which reminders count from."""

    offset: int
    event_ms: int
    append_ms: int
    now_ms: int
    device: str | None = None
    actor: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """A partition's table, the rows (n,) of the patients concerned, and the record."""

    table: PatientTable
    rows: Rows
    record: RecordContext

    @property
    def row(self) -> int:
        """The only row, where one patient is concerned."""
        return int(self.rows[0])

    def of(self, rows: Rows | list[int]) -> "Context":
        """Return the same for other patients."""
        return Context(self.table, np.asarray(rows, np.int64), self.record)
