"""A partition's part in the alarms of wards: it counts its silent patients and holds back who waits for an answer.

A silence that nobody was told of waits `WAIT_MS` for its ward's decision, which comes as an answer in the readings
(`streams.contracts.ward`), at whose place it takes effect: "lost" suppresses the single alarms for `HOLD_MS`, "not
lost" lets them go. Who gets no answer is told of singly, by this partition's log alone. Nothing here hangs on another
patient.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.judging.context import Context
from agents.judging.reasons import Reason
from agents.judging.verdict import Verdict
from clinical.lifecycle import State
from clinical.limits import NEVER
from clinical.masks import some
from clinical.rules import TechnicalRules
from clinical.wards import HOLD_MS, WAIT_MS, counted, held_until
from streams.decoding.decoded import Ruled
from tables.patients import PatientTable

Rows = NDArray[np.int64]

COUNT_MS = 5_000
"""How often the patients of wards are counted while nobody of them is silent."""


@dataclass(frozen=True, slots=True)
class _Silent:
    """Of n patients: who counts for the ward, whose silence is held back, and since when each is silent."""

    known: NDArray[np.bool_]
    held: NDArray[np.bool_]
    since: NDArray[np.int64]


class Silences:
    """Judges the silences of one partition's wards; `silent` is the column of the patients' own alarms."""

    def __init__(self, rules: TechnicalRules, silent: int) -> None:
        self._enabled = rules.enabled and rules.ward_silent
        self._silent = silent

    def are_due(self, table: PatientTable, now_ms: int) -> bool:
        """Return whether the patients of wards are counted even if nobody is silent."""
        return self._enabled and now_ms - table.wards_counted_ms >= COUNT_MS

    def concern(self, since: NDArray[np.int64], context: Context) -> bool:
        """Return whether any silence among n patients is a ward's matter, or was; `since` as for `judge`."""
        table, rows = context.table, context.rows
        if not self._enabled:
            return False
        if some(table.silence_held_ms.take(rows) != NEVER):
            return True
        return some(since != NEVER) and some(self._of_ward(since, context))

    def _of_ward(self, since: NDArray[np.int64], context: Context) -> NDArray[np.bool_]:
        """Return who of a ward is silent and was not told of yet, (n,)."""
        table, rows = context.table, context.rows
        alone = table.alarm_state[rows, self._silent] != State.NORMAL
        silent: NDArray[np.bool_] = (since != NEVER) & ~alone & (table.ward[rows] != b"")
        return silent

    def judge(self, since: NDArray[np.int64], context: Context, out: Verdict) -> NDArray[np.int64]:
        """Judge one tick and return since when each patient is silent whose silence is not held back, (n,).

        Args:
            since: (n,) since when each is silent, `NEVER` = is not.
            context: the tick, and everybody who is heard.
            out: gets the counts of the wards.
        """
        table, rows = context.table, context.rows
        now, before = context.record.event_ms, table.silence_held_ms.take(rows)
        alone = table.alarm_state[rows, self._silent] != State.NORMAL
        silent = self._of_ward(since, context)
        until = held_until(now, silent, before)
        table.silence_held_ms[rows] = until
        table.dirty[rows[until != before]] = True
        held = silent & (now < until)
        self._count(_Silent(~alone & ~(silent & ~held), held, since), context, out)
        return np.where(held, NEVER, since)

    @staticmethod
    def _count(silences: _Silent, context: Context, out: Verdict) -> None:
        """Count the patients of each ward, unless a replay has some of them ahead of this tick already."""
        table, rows, now = context.table, context.rows, context.record.event_ms
        everybody = table.occupied()
        if some((table.ticked_ms[everybody] > now) | (table.position[everybody] >= context.record.offset)):
            return
        table.wards_counted_ms = now
        known = silences.known & (table.seen_ms(rows) != NEVER)
        out.counted_ms = now
        out.counts = dict(counted(now, table.ward[rows], known, silences.held, silences.since))

    def rule(self, ruled: Ruled, table: PatientTable, out: Verdict) -> None:
        """Take an answer: who waits here is part of the ward's alarm for a while, or waits no longer."""
        rows, now = table.occupied(), table.ticked_until_ms
        chosen = (table.ward[rows] == ruled.ward.encode()) & (table.silence_held_ms[rows] != NEVER)
        rows = rows[chosen & (table.position[rows] < ruled.offset)]
        if ruled.lost:
            out.count(Reason.WARD_SILENT, int((table.silence_held_ms[rows] - now <= WAIT_MS).sum()))
        table.silence_held_ms[rows] = now + HOLD_MS if ruled.lost else now
        table.dirty[rows] = True

    @staticmethod
    def leave(table: PatientTable, row: int) -> None:
        """Let a patient go who is moved: another ward's alarm no longer stands for his own."""
        if table.silence_held_ms[row] != NEVER:
            table.silence_held_ms[row], table.dirty[row] = table.ticked_until_ms, True
