"""The judge of frames: duplicates, time, plausibility, windows, last values, and the alarms of limits.

Frames are judged in two ways that end in the same state: patients who are inside all limits, in order and without an
open alarm take one vectorised step together; the others are judged in rounds, the k-th frame of each in round k.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agents.alarms import Happening
from agents.conditions import Conditions
from agents.episodes import Moment, Teller, cover_of
from agents.in_force import LimitsInForce
from agents.shedding import surplus
from agents.verdict import Tally
from clinical.clock import JudgedTime, TimeRules, judge_time
from clinical.integral import depth, grown
from clinical.lifecycle import DELAYED, NORMAL
from clinical.limits import NEVER, Judgement, LimitState, step
from clinical.masks import every, places, some
from clinical.rates import told_by_other
from clinical.sensors import clock_of
from clinical.vitals import ABSENT, COUNT, PLAUSIBLE_HIGH, PLAUSIBLE_LOW
from streams.decoded import Frames
from tables.columns import DEVICES
from tables.devices import find_slots, remember
from tables.groups import Groups
from tables.patients import PatientTable

Rows = NDArray[np.int64]

Told = tuple[int, Happening]
"""A row and what happened to its patient."""


@dataclass(slots=True)
class _Readings:
    """The plausible readings of n frames, one after the other: arrays of shape (m,).

    `invalid` tells which frames carry a signal without a valid reading, (n,); None where none does.
    """

    frame: Rows
    signal: Rows
    value: NDArray[np.float64]
    invalid: NDArray[np.bool_] | None = None


@dataclass(slots=True)
class _Batch:
    """Frames that are new and have a row, without what no working sensor reports: arrays of shape (n,).

    `patients` are the frames by their patient, `cells` where each reading belongs in columns of shape (rows, signals)
    when these are one axis, (m,).
    """

    rows: Rows
    patients: Groups
    frames: Frames
    readings: _Readings
    cells: NDArray[np.int64]
    time: JudgedTime


class FrameJudge:
    """Judges frames under one rule set; `babbling` is the column of the alarm of devices that babble."""

    def __init__(
        self,
        limits: LimitsInForce,
        conditions: Conditions,
        teller: Teller,
        time: TimeRules,
        babbling: int,
    ) -> None:
        self._limits = limits
        self._conditions = conditions
        self._teller = teller
        self._time = time
        self._babbling = babbling

    def judge(self, table: PatientTable, frames: Frames, rows: Rows, tally: Tally) -> list[Told]:
        """Judge frames that are not part of the state yet, each of the patient of its row, (n,), and count them.

        The rows may be those of several partitions that share columns.
        """
        told: list[Told] = []
        done = 0
        while done < len(frames):
            rest = slice(done, None)
            slots, count = find_slots(table, rows[rest], frames.device[rest], frames.boot[rest])
            part = slice(done, done + count)
            batch = self._admit(table, frames.take(part), rows[part], slots[:count], tally)
            if len(batch.rows):
                told += self._apply(table, batch, tally)
            done += count
        return told

    def _admit(self, table: PatientTable, frames: Frames, rows: Rows, slots: Rows, tally: Tally) -> _Batch:
        """Leave out duplicates, judge each frame's time and each reading's plausibility."""
        devices = Groups(rows * DEVICES + slots)
        fresh = remember(table, devices, frames.seq)
        if not every(fresh):
            tally.duplicate += len(fresh) - int(np.count_nonzero(fresh))
            frames, rows, slots = frames.take(fresh), rows[fresh], slots[fresh]
            devices = Groups(devices.numbers[fresh])
        # With one device each, frames go by their patient as they go by their device.
        patients = Groups(rows) if some(slots) else devices
        time = self._judge_time(table, frames, devices)
        frames, readings = _plausible(frames)
        tally.readings += len(readings.frame)
        tally.suspect += int(np.count_nonzero(time.suspect))
        cells = rows.take(readings.frame) * COUNT + readings.signal
        return _Batch(rows, patients, frames, readings, cells, time)

    def _judge_time(self, table: PatientTable, frames: Frames, devices: Groups) -> JudgedTime:
        """Judge each frame's time by its own device's previous frame, and remember the last."""
        group = devices.numbers
        event, append = table.device_event_ms.reshape(-1), table.device_append_ms.reshape(-1)
        if self._time.recorded:
            time = judge_time(self._time, frames.event_ts_ms, frames.append_ts_ms, event, append)
        else:
            time = judge_time(
                self._time,
                frames.event_ts_ms,
                frames.append_ts_ms,
                devices.before(frames.event_ts_ms, event[group]),
                devices.before(frames.append_ts_ms, append[group]),
            )
        event[group] = frames.event_ts_ms
        append[group] = frames.append_ts_ms
        table.device_clock.reshape(-1)[group] = clock_of(time.suspect, time.historic)
        table.device_used.reshape(-1)[group] = frames.offset
        return time

    def _apply(self, table: PatientTable, batch: _Batch, tally: Tally) -> list[Told]:
        rows, time = batch.rows, batch.time
        readings = batch.readings
        held = table.windows.enter(rows, time.now_ms, readings.frame, readings.signal, readings.value)
        np.maximum.at(table.seen_ms, rows, time.arrival_ms)
        table.interval_ms[rows] = batch.frames.interval_ms
        table.dirty[rows] = True
        live = ~time.historic
        self._leave_out(table, batch, live, tally)
        tally.beyond_windows += len(held) - int(np.count_nonzero(held))
        tally.historic += int(np.count_nonzero(time.historic))
        tally.judged += int(np.count_nonzero(live))
        calm = live & ~self._restless(table, batch)[rows]
        self._judge_calm(table, batch, calm)
        return [] if every(calm) else self._judge_rounds(table, batch, (live & ~calm).nonzero()[0], tally)

    def _leave_out(self, table: PatientTable, batch: _Batch, live: NDArray[np.bool_], tally: Tally) -> None:
        """Take out of `live` what devices that babble send too much."""
        babbles = table.alarm_state[batch.rows, self._babbling] > DELAYED
        if not some(babbles):
            return
        chosen = np.flatnonzero(live & babbles)
        rows = batch.rows[chosen]
        left_out = surplus(
            rows,
            batch.frames.of_all_signals(chosen),
            batch.time.now_ms[chosen],
            batch.frames.interval_ms[chosen],
            table.newest_ms[rows],
            table.value[rows],
        )
        live[chosen[left_out]] = False
        tally.surplus += int(left_out.sum())

    def _restless(self, table: PatientTable, batch: _Batch) -> NDArray[np.bool_]:
        """Which rows of the table must be judged frame by frame, (rows,)."""
        rows, now = batch.rows, batch.time.now_ms
        restless = np.zeros(len(table.position), dtype=np.bool_)
        limits, readings = self._limits.rules, batch.readings
        frame, signal, value = readings.frame, readings.signal, readings.value
        beyond = (value < limits.strictest_low.take(signal)) | (value > limits.strictest_high.take(signal))
        own = table.own_limits[rows]
        if some(own):
            beyond &= ~own[frame]
            broken = self._limits.violated(table, rows[own], batch.frames.of_all_signals(own)).any(axis=1)
            restless[rows[own][broken]] = True
        late = now.take(frame) < table.newest_ms.reshape(-1).take(batch.cells)
        restless[rows[frame[(beyond | late).nonzero()[0]]]] = True
        # Looking for the few that are not 0 takes a third of the time of asking each row.
        waiting = np.flatnonzero(table.alarm_state.take(rows, axis=0)[:, : self._limits.count])
        restless[rows[waiting // max(1, self._limits.count)]] = True
        if readings.invalid is not None:
            restless[rows[readings.invalid]] = True
        if not batch.patients.apart:
            restless[rows[now < batch.patients.before(now, now)]] = True
        return restless

    @staticmethod
    def _judge_calm(table: PatientTable, batch: _Batch, calm: NDArray[np.bool_]) -> None:
        """Take the readings of patients for whom no alarm can change; the last of each wins."""
        if not some(calm):
            return
        readings = batch.readings
        frame, value, cells = readings.frame, readings.value, batch.cells
        if not every(calm):
            kept = calm[frame]
            frame, value, cells = frame[kept], value[kept], cells[kept]
        table.newest_ms.reshape(-1)[cells] = batch.time.now_ms.take(frame)
        table.value.reshape(-1)[cells] = value
        table.value_ms.reshape(-1)[cells] = batch.time.arrival_ms.take(frame)
        table.lost_ms.reshape(-1)[cells] = NEVER

    def _judge_rounds(self, table: PatientTable, batch: _Batch, chosen: Rows, tally: Tally) -> list[Told]:
        if not len(chosen):
            return []
        rank = Groups(batch.rows[chosen]).rank
        told: list[Told] = []
        for k in range(int(rank.max()) + 1):
            told += self._judge_round(table, batch, chosen[rank == k], tally)
        return sorted(told, key=lambda found: (found[1].offset, found[1].column))

    def _judge_round(self, table: PatientTable, batch: _Batch, chosen: Rows, tally: Tally) -> list[Told]:
        """Judge at most one frame a patient."""
        rows, values = batch.rows[chosen], batch.frames.of_all_signals(chosen)
        now, arrival = batch.time.now_ms[chosen], batch.time.arrival_ms[chosen]
        newest = table.newest_ms.take(rows, axis=0)
        area = self._area(table, rows, values, now)
        judged = (values != ABSENT) & (now[:, None] >= newest)
        valid = judged & ~np.isnan(values)
        table.newest_ms[rows] = np.where(judged, now[:, None], newest)
        table.value[rows] = np.where(valid, values, table.value.take(rows, axis=0))
        table.value_ms[rows] = np.where(valid, arrival[:, None], table.value_ms.take(rows, axis=0))
        lost = table.lost_ms.take(rows, axis=0)
        lost = np.where(judged & ~valid & (lost == NEVER), arrival[:, None], lost)
        lost[valid] = NEVER
        table.lost_ms[rows] = lost

        rules = slice(0, self._limits.count)
        before = LimitState(
            table.alarm_state.take(rows, axis=0)[:, rules],
            table.alarm_onset_ms.take(rows, axis=0)[:, rules],
            table.alarm_clear_ms.take(rows, axis=0)[:, rules],
            table.alarm_extreme.take(rows, axis=0)[:, rules],
        )
        cover = self._conditions.cover_of_limits(table, rows)
        interval_ms = batch.frames.interval_ms[chosen]
        same_rate = self._conditions.same_rate(table, rows, arrival)
        limits = self._limits.of(table, rows)
        result = step(limits, before, values, judged, now, cover, area, interval_ms, same_rate)
        table.alarm_state[rows, rules] = result.after.state
        table.alarm_onset_ms[rows, rules] = result.after.onset_ms
        table.alarm_clear_ms[rows, rules] = result.after.clear_ms
        table.alarm_extreme[rows, rules] = result.after.extreme
        if area is not None:
            table.alarm_area[rows, rules] = np.where(result.after.state == NORMAL, 0.0, area)
        if some(before.state != result.after.state):
            by_pause = self._limits.rules.rank <= cover_of(table, rows)[:, None]
            by_sensor = self._limits.rules.rank <= cover
            by_rate = told_by_other(limits, result.after.state, same_rate)
            tally.count_limits(before.state, result.after.state, by_pause, by_sensor, by_rate)
        return self._tell(table, batch, chosen, values, result)

    def _area(
        self, table: PatientTable, rows: Rows, values: NDArray[np.float64], now: NDArray[np.int64]
    ) -> NDArray[np.float64] | None:
        """Return depth times duration of each run up to this frame, before the table takes its readings."""
        limits = self._limits.rules
        if not self._limits.by_integral:
            return None
        rules, signal = slice(0, self._limits.count), limits.signal
        before, own = table.alarm_area[rows, rules], self._limits.of(table, rows)
        newest = table.newest_ms[rows][:, signal]
        sampled = (values[:, signal] != ABSENT) & (now[:, None] >= newest)
        running = table.alarm_state[rows, rules] != NORMAL
        outside = depth(own.low, own.high, table.value[rows][:, signal])
        return np.where(sampled, grown(before, outside, now[:, None] - newest, running), before)

    def _tell(
        self, table: PatientTable, batch: _Batch, chosen: Rows, values: NDArray[np.float64], result: Judgement
    ) -> list[Told]:
        limits, frames = self._limits.rules, batch.frames
        told = []
        for i, column in places(result.phase):
            frame = int(chosen[i])
            row = int(batch.rows[frame])
            moment = Moment(
                offset=int(frames.offset[frame]),
                event_ms=int(batch.time.now_ms[frame]),
                append_ms=int(frames.append_ts_ms[frame]),
                told_ms=int(batch.time.arrival_ms[frame]),
                device=frames.device[frame],
            )
            happening = self._teller.tell(
                table,
                row,
                column,
                int(result.phase[i, column]),
                moment,
                priority=int(limits.rank[column]),
                onset_ms=int(result.onset_ms[i, column]),
                value=float(values[i, limits.signal[column]]),
                extreme=float(result.extreme[i, column]),
            )
            told.append((row, happening))
        return told


def _plausible(frames: Frames) -> tuple[Frames, _Readings]:
    """Return the frames with NaN for what no working sensor reports, and the readings that are left."""
    values, carried = frames.values, frames.carried
    plausible = (values >= PLAUSIBLE_LOW[carried]) & (values <= PLAUSIBLE_HIGH[carried])
    if every(plausible):  # as nearly always: the same signals in every frame, all with readings
        frame = np.arange(len(values)).repeat(len(carried))
        signal = carried[np.newaxis].repeat(len(values), axis=0).reshape(-1)
        return frames, _Readings(frame, signal, values.reshape(-1))
    invalid = ~plausible & (values != ABSENT)
    frame, column = np.nonzero(plausible)
    readings = _Readings(frame, carried[column], values[plausible])
    if some(invalid):
        frames = replace(frames, values=np.where(invalid, np.nan, values))
        readings.invalid = invalid.any(axis=1)
    return frames, readings
