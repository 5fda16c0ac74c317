"""The judge: runs of records against the state of their partitions, to the alarms' transitions.

Pure but for the table that it is given: no clock, no broker, no order but the log's. The same log gives the same
state and the same transitions, however it is cut into runs and wherever a restart falls. Drills and simulations
use it as their oracle.

Runs of several partitions are judged side by side: the frames that each goes on with together, at the price of one,
then each one's ticks and commands.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.ma  # np.unique imports it when it is first called, which would hold up the first frames
from numpy.typing import NDArray

from agents.judging.alarms import BABBLING
from agents.judging.catalogue import LASTING
from agents.judging.command_judge import CommandJudge
from agents.judging.compiled_judge import CompiledJudge, Kernel
from agents.judging.compiled_screening import CompiledScreening, ScreenKernel
from agents.judging.conditions import Alarming
from agents.judging.context import Context, RecordContext
from agents.judging.frame_judge import FrameJudge
from agents.judging.parts import parts_of
from agents.judging.reasons import Reason
from agents.judging.screening import Screening, screen
from agents.judging.strangers import let_in
from agents.judging.tick_judge import TickJudge
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.clock import TimeRules
from clinical.lifecycle import Event, is_open
from clinical.rules import RuleSet
from streams.contracts.partition_names import PATIENTS_MAX
from streams.decoding.decoded import Decoded, Frames, Left, Other, Part, Ruled, Tick, Unproved
from tables.patients import PatientTable

Rows = NDArray[np.int64]


class Kernels(NamedTuple):
    """The compiled parts of the judge."""

    judge_frames: Kernel
    screen_ticks: ScreenKernel


@dataclass(slots=True)
class _Run:
    """What is left of one partition's run, and what the rest came to."""

    table: PatientTable
    parts: deque[Part]
    verdict: Verdict = field(default_factory=Verdict)


class Judge:
    """Judges runs of records under one rule set.

    Args:
        rules: the rule set.
        time: whose clock counts.
        patient_ttl_ms: a patient is dropped after so long without frames and commands.
        partitions: how many there are of the readings, which says where a patient belongs.
        patients_max: patients of one partition.
        kernels: those of the judge (`agents.judge_kernels`), None = NumPy judges all.
    """

    def __init__(
        self,
        rules: RuleSet,
        time: TimeRules,
        patient_ttl_ms: int,
        partitions: int = 1,
        patients_max: int = PATIENTS_MAX,
        kernels: Kernels | None = None,
    ) -> None:
        self.rules = rules
        self._partitions = partitions
        self._patients_max = patients_max
        self._recorded = time.recorded
        self._parts = parts = parts_of(rules, time.recorded, patients_max)
        self.alarms, self.limits, self.episodes = parts.alarms, parts.limits, parts.episodes
        babbling = next(column for column, alarm in enumerate(self.alarms) if alarm.id == BABBLING)
        compiled: CompiledJudge | None = None
        screening: Screening = screen
        if kernels is not None:
            compiled = CompiledJudge(kernels.judge_frames, parts, time)
            screening = CompiledScreening(kernels.screen_ticks, parts, time, patient_ttl_ms)
        self._frames = FrameJudge(parts.limits, parts.conditions, parts.episodes, time, babbling, compiled)
        self._ticks = TickJudge(parts, time.recorded, patient_ttl_ms, screening)
        self._commands = CommandJudge(parts, time.recorded, patients_max)

    def new_table(self, partition: int = 0) -> PatientTable:
        """Return an empty table for one partition under these rules."""
        limits = len(self.rules.limits)
        table = PatientTable(
            [alarm.id for alarm in self.alarms], limits, limits + LASTING, partitions=self._partitions
        )
        table.partition = partition
        return table

    @property
    def scores(self) -> tuple[Alarming, ...]:
        """The scores that alarm under these rules."""
        return self._parts.conditions.sheets

    def details(self, table: PatientTable, row: int, column: int, now_ms: int) -> Details:
        """Return what an open alarm says, as it is at `now_ms`."""
        return self._ticks.details(table, row, column, now_ms)

    def judge(self, table: PatientTable, decoded: Decoded) -> Verdict:
        """Judge a decoded run and make it part of the table's state."""
        return self.judge_together([(table, decoded)])[0]

    def judge_together(self, decoded: Sequence[tuple[PatientTable, Decoded]]) -> list[Verdict]:
        """Judge a run of each of several partitions, whose tables share columns, and make it part of their state.

        Each comes to what it would by itself; what one tick tells of several patients is in no order. Frames that are
        judged together are counted in the first one's verdict.

        Raises:
            ValueError: tables of different columns, whose rows mean nothing to each other.
        """
        if any(not table.shares_with(decoded[0][0]) for table, _ in decoded[1:]):
            raise ValueError("partitions are judged together only in tables that share columns")
        runs = [_Run(table, deque(run.parts)) for table, run in decoded]
        while any(run.parts for run in runs):
            if together := [run for run in runs if run.parts and isinstance(run.parts[0], Frames)]:
                self._judge_frames(together)
            for run in runs:
                while run.parts and not isinstance(part := run.parts[0], Frames):
                    run.parts.popleft()
                    self._judge_other(run.table, part, run.verdict)
        return [run.verdict for run in runs]

    def dismiss(self, table: PatientTable, kept: frozenset[str], note: str) -> Verdict:
        """End the open alarms whose ids are not among those kept, at the last tick, and make that part of the state."""
        gone = np.array([alarm.id not in kept for alarm in self.alarms])
        now_ms = table.ticked_until_ms
        record = RecordContext(table.processed, now_ms, table.processed_append_ms, now_ms)
        verdict, said = Verdict(), Details(note=note, reason=Reason.RULE_GONE)
        for row in table.occupied().tolist():
            context = Context(table, np.array([row]), record)
            for column in np.flatnonzero(is_open(table.alarm_state[row]) & gone).tolist():
                verdict.emit(self.episodes.move(context, row, column, Event.DISMISS, said))
        return verdict

    def _judge_other(self, table: PatientTable, part: Other, verdict: Verdict) -> None:
        if part.offset <= table.processed:
            return
        if isinstance(part, Tick):
            verdict.tally.ticks += 1
            self._ticks.judge(part, table, verdict)
        elif isinstance(part, Unproved):
            self._parts.partition.unproven(table, part.offset)
        elif isinstance(part, Left):
            self._parts.partition.associations.leave(part, self._recorded, table, verdict)
        elif isinstance(part, Ruled):
            self._parts.silences.rule(part, table, verdict)
        else:
            self._commands.judge(part, table, verdict)
        table.processed = max(table.processed, part.offset)

    def _judge_frames(self, runs: Sequence[_Run]) -> None:
        """Judge the frames that each run begins with, together."""
        first = runs[0]
        found = [self._next_frames(run) for run in runs]
        frames, rows = Frames.joined([part for part, _ in found]), np.concatenate([rows for _, rows in found])
        for row, transition in self._frames.judge(first.table, frames, rows, first.verdict.tally):
            run = next(run for run in runs if run.table.has(row))
            run.verdict.emit(transition)

    def _next_frames(self, run: _Run) -> tuple[Frames, Rows]:
        """Return the frames that a run begins with and are not part of the state yet, and their rows."""
        frames, table = run.parts.popleft(), run.table
        assert isinstance(frames, Frames)
        processed = max(table.processed, int(frames.offset[-1]))
        if int(frames.offset[0]) <= max(table.replay_until, table.processed):
            keep = frames.offset > table.reach(frames.patient)
            run.verdict.count(Reason.REPLAYED, int(len(keep) - keep.sum()))
            frames = frames.take(keep)
        try:
            rows = table.known_rows(frames.patient)
        except KeyError:
            frames, refused = let_in(table, frames, self._patients_max)
            if refused:
                self._parts.partition.refused(table, refused[-1])
                run.verdict.strangers += refused
            rows = table.known_rows(frames.patient)
        table.processed = processed
        return frames, rows
