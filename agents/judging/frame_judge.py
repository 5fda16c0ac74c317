"""The judge of frames: duplicates, time, plausibility, windows, last values, and the alarms of limits.

Frames are judged in two ways that end in the same state: patients who are inside all limits, in order and without an
open alarm take one vectorised step together; the others are judged in rounds, the k-th frame of each in round k.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from agents.judging.bounded import of_bounded, said_in
from agents.judging.compiled_judge import CompiledJudge, Emitted, in_order, saw_tooth
from agents.judging.conditions import Conditions
from agents.judging.context import Context, RecordContext
from agents.judging.effective_limits import EffectiveLimits
from agents.judging.episode_events import Episodes, suppressed_rank_of
from agents.judging.flicker import MINUTE_MS, count
from agents.judging.plausibility import Readings, plausible
from agents.judging.reasons import Reason
from agents.judging.runs import (
    alarms_of,
    count_first,
    follow_clock,
    hear,
    keep_alarms,
    keep_runs,
    other_runs,
    runs_of,
    take_samples,
)
from agents.judging.shedding import surplus
from agents.judging.transitions import Details, Episode
from agents.judging.verdict import Suppressing, Tally
from clinical.clock import JudgedTime, TimeRules, judge_recorded, judge_time
from clinical.lifecycle import DELAYED, NORMAL, Phase
from clinical.limits import NEVER, Judgement, step
from clinical.masks import how_many, places, some
from clinical.rates import SameRate, suppressed_by_rate
from clinical.sensors import clock_of
from clinical.vitals import COUNT
from streams.decoding.decoded import Frames
from tables.device_rows import DeviceRows
from tables.groups import Groups
from tables.identification import Found, find_devices, remember
from tables.patients import PatientTable

Rows = NDArray[np.int64]


@dataclass(slots=True)
class _Batch:
    """Frames that are new and have a row, without what no working sensor reports: arrays of shape (n,).

    `devices` are the frames by the row of their device, `next` which of them come next of it (`tables.identification`;
    None = all), `cells` where each reading belongs in columns of shape (device rows, signals) when these are one axis,
    (m,).
    """

    rows: Rows
    devices: Groups
    next: NDArray[np.bool_] | None
    frames: Frames
    readings: Readings
    cells: NDArray[np.int64]
    time: JudgedTime


class FrameJudge:
    """Judges frames under one rule set.

    `babbling` is the column of the alarm of devices that babble. With `compiled` only what that leaves is judged here.
    """

    def __init__(
        self,
        limits: EffectiveLimits,
        conditions: Conditions,
        episodes: Episodes,
        time: TimeRules,
        babbling: int,
        compiled: CompiledJudge | None = None,
    ) -> None:
        self._limits = limits
        self._conditions = conditions
        self._episodes = episodes
        self._time = time
        self._babbling = babbling
        self._compiled = compiled

    def judge(self, table: PatientTable, frames: Frames, rows: Rows, tally: Tally) -> list[Emitted]:
        """Judge frames that are not part of the state yet, each of the patient of its row, (n,), and count them.

        The rows may be those of several partitions that share columns.
        """
        emitted: list[Emitted] = []
        while len(frames):
            found = find_devices(table, rows, frames)
            done = len(found.devices)
            is_all = done == len(frames)  # as nearly always
            part, of_part = (frames, rows) if is_all else (frames.take(slice(done)), rows[:done])
            emitted += self._judge_found(table, part, of_part, found, tally)
            if is_all:
                break
            frames, rows = frames.take(slice(done, None)), rows[done:]
        return emitted

    def _judge_found(
        self, table: PatientTable, frames: Frames, rows: Rows, found: Found, tally: Tally
    ) -> list[Emitted]:
        """Judge frames whose devices have rows: by the kernel, if there is one, then what it leaves by NumPy."""
        emitted: list[Emitted] = []
        if self._compiled is not None and not found.has_pushed_out:
            bounded = of_bounded(frames, rows)
            kept = None if bounded is None else ~bounded
            emitted, left = self._compiled.judge(table, frames, rows, found.devices, tally, kept)
            if bounded is None and not len(left):
                return emitted
            chosen = np.zeros(len(rows), np.bool_) if bounded is None else bounded
            chosen[left] = True
            frames, rows, found = frames.take(chosen), rows[chosen], Found(found.devices[chosen])
        batch = self._admit(table, frames, rows, found, tally)
        if len(batch.rows):
            emitted += self._apply(table, batch, tally)
        return in_order(emitted)

    def _admit(self, table: PatientTable, frames: Frames, rows: Rows, found: Found, tally: Tally) -> _Batch:
        """Leave out repeats, judge each frame's time and each reading's plausibility."""
        devices = Groups(found.devices)
        news = remember(table.devices, devices, frames)
        if found.has_pushed_out:
            row = int(rows[0])
            table.pushed_out_ms[row] = max(int(table.pushed_out_ms[row]), self._arrival_ms(frames, 0))
            self._settle(table, row, tally)
        comes_next = None
        if news is not None:
            for i in news.conflicts:
                self._note_conflict(table, int(found.devices[i]), self._arrival_ms(frames, i))
            fresh = news.fresh
            tally.count(Reason.DUPLICATE, len(fresh) - how_many(fresh))
            frames, rows, comes_next = frames.take(fresh), rows[fresh], news.next[fresh]
            devices = Groups(devices.numbers[fresh])
        time = self._judge_time(table.devices, frames, devices, comes_next)
        frames, readings = plausible(frames)
        tally.readings += len(readings.frame)
        tally.suspect += how_many(time.suspect)
        cells = devices.numbers.take(readings.frame) * COUNT + readings.signal
        return _Batch(rows, devices, comes_next, frames, readings, cells, time)

    def _arrival_ms(self, frames: Frames, i: int) -> int:
        return int((frames.event_ts_ms if self._time.recorded else frames.append_ts_ms)[i])

    @staticmethod
    def _note_conflict(table: PatientTable, device: int, arrival_ms: int) -> None:
        devices = table.devices
        devices.conflict_before_ms[device] = devices.conflict_ms[device]
        devices.conflict_ms[device] = arrival_ms

    def _settle(self, table: PatientTable, row: int, tally: Tally) -> None:
        """Bring to rest what waits for its delay and lies with no device any more, after one was pushed out."""
        runs = table.devices.run_onset_ms[table.slots[row]] != NEVER
        waiting = table.alarm_state[row, : self._limits.count] == DELAYED
        for column in np.flatnonzero(waiting & ~runs.any(axis=0)).tolist():
            self._episodes.rest(table, row, column)
            tally.count(Reason.ENDED_IN_DELAY)

    def _judge_time(
        self, devices: DeviceRows, frames: Frames, groups: Groups, comes_next: NDArray[np.bool_] | None
    ) -> JudgedTime:
        """Judge each frame's time by its own device's previous frame, and remember the last."""
        at = groups.numbers
        event, append = devices.event_ms, devices.append_ms
        if self._time.recorded:
            time = judge_recorded(frames.event_ts_ms)
        else:
            time = judge_time(
                self._time,
                frames.event_ts_ms,
                frames.append_ts_ms,
                groups.before(frames.event_ts_ms, event[at]),
                groups.before(frames.append_ts_ms, append[at]),
                comes_next,
            )
        event[at] = frames.event_ts_ms
        append[at] = frames.append_ts_ms
        devices.clock[at] = clock_of(time.suspect, time.historic)
        return time

    def _apply(self, table: PatientTable, batch: _Batch, tally: Tally) -> list[Emitted]:
        rows, time = batch.rows, batch.time
        readings = batch.readings
        held = table.windows.enter(rows, time.now_ms, readings.frame, readings.signal, readings.value)
        count_first(table, rows)
        table.dirty[rows] = True
        # Looking for the few that are not at rest takes a third of the time of asking each row.
        waiting = (table.alarm_state.take(rows, axis=0) != NORMAL).reshape(-1).nonzero()[0]
        historic = how_many(time.historic)
        live = ~time.historic if historic else None
        if len(waiting):
            live = self._leave_out(table, batch, live, tally)
        tally.count(Reason.BEYOND_WINDOWS, len(held) - how_many(held))
        tally.count(Reason.HISTORIC, historic)
        tally.judged += len(rows) if live is None else how_many(live)
        slow = self._slow_path(table, batch, waiting)
        if slow is None:
            self._judge_fast(table, batch, live)
            return []
        fast = ~slow
        if some(fast):
            self._judge_fast(table, batch, live, fast)
        return self._judge_rounds(table, batch, slow.nonzero()[0], live, tally)

    def _leave_out(
        self, table: PatientTable, batch: _Batch, live: NDArray[np.bool_] | None, tally: Tally
    ) -> NDArray[np.bool_] | None:
        """Return which frames are live, (n,), None = all: without what devices that babble send too much."""
        babbles = table.alarm_state[batch.rows, self._babbling] > DELAYED
        if not some(babbles):
            return live
        live = ~batch.time.historic
        chosen = np.flatnonzero(live & babbles)
        devices = batch.devices.numbers[chosen]
        left_out = surplus(
            devices,
            batch.frames.of_all_signals(chosen),
            batch.time.now_ms[chosen],
            batch.frames.interval_ms[chosen],
            table.devices.newest_ms[devices],
            table.devices.value[devices],
        )
        live[chosen[left_out]] = False
        tally.count(Reason.SURPLUS, int(left_out.sum()))
        return live

    def _slow_path(self, table: PatientTable, batch: _Batch, waiting: Rows) -> NDArray[np.bool_] | None:
        """Return which frames are of patients who must be judged frame by frame, (n,), None = none.

        `waiting` are the places of alarms that are not at rest, in the patients' alarms of all frames one after the
        other.
        """
        rows, now = batch.rows, batch.time.now_ms
        found: list[Rows] = []
        limits, readings = self._limits.rules, batch.readings
        frame, signal, value = readings.frame, readings.signal, readings.value
        beyond = (value < limits.strictest_low.take(signal)) | (value > limits.strictest_high.take(signal))
        own = table.own_limits[rows]
        if some(own):
            beyond &= ~own[frame]
            broken = self._limits.violated(table, rows[own], batch.frames.of_all_signals(own)).any(axis=1)
            found.append(rows[own][broken])
        devices, at = table.devices, batch.devices.numbers
        late = now.take(frame) < devices.newest_ms.reshape(-1).take(batch.cells)
        outside = (beyond | late).nonzero()[0]
        if len(outside):
            found.append(rows[frame[outside]])
        if len(waiting):
            alarms = len(table.alarms)
            found.append(rows[waiting[waiting % alarms < self._limits.count] // alarms])
        # A clock that stepped back, also against the frame before in this batch; an excess that is worked off; ...
        odd = now < batch.devices.before(now, devices.now_ms[at])
        odd |= devices.has_excess[at]
        odd |= (
            devices.missing_ms[at] >= batch.time.arrival_ms - MINUTE_MS
        )  # ... and whose readings are counted
        if some(odd):
            found.append(rows[odd])
        if readings.invalid is not None:
            found.append(rows[readings.invalid])
        if not any(map(len, found)):
            return None
        slow = np.zeros(len(table.position), dtype=np.bool_)
        for of_patients in found:
            slow[of_patients] = True
        return slow[rows]

    @staticmethod
    def _judge_fast(
        table: PatientTable,
        batch: _Batch,
        live: NDArray[np.bool_] | None,
        fast: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take the frames of patients for whom no alarm can change, of live ones the readings; the last counts.

        `live` and `fast` are of shape (n,), None = all.
        """
        readings, devices = batch.readings, table.devices
        at, now, came = batch.devices.numbers, batch.time.now_ms, batch.time.arrival_ms
        hear(devices, at, batch.frames, came, fast)
        chosen = live if fast is None else fast if live is None else fast & live
        frame, value, cells = readings.frame, readings.value, batch.cells
        if chosen is not None:
            kept = chosen[frame]
            frame, value, cells = frame[kept], value[kept], cells[kept]
        devices.newest_ms.reshape(-1)[cells] = now.take(frame)
        devices.value.reshape(-1)[cells] = value
        devices.value_ms.reshape(-1)[cells] = came.take(frame)
        devices.lost_ms.reshape(-1)[cells] = NEVER
        if batch.next is not None:
            chosen = batch.next if chosen is None else chosen & batch.next
        if chosen is not None:
            at, now, came = at[chosen], now[chosen], came[chosen]
        devices.now_ms[at], devices.came_ms[at] = now, came

    def _judge_rounds(
        self,
        table: PatientTable,
        batch: _Batch,
        chosen: Rows,
        live: NDArray[np.bool_] | None,
        tally: Tally,
    ) -> list[Emitted]:
        rank = Groups(batch.rows[chosen]).rank
        emitted: list[Emitted] = []
        for k in range(int(rank.max()) + 1):
            one = chosen[rank == k]
            hear(table.devices, batch.devices.numbers, batch.frames, batch.time.arrival_ms, one)
            emitted += self._judge_round(table, batch, one if live is None else one[live[one]], tally)
        return in_order(emitted)

    def _judge_round(self, table: PatientTable, batch: _Batch, chosen: Rows, tally: Tally) -> list[Emitted]:
        """Judge at most one frame a patient."""
        if not len(chosen):
            return []
        rows, values = batch.rows[chosen], batch.frames.of_all_signals(chosen)
        limits, rules = self._limits.of(table, rows), slice(0, self._limits.count)
        said = said_in(batch.frames, chosen, values, limits)
        devices, at = table.devices, batch.devices.numbers[chosen]
        now, arrival = batch.time.now_ms[chosen], batch.time.arrival_ms[chosen]
        comes_next = np.ones(len(at), np.bool_) if batch.next is None else batch.next[chosen]
        follow_clock(devices, at, comes_next, now, arrival)
        count(devices, at, arrival, said.values)
        samples = take_samples(devices, at, said, now, arrival, batch.frames.interval_ms[chosen])
        alarms = alarms_of(table, rows, rules)
        suppressed_rank = self._conditions.suppressed_rank_of_limits(table, rows, arrival)
        others = other_runs(table, rows, at, arrival, limits.signal, self._conditions.technical)
        same_rate = cache(partial(self._conditions.same_rate, table, rows, arrival))
        result = step(limits, alarms, runs_of(devices, at), samples, suppressed_rank, others, same_rate)
        keep_alarms(table, rows, rules, result.alarms)
        keep_runs(devices, at, result.runs)
        before, after = alarms.state, result.alarms.state
        if some(before != after):
            tally.count_limits(
                before, after, lambda: self._why_suppressed(table, rows, suppressed_rank, after, same_rate)
            )
            for i, column in places((after == NORMAL) & (before != NORMAL)):
                table.end_runs(int(rows[i]), column)
        return self._emit(table, batch, chosen, values, result)

    def _why_suppressed(
        self,
        table: PatientTable,
        rows: Rows,
        suppressed_rank: Rows,
        after: NDArray[np.uint8],
        same_rate: SameRate,
    ) -> Suppressing:
        """Return which alarms a pause, a sensor in doubt or the same heart's other rate would suppress."""
        limits = self._limits.rules
        by_pause = limits.rank <= suppressed_rank_of(table, rows)[:, None]
        return by_pause, limits.rank <= suppressed_rank, suppressed_by_rate(limits, after, same_rate)

    def _emit(
        self, table: PatientTable, batch: _Batch, chosen: Rows, values: NDArray[np.float64], result: Judgement
    ) -> list[Emitted]:
        limits, frames = self._limits.rules, batch.frames
        emitted = []
        for i, column in places(result.phase):
            frame = int(chosen[i])
            row = int(batch.rows[frame])
            record = RecordContext(
                offset=int(frames.offset[frame]),
                event_ms=int(batch.time.now_ms[frame]),
                append_ms=int(frames.append_ts_ms[frame]),
                now_ms=int(batch.time.arrival_ms[frame]),
                device=frames.device[frame],
            )
            priority, onset_ms = int(limits.rank[column]), int(result.onset_ms[i, column])
            extreme, comparator = float(result.extreme[i, column]), int(result.comparator[i, column])
            episode = Episode(priority, onset_ms, extreme, comparator)
            said = Details(
                float(values[i, limits.signal[column]]), note=self._saw_tooth(table, result, i, column)
            )
            context, phase = Context(table, batch.rows, record), int(result.phase[i, column])
            emitted.append((row, self._episodes.emit(context, row, column, phase, episode, said)))
        return emitted

    def _saw_tooth(self, table: PatientTable, result: Judgement, i: int, column: int) -> str:
        """Say why an alarm starts before its delay is over, if that is because it was violated most of the time."""
        limits, starts = self._limits.rules, result.phase[i, column] == Phase.START
        by_excess = starts and result.runs.excess_ms[i, column] >= limits.excess_ms[column]
        return saw_tooth(limits, column) if by_excess else ""
