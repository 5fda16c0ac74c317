"""Whom each step of the judge of ticks looks at: patients of whom nothing can come are passed over.

A step may be shown more patients than it concerns, never fewer. NumPy shows it everybody who is there; compiled code
looks closer, for less (`agents.judging.compiled_screening`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.tick_alarms import SLOW_MS
from clinical.kernels import screen_bits as asked
from clinical.limits import NEVER
from clinical.scores import SHEETS
from tables.patients import PatientTable
from tables.windows import BUCKET_MS

Rows = NDArray[np.int64]

_SCORES: Final = sum(asked.SCORE << number for number in range(len(SHEETS)))
_OF_MONITORED: Final = asked.SENSORS
_OF_HEARD: Final = asked.HEARD | asked.SILENCE
_OF_SLOW: Final = asked.DEVICES | asked.VITAL_LOSS | asked.AGE | asked.WIDENING | _SCORES
_OF_KNOWN: Final = asked.KNOWN | asked.LOSSES
_OF_BUCKET: Final = asked.BUCKET | asked.BABBLING

_NOBODY: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Screened:
    """The patients who have not had a tick before, (n,) rows, and the bits of each (`clinical.kernels.screen_columns`).

    `any_bits` are those that somebody has, `every_bits` those that everybody has.
    """

    rows: Rows
    bits: Rows
    any_bits: int
    every_bits: int

    def of(self, bit: int) -> Rows:
        """Return the rows of the patients with a bit, in their order."""
        if not self.any_bits & bit:
            return _NOBODY
        return self.rows if self.every_bits & bit else self.rows[(self.bits & bit) != 0]


Screening = Callable[[PatientTable, int, int], Screened]
"""Screens the patients of a partition for the tick of an offset, at a time in ms, and notes that they have had it."""


def screen(table: PatientTable, offset: int, now_ms: int) -> Screened:
    """Screen by who is there, and which stretches of time are over."""
    rows = table.occupied()
    before = table.ticked_ms.take(rows)
    chosen = (before < now_ms) & (table.position.take(rows) < offset)
    if not chosen.all():
        rows, before = rows[chosen], before[chosen]
    table.ticked_ms[rows] = now_ms
    monitored = ~table.discharged.take(rows)
    heard = monitored & ((table.came.take(rows) != 1) | (table.since_ms.take(rows) > NEVER))
    slow = monitored & (before // SLOW_MS < now_ms // SLOW_MS)
    bucket = slow & (before // BUCKET_MS < now_ms // BUCKET_MS)
    bits = np.full(len(rows), -1)
    for there, looks in (
        (monitored, _OF_MONITORED),
        (heard, _OF_HEARD),
        (slow, _OF_SLOW),
        (slow & heard, _OF_KNOWN),
        (bucket, _OF_BUCKET),
    ):
        bits[~there] &= ~looks
    return Screened(rows, bits, int(np.bitwise_or.reduce(bits)), int(np.bitwise_and.reduce(bits)))
