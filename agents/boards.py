"""Writes what boards read: each patient's state and, when a command changed them, limits and profile in force.

What has changed is noted and then written in turns, four times a second: that is at once for whoever looks at a board,
who changes several times meanwhile is written once, and an alert seldom finds the connection taken.

The records are encoded past their pydantic models (`streams.boards`), which a test holds them to: a worker writes
one for nearly every event of an alarm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import msgspec
import numpy as np

from agents.judge import Judge
from agents.scoring import current_scores, sheets_of
from agents.verdict import Verdict
from clinical.lifecycle import PAUSE_NAMES, Pause, State, is_open
from clinical.limits import NEVER
from clinical.masks import some
from clinical.rules import AGE_BANDS, PRIORITIES
from clinical.vitals import SIGNALS
from streams.alerts import episode_id
from streams.publisher import Publisher, fail_stop
from streams.settings import Settings
from streams.topics import LIMITS, PATIENTS
from tables.checkpoint import CHUNK
from tables.latest import latest
from tables.patients import PatientTable

WRITE_S: Final = 0.25
"""How often is written what has changed."""

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
        self._judge = judge
        self._sheets = sheets_of(judge.rules)
        self._publisher = publisher
        self._whole_blocks = whole_blocks
        self._on_failure = on_failure
        self._writing = asyncio.Lock()
        self._next: defaultdict[int, int] = defaultdict(int)
        self._changed: defaultdict[int, _Changed] = defaultdict(_Changed)

    def note(self, partition: int, table: PatientTable, verdict: Verdict, *, late: bool = False) -> None:
        """Note whom the verdict concerns, and in turns the others, but not while judging is late."""
        if not (verdict.happenings or verdict.profiled or verdict.dropped or verdict.tally.ticks):
            return
        changed = self._changed[partition]
        told = {happening.patient for happening in verdict.happenings}
        gone = {patient for patient in verdict.dropped if patient not in table.row_of}
        changed.states |= told | {*verdict.profiled} | gone
        changed.limits |= {*verdict.profiled} | gone
        if verdict.tally.ticks and not late:
            changed.states |= self._in_turn(partition, table)

    async def write(self, partition: int, table: PatientTable) -> None:
        """Write how those are by now who were noted; of who is gone what was shown is deleted."""
        async with self._writing:
            changed = self._changed.pop(partition, _Changed())
            try:
                await self._write(partition, table, PATIENTS, sorted(changed.states), self._patients)
                await self._write(partition, table, LIMITS, sorted(changed.limits), self._limits_of)
            except Exception as error:  # whatever it is, nobody else knows who was to be written
                self._on_failure(f"boards of partition {partition}: {error!r}")

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
                    return
                chosen = names[start : start + CHUNK]
                records = list(zip([name.encode() for name in chosen], encode(table, chosen), strict=True))
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

    def _patients(self, table: PatientTable, names: list[str]) -> list[bytes | None]:
        """Return the records of patients; none for one who is gone or discharged, which deletes it."""
        rows = {name: row for name in names if (row := table.row_of.get(name)) is not None}
        at = np.fromiter(rows.values(), np.int64, len(rows))
        scores = current_scores(self._sheets, table, at, table.ticked_until_ms)
        scored = dict(zip(rows, scores, strict=True))
        return [
            self._patient(table, name, rows[name], scored[name]) if name in rows else None for name in names
        ]

    def _patient(
        self, table: PatientTable, patient: str, row: int, scores: dict[str, object]
    ) -> bytes | None:
        if table.discharged[row] and not some(is_open(table.alarm_state[row])):
            return None
        last = latest(table, np.array([row]))
        state = {
            "patient": patient,
            "ward": table.ward[row].decode(),
            "seen_ts_ms": _time(int(table.seen_ms(np.array([row]))[0])),
            "pause": PAUSE_NAMES.get(Pause(int(table.pause[row]))),
            "pause_until_ts_ms": _time(table.pause_until_ms[row]),
            "limits_widened": self._widened(table, row),
            "alarms": [
                self._alarm(table, patient, row, column)
                for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist()
            ],
            "values": {
                SIGNALS[signal].name: {
                    "value": float(last.value[0, signal]),
                    "ts_ms": int(last.value_ms[0, signal]),
                }
                for signal in np.flatnonzero(last.value_ms[0] != NEVER).tolist()
            },
            "scores": scores,
            "judged_ts_ms": _time(table.processed_append_ms),
        }
        return msgspec.json.encode(state)

    def _widened(self, table: PatientTable, row: int) -> list[str]:
        """Return the rules whose limits are wider than the unit's."""
        if not table.own_limits[row]:
            return []
        wider = np.logical_or(*self._judge.limits.wider(table, np.array([row])))[0]
        return [self._judge.rules.limits[column].id for column in np.flatnonzero(wider).tolist()]

    def _alarm(self, table: PatientTable, patient: str, row: int, column: int) -> dict[str, object]:
        onset, rule = int(table.alarm_onset_ms[row, column]), self._judge.alarms[column].id
        return {
            "rule": rule,
            "episode": episode_id(patient, rule, onset),
            "state": State(int(table.alarm_state[row, column])).name.lower(),
            "priority": PRIORITIES[int(table.alarm_priority[row, column])],
            "onset_ts_ms": onset,
        }

    def _limits_of(self, table: PatientTable, names: list[str]) -> list[bytes | None]:
        return [self._limits(table, name) for name in names]

    def _limits(self, table: PatientTable, patient: str) -> bytes | None:
        row = table.row_of.get(patient)
        if row is None or table.discharged[row]:
            return None
        limits, rows, band = self._judge.limits, np.array([row]), int(table.age_band[row])
        sides = [side[0].tolist() for side in limits.sides(table, rows)]
        unit = [side.tolist() for side in limits.unit(band, bool(table.scale2[row]))]
        wider = np.logical_or(*limits.wider(table, rows))[0].tolist()
        own = ~(np.isnan(table.alarm_low[row]) & np.isnan(table.alarm_high[row]))
        oxygen = float(table.oxygen[row])
        in_force = {
            "patient": patient,
            "limits": {
                rule.id: {
                    "low": _finite(sides[0][c]),
                    "high": _finite(sides[1][c]),
                    "own": bool(own[c]),
                    "unit_low": _finite(unit[0][c]) if unit[0][c] != sides[0][c] else None,
                    "unit_high": _finite(unit[1][c]) if unit[1][c] != sides[1][c] else None,
                    "wider": wider[c],
                }
                for c, rule in enumerate(self._judge.rules.limits)
            },
            "age_band": AGE_BANDS[band],
            "spo2_scale2": bool(table.scale2[row]),
            "expected_oxygen": None if np.isnan(oxygen) else bool(oxygen),
            "ward": table.ward[row].decode(),
            "since_ts_ms": _time(table.since_ms[row]),
        }
        return msgspec.json.encode(in_force)


def _time(ms: int) -> int | None:
    return int(ms) if ms > NEVER else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
