"""Writes what boards read: each patient's state and, when a command changed them, limits and profile in force.

The records are encoded past their pydantic models (`streams.boards`), which a test holds them to: a worker writes
one for each event of an alarm.
"""

from collections import defaultdict
from math import ceil
from typing import Final

import msgspec
import numpy as np

from agents.alarms import WARD_SILENT
from agents.judge import Judge
from agents.verdict import Verdict
from agents.wards import lost_ward
from clinical.lifecycle import PAUSE_NAMES, Pause, State, is_open
from clinical.limits import MEDIUM, NEVER
from clinical.masks import some
from clinical.rules import AGE_BANDS, PRIORITIES
from clinical.vitals import SIGNALS
from streams.alerts import WARD, episode_id
from streams.publisher import Publisher
from streams.settings import Settings
from streams.topics import LIMITS, PATIENTS
from tables.patients import PatientTable

REFRESH_TICKS: Final = 5
"""Every patient's values are written again within so many ticks, as far as `REFRESHED_MAX` allows."""

REFRESHED_MAX: Final = 20
"""Patients of a partition whose values are written again at one tick."""


class Boards:
    """Writes to the compacted topics what a verdict has changed."""

    def __init__(self, settings: Settings, judge: Judge, publisher: Publisher) -> None:
        self._settings = settings
        self._judge = judge
        self._publisher = publisher
        self._next: defaultdict[int, int] = defaultdict(int)

    async def show(
        self, partition: int, table: PatientTable, verdict: Verdict, *, late: bool = False
    ) -> None:
        """Write the patients that the verdict concerns, and in turns the others, but not while judging is late."""
        if not (verdict.happenings or verdict.profiled or verdict.dropped or verdict.tally.ticks):
            return
        told = {happening.patient for happening in verdict.happenings}
        wards = {patient for patient in told if patient.startswith(WARD)}
        changed = (told & table.row_of.keys()) | {*verdict.profiled}
        gone = {patient for patient in verdict.dropped if patient not in table.row_of}
        turn = self._in_turn(partition, table) if verdict.tally.ticks and not late else set()
        for patient in sorted(changed | gone | turn):
            await self._write(PATIENTS, partition, patient, self._patient(table, patient))
        for ward in sorted(wards):
            await self._write(PATIENTS, partition, ward, self._ward(table, ward))
        for patient in sorted({*verdict.profiled} | gone):
            await self._write(LIMITS, partition, patient, self._limits(table, patient))

    async def _write(self, topic: str, partition: int, patient: str, value: bytes | None) -> None:
        name = self._settings.topic(topic)
        await self._publisher.publish(name, patient.encode(), value, partition=partition)

    def _in_turn(self, partition: int, table: PatientTable) -> set[str]:
        """Return the patients who are written again now."""
        rows = table.occupied()
        count = min(REFRESHED_MAX, ceil(len(rows) / REFRESH_TICKS))
        begin = int(np.searchsorted(rows, self._next[partition]))
        chosen = [*rows[begin : begin + count].tolist(), *rows[: max(0, begin + count - len(rows))].tolist()]
        if chosen:
            self._next[partition] = chosen[-1] + 1
        return {patient for row in chosen if (patient := table.patients[row]) and not table.discharged[row]}

    def _patient(self, table: PatientTable, patient: str) -> bytes | None:
        """Return the record of a patient; none for one who is gone or discharged, which deletes it."""
        row = table.row_of.get(patient)
        if row is None or (table.discharged[row] and not some(is_open(table.alarm_state[row]))):
            return None
        state = {
            "patient": patient,
            "ward": table.ward[row].decode(),
            "seen_ts_ms": _time(table.seen_ms[row]),
            "pause": PAUSE_NAMES.get(Pause(int(table.pause[row]))),
            "pause_until_ts_ms": _time(table.pause_until_ms[row]),
            "alarms": [
                self._alarm(table, patient, row, column)
                for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist()
            ],
            "values": {
                SIGNALS[signal].name: {
                    "value": float(table.value[row, signal]),
                    "ts_ms": int(table.value_ms[row, signal]),
                }
                for signal in np.flatnonzero(table.value_ms[row] != NEVER).tolist()
            },
        }
        return msgspec.json.encode(state)

    @staticmethod
    def _ward(table: PatientTable, ward: str) -> bytes | None:
        """Return the record of a ward that is lost; none when it is not, which deletes it."""
        lost = lost_ward(table, ward)
        if lost is None:
            return None
        alarm = {
            "rule": WARD_SILENT,
            "episode": episode_id(ward, WARD_SILENT, lost.onset_ms),
            "state": (State.ACKNOWLEDGED if lost.is_acknowledged else State.ACTIVE).name.lower(),
            "priority": PRIORITIES[MEDIUM],
            "onset_ts_ms": lost.onset_ms,
        }
        state: dict[str, object] = {
            "patient": ward,
            "ward": ward.removeprefix(WARD),
            "seen_ts_ms": _time(table.seen_ms[lost.rows].max()),
            "pause": None,
            "pause_until_ts_ms": None,
            "alarms": [alarm],
            "values": {},
        }
        return msgspec.json.encode(state)

    def _alarm(self, table: PatientTable, patient: str, row: int, column: int) -> dict[str, object]:
        onset, rule = int(table.alarm_onset_ms[row, column]), self._judge.alarms[column].id
        return {
            "rule": rule,
            "episode": episode_id(patient, rule, onset),
            "state": State(int(table.alarm_state[row, column])).name.lower(),
            "priority": PRIORITIES[int(table.alarm_priority[row, column])],
            "onset_ts_ms": onset,
        }

    def _limits(self, table: PatientTable, patient: str) -> bytes | None:
        row = table.row_of.get(patient)
        if row is None or table.discharged[row]:
            return None
        low, high = (side[0].tolist() for side in self._judge.limits.sides(table, np.array([row])))
        own = ~(np.isnan(table.alarm_low[row]) & np.isnan(table.alarm_high[row]))
        oxygen = float(table.oxygen[row])
        in_force = {
            "patient": patient,
            "limits": {
                rule.id: {"low": _finite(low[c]), "high": _finite(high[c]), "own": bool(own[c])}
                for c, rule in enumerate(self._judge.rules.limits)
            },
            "age_band": AGE_BANDS[int(table.age_band[row])],
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
