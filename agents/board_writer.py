"""Writes what boards read: each patient's state and, when a command changed them, limits and profile in force.

What has changed is noted and then written in turns, four times a second: that is at once for whoever looks at a board,
who changes several times meanwhile is written once, and an alert seldom finds the connection taken.

`agents.shown` says what stands in the records. Who has acknowledged an alarm is not part of a patient's state: this
remembers it from the verdict that said so, for as long as the alarm stays acknowledged.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import numpy as np

from agents.judging.judge import Judge
from agents.judging.verdict import Verdict
from agents.shown import Shown
from clinical.lifecycle import State
from streams.config.settings import Settings
from streams.contracts.topics import LIMITS, PATIENTS
from streams.kafka.publisher import Publisher, fail_stop
from tables.changelog.checkpoint import CHUNK
from tables.changelog.column_store import ColumnStore
from tables.partition import Partition
from tables.patients import PatientTable

WRITE_S: Final = 0.25
"""How often is written what has changed."""

LATE_TURNS: Final = 4
"""While judging is late only every so many times: what is shown is old then anyway, and alerts come first."""

REFRESH_TICKS: Final = 5
"""Every patient's values are written again within so many ticks, as far as `REFRESHED_MAX` allows."""

REFRESHED_MAX: Final = 20
"""Patients of a partition whose values are written again at one tick."""


@dataclass(slots=True)
class Board:
    """What is kept for the boards of one partition."""

    states: set[str] = field(default_factory=set)
    """Patients whose state is to be written."""
    limits: set[str] = field(default_factory=set)
    """Patients whose limits are to be written."""
    known: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    """Who has acknowledged, by patient and alarm's column: the onset of the episode and the actor."""
    is_late: bool = False
    """Judging is behind what comes in."""
    turns: int = 0
    next_row: int = 0
    """From which row on patients are written again at the next tick."""

    def take(self, patients: Collection[str] | None) -> tuple[list[str], list[str]]:
        """Return whose state and whose limits are to be written, of some patients or of all, and note it no longer."""
        taken = []
        for noted in (self.states, self.limits):
            some = set(noted) if patients is None else noted.intersection(patients)
            noted -= some
            taken.append(sorted(some))
        return taken[0], taken[1]


class Boards:
    """Writes to the compacted topics what verdicts have changed, as it is by then.

    Args:
        settings: name the topics.
        judge: knows rules and limits.
        publisher: where the records go.
        store: whose `whole_blocks` is held while a block is judged and its alerts are handed over, which is before what
            boards show of them.
        on_failure: what to do when something cannot be handed over; the default stops the process.
    """

    def __init__(
        self,
        settings: Settings,
        judge: Judge,
        publisher: Publisher,
        store: ColumnStore,
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        self._settings = settings
        self._shown = Shown(judge)
        self._publisher = publisher
        self._whole_blocks = store.whole_blocks
        self._on_failure = on_failure
        self._writing = asyncio.Lock()

    def note(self, partition: Partition, verdict: Verdict, *, late: bool = False) -> None:
        """Note whom the verdict concerns, and in turns the others, but not while judging is late."""
        if not (verdict.transitions or verdict.profiled or verdict.dropped or verdict.tally.ticks):
            return
        board, table = partition.of(Board), partition.table
        changed = {transition.patient for transition in verdict.transitions}
        self._take_note(board, table, verdict)
        gone = {patient for patient in verdict.dropped if patient not in table.row_of}
        board.states |= changed | {*verdict.profiled} | gone
        board.limits |= {*verdict.profiled} | gone
        board.is_late = late
        if verdict.tally.ticks and not late:
            board.states |= self._in_turn(board, table)

    @staticmethod
    def _take_note(board: Board, table: PatientTable, verdict: Verdict) -> None:
        """Remember who has acknowledged what, and forget it with the next transition of the same alarm.

        Of each alarm of a patient that is one actor at most.
        """
        known = board.known
        for transition in verdict.transitions:
            place = transition.patient, transition.column
            if transition.acknowledges and transition.actor is not None:
                known[place] = transition.onset_ms, transition.actor
            elif transition.state != State.ACKNOWLEDGED:
                known.pop(place, None)
        if verdict.dropped:
            gone = {*verdict.dropped} - table.row_of.keys()
            board.known = {place: by for place, by in known.items() if place[0] not in gone}

    async def write_in_turns(self, partitions: Iterable[Partition]) -> None:
        """Called every `WRITE_S`: write, while judging is late only every `LATE_TURNS`-th time.

        What has come meanwhile is judged after each partition: all of them together would hold it up for milliseconds.
        """
        for partition in partitions:
            board = partition.of(Board)
            board.turns += 1
            if not board.is_late or board.turns % LATE_TURNS == 0:
                await self.write(partition)
                await asyncio.sleep(0)

    async def write(self, partition: Partition, patients: Collection[str] | None = None) -> None:
        """Write how those are by now who were noted, of some patients or all; who is gone is shown no more."""
        async with self._writing:
            board, number, table = partition.of(Board), partition.number, partition.table
            of_states, of_limits = board.take(patients)

            def states(table: PatientTable, names: list[str]) -> list[bytes | None]:
                return self._shown.patients(table, names, board.known)

            try:
                await self._write(number, table, PATIENTS, of_states, states)
                await self._write(number, table, LIMITS, of_limits, self._shown.limits)
            except Exception as error:  # whatever it is, nobody else knows who was to be written
                self._on_failure(f"boards of partition {number}: {error!r}")

    async def _write(
        self,
        partition: int,
        table: PatientTable,
        topic: str,
        names: list[str],
        encode: Callable[[PatientTable, list[str]], list[bytes | None]],
    ) -> None:
        for start in range(0, len(names), CHUNK):
            async with self._whole_blocks:
                if table.is_released:  # another worker's by now, which shows it, or built again
                    return
                some = names[start : start + CHUNK]
                records = [*zip((name.encode() for name in some), encode(table, some), strict=True)]
            await self._publisher.publish_batch(self._settings.topic(topic), partition, records)

    @staticmethod
    def _in_turn(board: Board, table: PatientTable) -> set[str]:
        """Return the patients who are written again now."""
        rows = table.occupied()
        count = min(REFRESHED_MAX, ceil(len(rows) / REFRESH_TICKS))
        begin = int(np.searchsorted(rows, board.next_row))
        chosen = [*rows[begin : begin + count].tolist(), *rows[: max(0, begin + count - len(rows))].tolist()]
        if chosen:
            board.next_row = chosen[-1] + 1
        return {patient for row in chosen if (patient := table.patients[row]) and not table.is_over(row)}
