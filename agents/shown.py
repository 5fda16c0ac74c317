"""The records that boards read: how patients are and which limits hold for them, encoded for many at once.

They are encoded past their pydantic models (`streams.contracts.patient_state`), which a test holds them to: a worker
writes one for nearly every event of an alarm. What an alarm says is what a reminder of it would say at the present,
which is the last tick that was judged, or the patient's last frame where that is newer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.judging.alert_facts import facts
from agents.judging.conditions import Alarming
from agents.judging.judge import Judge
from agents.judging.scoring import is_made_for, numbers_of, scored, wanted_of
from agents.judging.transitions import Details
from clinical.lifecycle import PAUSE_NAMES, Pause, State, is_open
from clinical.limits import NEVER
from clinical.masks import some
from clinical.rules import AGE_BANDS
from clinical.vitals import INDEX, SIGNALS
from tables.latest import Latest, latest
from tables.patients import PatientTable

Known = Mapping[tuple[str, int], tuple[int, str]]
"""Who has acknowledged: patient and alarm's column to the onset of the episode and the actor."""

SIGNAL_SOURCES: Final = ("signal", "trend")


@dataclass(frozen=True, slots=True)
class _Score:
    """A score of n patients: its numbers, of whom it is shown, and of whom enough is measured to say a level."""

    alarming: Alarming
    numbers: tuple[Details, ...]
    band: list[int]
    is_shown: NDArray[np.bool_]
    is_known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Patients:
    """What is read of n patients together; `now_ms` is the present."""

    table: PatientTable
    rows: NDArray[np.int64]
    last: Latest
    seen_ms: NDArray[np.int64]
    now_ms: NDArray[np.int64]
    scores: tuple[_Score, ...]
    known: Known


class Shown:
    """Encodes under one rule set."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def patients(self, table: PatientTable, names: Sequence[str], known: Known) -> list[bytes | None]:
        """Return the record of each patient; none for one who is gone or discharged, which deletes it."""
        rows = [_row_shown(table, name) for name in names]
        found = np.array([row for row in rows if row is not None], np.int64)
        if not len(found):
            return [None] * len(names)
        seen = table.seen_ms(found)
        now = np.maximum(seen, table.ticked_until_ms)
        last = latest(table, found)
        scores = tuple(self._score(alarming, table, found, last, now) for alarming in self._judge.scores)
        several = _Patients(table, found, last, seen, now, scores, known)
        encoded = iter([msgspec.json.encode(self._patient(several, i)) for i in range(len(found))])
        return [None if row is None else next(encoded) for row in rows]

    @staticmethod
    def _score(
        alarming: Alarming, table: PatientTable, rows: NDArray[np.int64], last: Latest, now: NDArray[np.int64]
    ) -> _Score:
        sheet = alarming.sheet
        found, count = scored(sheet, table, rows, last, now), len(sheet.parameters)
        return _Score(
            alarming,
            tuple(numbers_of(sheet, found, i) for i in range(len(rows))),
            found.score.band.tolist(),
            is_made_for(sheet, table, rows) & (found.score.missing_count < count),
            count - found.measured.missing_count >= wanted_of(sheet, alarming.inputs_min),
        )

    def _patient(self, several: _Patients, i: int) -> dict[str, object]:
        table, row, last = several.table, int(several.rows[i]), several.last
        patient = table.patients[row]
        assert patient is not None, "an occupied row has a patient"
        return {
            "patient": patient,
            "ward": table.ward[row].decode(),
            "seen_ts_ms": _time(int(several.seen_ms[i])),
            "pause": PAUSE_NAMES.get(Pause(int(table.pause[row]))),
            "pause_until_ts_ms": _time(table.pause_until_ms[row]),
            "limits_widened": self._widened(table, row),
            "alarms": [
                self._alarm(several, i, column)
                for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist()
            ],
            "values": {
                SIGNALS[signal].name: {
                    "value": float(last.value[i, signal]),
                    "ts_ms": int(last.value_ms[i, signal]),
                }
                for signal in np.flatnonzero(~np.isnan(last.value[i])).tolist()
            },
            "scores": {
                score.alarming.sheet.id: self._score_now(score, i, int(several.now_ms[i]))
                for score in several.scores
                if score.is_shown[i]
            },
            "age_band": AGE_BANDS[int(table.age_band[row])],
            "age_known": bool(table.age_known[row]),
            "spo2_scale2": bool(table.scale2[row]),
            "judged_ts_ms": _time(table.processed_append_ms),
        }

    @staticmethod
    def _score_now(score: _Score, i: int, now_ms: int) -> dict[str, object]:
        numbers = score.numbers[i]
        band = score.alarming.sheet.levels[score.band[i]].name
        return {
            "total": numbers.value,
            "band": band if score.is_known[i] else None,
            "missing": numbers.missing,
            "old": numbers.old,
            "ts_ms": now_ms,
        }

    def _alarm(self, several: _Patients, i: int, column: int) -> dict[str, object]:
        table, row = several.table, int(several.rows[i])
        alarm, state = self._judge.alarms[column], State(int(table.alarm_state[row, column]))
        numbers = self._numbers(several, i, column)
        standing = self._judge.episodes.standing(
            table,
            row,
            column,
            max(int(several.now_ms[i]), int(table.alarm_onset_ms[row, column])),
            numbers,
        )
        said = facts(alarm, standing)
        source, evidence = said["source"], said["evidence"]
        assert isinstance(source, dict)
        assert isinstance(evidence, dict)
        value = evidence["value"]
        if alarm.signal is not None and not alarm.holds and alarm.type == "physiological":
            value = _reading(several.last, i, INDEX[alarm.signal.name])
        return {
            "rule": alarm.id,
            "episode": said["episode"],
            "state": state.name.lower(),
            "priority": said["priority"],
            "onset_ts_ms": standing.onset_ms,
            "type": alarm.type,
            "event": said["event"],
            "signal": source["name"] if source["kind"] in SIGNAL_SOURCES else None,
            "value": value,
            "extreme": evidence["extreme"],
            "bound": evidence["bound"],
            "low": evidence["low"],
            "high": evidence["high"],
            "unit": source["unit"],
            "reason": said["reason"],
            "paused": PAUSE_NAMES.get(Pause(standing.paused)),
            "asked": None if standing.asked is None else _without_previous(asdict(standing.asked)),
            "acknowledged_by": self._acknowledged_by(several, row, column, state),
        }

    def _numbers(self, several: _Patients, i: int, column: int) -> Details:
        """Return the numbers behind an alarm; a score's as they were found for all together."""
        sheet = self._judge.alarms[column].sheet
        for score in several.scores:
            if sheet is score.alarming.sheet:
                return score.numbers[i]
        return self._judge.details(several.table, int(several.rows[i]), column, int(several.now_ms[i]))

    @staticmethod
    def _acknowledged_by(several: _Patients, row: int, column: int, state: State) -> str | None:
        onset, actor = several.known.get((several.table.patients[row] or "", column), (NEVER, ""))
        is_known = state == State.ACKNOWLEDGED and onset == several.table.alarm_onset_ms[row, column]
        return actor if is_known else None

    def _widened(self, table: PatientTable, row: int) -> list[str]:
        """Return the rules whose limits are wider than the unit's."""
        if not table.own_limits[row]:
            return []
        wider = np.logical_or(*self._judge.limits.wider(table, np.array([row])))[0]
        return [self._judge.rules.limits[column].id for column in np.flatnonzero(wider).tolist()]

    def limits(self, table: PatientTable, names: Sequence[str]) -> list[bytes | None]:
        """Return the record of each patient's limits; none for one who is gone or discharged, which deletes it."""
        return [self._limits(table, name) for name in names]

    def _limits(self, table: PatientTable, patient: str) -> bytes | None:
        row = table.row_of.get(patient)
        if row is None or table.is_over(row):
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
            "age_known": bool(table.age_known[row]),
            "spo2_scale2": bool(table.scale2[row]),
            "expected_oxygen": None if np.isnan(oxygen) else bool(oxygen),
            "ward": table.ward[row].decode(),
            "since_ts_ms": _time(table.since_ms[row]),
        }
        return msgspec.json.encode(in_force)


def _row_shown(table: PatientTable, patient: str) -> int | None:
    row = table.row_of.get(patient)
    if row is None or (table.is_over(row) and not some(is_open(table.alarm_state[row]))):
        return None
    return row


def _reading(last: Latest, i: int, signal: int) -> float | None:
    return _finite(float(last.value[i, signal]))


def _without_previous(asked: dict[str, object]) -> dict[str, object]:
    return {name: asked[name] for name in ("step", "to", "status")}


def _time(ms: int) -> int | None:
    return int(ms) if ms > NEVER else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
