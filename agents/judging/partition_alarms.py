"""Alarms of a partition itself, and of patients who are in the wrong one.

A partition's alarms are kept and told of as those of a patient `~partition/NUMBER`, whose row is made when there is
something to tell. What happens between two ticks is noted there, and told of at the next one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import MISPLACED, TOO_MANY, UNPROVEN, Alarm
from agents.judging.association_alarms import AssociationAlarms
from agents.judging.context import Context
from agents.judging.episode_events import Episodes
from agents.judging.tick_alarms import Held, Levels, judge_levels
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import DELAYED, NORMAL, Event, is_open
from clinical.limits import MEDIUM, NEVER
from streams.contracts.partition_names import partition_name
from tables.patients import PatientTable

Rows = NDArray[np.int64]

UNPROVEN_MS: Final = 60_000
"""The alarm of records that are no proven commands ends so long after the last of them; our choice."""


class PartitionAlarms:
    """Judges what concerns a partition, not a patient; `patients_max` is the bound on its patients."""

    def __init__(
        self,
        alarms: tuple[Alarm, ...],
        episodes: Episodes,
        patients_max: int,
        associations: AssociationAlarms,
    ) -> None:
        self.associations: Final = associations
        column = {alarm.id: number for number, alarm in enumerate(alarms)}
        self._episodes = episodes
        self._patients_max = patients_max
        self._too_many: Final = column[TOO_MANY]
        self._unproven: Final = column[UNPROVEN]
        self.misplaced: Final = column[MISPLACED]

    def refused(self, table: PatientTable, offset: int) -> None:
        """Note that a frame of a patient was refused for whom there is no room."""
        self._note(table, self._too_many, offset)

    def unproven(self, table: PatientTable, offset: int) -> None:
        """Note that a record would be a command, but has not proven it."""
        self._note(table, self._unproven, offset)

    @staticmethod
    def _note(table: PatientTable, column: int, offset: int) -> None:
        """Note at the partition's row that something happened since the last tick: `alarm_clear_ms` says when else."""
        row = table.row(partition_name(table.partition), offset)
        if offset <= table.position[row]:
            return
        table.discharged[row] = True  # nobody is measured there
        if table.alarm_state[row, column] == NORMAL:
            table.alarm_state[row, column] = DELAYED
        table.alarm_clear_ms[row, column] = NEVER
        table.dirty[row] = True

    def judge(self, noted: Rows, context: Context, out: Verdict) -> None:
        """Judge at a tick, which the rows have not had yet, what was noted since the last one, and what is over.

        `noted` (k,) are those of the rows of whom anything was.
        """
        self.associations.judge(noted, context, out)
        table = context.table
        row = table.row_of.get(partition_name(table.partition))
        if row is None or row not in context.rows:
            return
        is_full = int(table.known_at(np.array([context.record.offset]))[0]) >= self._patients_max
        own = context.of([row])
        self._judge(self._too_many, is_full, own, out)
        self._judge(self._unproven, None, own, out)

    def _judge(self, column: int, lasts: bool | None, context: Context, out: Verdict) -> None:
        """Judge one alarm; `lasts` says whether it holds still, None = for `UNPROVEN_MS` after what was noted last."""
        table, row, now = context.table, context.row, context.record.event_ms
        state = int(table.alarm_state[row, column])
        if state == NORMAL:
            return
        if table.alarm_clear_ms[row, column] == NEVER:
            table.alarm_clear_ms[row, column], table.dirty[row] = now, True
        if state == DELAYED:
            self._episodes.begin(table, row, column, now, MEDIUM)
            out.emit(self._episodes.move(context, row, column, Event.DUE))
            return
        since_ms = now - int(table.alarm_clear_ms[row, column])
        if since_ms >= UNPROVEN_MS if lasts is None else not lasts and since_ms > 0:
            out.emit(self._episodes.move(context, row, column, Event.CLEAR))

    def judge_places(self, context: Context, out: Verdict) -> None:
        """Judge patients among n who belong into another partition: once, for as long as they are here."""
        table, rows = context.table, context.rows
        if not table.misplaced:
            return
        chosen = rows[np.isin(rows, table.known_rows(list(table.misplaced)))]
        at_rest = ~is_open(table.alarm_state[chosen, self.misplaced])
        chosen = chosen[at_rest]

        def explain(i: int) -> Details:
            patient = table.patients[int(chosen[i])]
            assert patient is not None, "a misplaced patient has a row"
            there = f"in partition {table.partition}, where another partitioner than murmur2 put it"
            return Details(note=f"{there}; the patient belongs into {table.misplaced[patient]}")

        levels = Levels(self.misplaced, Held(0), np.full(len(chosen), MEDIUM + 1), explain)
        judge_levels(levels, self._episodes, context.of(chosen), out)
