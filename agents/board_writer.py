"""Writes what boards read: each patient's state and, when a command changed them, limits and profile in force.

What has changed is noted and then written in turns, four times a second: that is at once for whoever looks at a board,
who changes several times meanwhile is written once, and an alert seldom finds the connection taken.

`agents.shown` says what stands in the records. Who has acknowledged an alarm is not part of a patient's state: this
remembers it from the verdict that told it, for as long as the alarm stays acknowledged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
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
class _Changed:
    """Of one partition: whose state and whose limits are to be written, patients by name."""

    states: set[str] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)


class Boards:
    """Writes to the compacted topics what verdicts have changed, as it is by then.

    Args:
        settings: name the topics.
        judge: knows rules and limits.
        publisher: where the records go.
        whole_blocks: held while a block is judged and its alerts are handed over, which boards must not precede.
        on_failure: what to do when something cannot be handed over; the default stops the process.
    """

    def __init__(
        self,
        settings: Settings,
        judge: Judge,
        publisher: Publisher,
        whole_blocks: asyncio.Lock,
        on_failure: Callable[[str], None] = fail_stop,
    ) -> None:
        self._settings = settings
        self._shown = Shown(judge)
        self._publisher = publisher
        self._whole_blocks = whole_blocks
        self._on_failure = on_failure
        self._writing = asyncio.Lock()
        self._next: defaultdict[int, int] = defaultdict(int)
        self._late: set[int] = set()
        self._turns: defaultdict[int, int] = defaultdict(int)
        self._changed: defaultdict[int, _Changed] = defaultdict(_Changed)
        self._known: defaultdict[int, dict[tuple[str, int], tuple[int, str]]] = defaultdict(dict)

    def note(self, partition: int, table: PatientTable, verdict: Verdict, *, late: bool = False) -> None:
        """Note whom the verdict concerns, and in turns the others, but not while judging is late."""
        if not (verdict.transitions or verdict.profiled or verdict.dropped or verdict.tally.ticks):
            return
        changed = self._changed[partition]
        told = {transition.patient for transition in verdict.transitions}
        self._take_note(partition, table, verdict)
        gone = {patient for patient in verdict.dropped if patient not in table.row_of}
        changed.states |= told | {*verdict.profiled} | gone
        changed.limits |= {*verdict.profiled} | gone
        (self._late.add if late else self._late.discard)(partition)
        if verdict.tally.ticks and not late:
            changed.states |= self._in_turn(partition, table)

    def _take_note(self, partition: int, table: PatientTable, verdict: Verdict) -> None:
        """Remember who has acknowledged what, and forget it with the next that is told of the same alarm.

        Of a partition that is another worker's nothing is remembered; of each alarm of a patient one actor at most.
        """
        known = self._known[partition]
        for transition in verdict.transitions:
            place = transition.patient, transition.column
            if transition.acknowledges and transition.actor is not None:
                known[place] = transition.onset_ms, transition.actor
            elif transition.state != State.ACKNOWLEDGED:
                known.pop(place, None)
        if verdict.dropped:
            gone = {*verdict.dropped} - table.row_of.keys()
            self._known[partition] = {place: by for place, by in known.items() if place[0] not in gone}

    async def write_in_turn(self, partition: int, table: PatientTable) -> None:
        """Called every `WRITE_S`: write, while judging is late only every `LATE_TURNS`-th time."""
        self._turns[partition] += 1
        if partition not in self._late or self._turns[partition] % LATE_TURNS == 0:
            await self.write(partition, table)

    async def write(
        self, partition: int, table: PatientTable, patients: Collection[str] | None = None
    ) -> None:
        """Write how those are by now who were noted, of some patients or all; who is gone is shown no more."""
        async with self._writing:
            changed = self._take(partition, patients)

            def states(table: PatientTable, names: list[str]) -> list[bytes | None]:
                return self._shown.patients(table, names, self._known[partition])

            try:
                await self._write(partition, table, PATIENTS, sorted(changed.states), states)
                await self._write(partition, table, LIMITS, sorted(changed.limits), self._shown.limits)
            except Exception as error:  # whatever it is, nobody else knows who was to be written
                self._on_failure(f"boards of partition {partition}: {error!r}")

    def _take(self, partition: int, patients: Collection[str] | None) -> _Changed:
        """Return who was noted, of some patients or of all, and note them no longer."""
        if patients is None:
            return self._changed.pop(partition, _Changed())
        noted = self._changed[partition]
        taken = _Changed(noted.states.intersection(patients), noted.limits.intersection(patients))
        noted.states -= taken.states
        noted.limits -= taken.limits
        return taken

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
                if table.is_released:  # another worker's by now, which shows it
                    self._known.pop(partition, None)
                    return
                some = names[start : start + CHUNK]
                records = [*zip((name.encode() for name in some), encode(table, some), strict=True)]
            await self._publisher.publish_batch(self._settings.topic(topic), partition, records)

    def _in_turn(self, partition: int, table: PatientTable) -> set[str]:
        """Return the patients who are written again now."""
        rows = table.occupied()
        count = min(REFRESHED_MAX, ceil(len(rows) / REFRESH_TICKS))
        begin = int(np.searchsorted(rows, self._next[partition]))
        chosen = [*rows[begin : begin + count].tolist(), *rows[: max(0, begin + count - len(rows))].tolist()]
        if chosen:
            self._next[partition] = chosen[-1] + 1
        return {patient for row in chosen if (patient := table.patients[row]) and not table.discharged[row]}
