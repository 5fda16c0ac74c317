"""Since when a condition's levels differ from what is told of it (`clinical.ticking`), kept in the alarm's columns.

An alarm that has levels has neither a stretch inside limits nor a worst value nor an area: their columns, and with
them the record, have room for the three times.
"""

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from tables.patients import PatientTable


def since_of(table: PatientTable, rows: NDArray[np.int64], column: int) -> NDArray[np.int64]:
    """Return since when each level of an alarm differs, (n, LEVELS), ms, `NEVER` where it does not."""
    first, second = table.alarm_clear_ms[rows, column], table.alarm_extreme[rows, column]
    third = table.alarm_area[rows, column]
    kept = np.stack([first, np.fmax(second, NEVER), np.where(third > 0, third, NEVER)], axis=1)
    return kept.astype(np.int64)


def keep_since(
    table: PatientTable, rows: NDArray[np.int64], column: int, since_ms: NDArray[np.int64]
) -> None:
    """Keep since when each level of an alarm differs, (n, LEVELS)."""
    table.alarm_clear_ms[rows, column] = since_ms[:, 0]
    table.alarm_extreme[rows, column] = np.where(since_ms[:, 1] == NEVER, np.nan, since_ms[:, 1])
    table.alarm_area[rows, column] = np.where(since_ms[:, 2] == NEVER, 0.0, since_ms[:, 2])
