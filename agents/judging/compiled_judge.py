"""Between the judge of frames and its kernel: which arrays that gets, and which transitions it found.

The one place that knows which column of a table is which argument of the kernel.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from agents.judging.alarms import BABBLING, CHECK_SENSOR, LOSS_COLUMNS
from agents.judging.conditions import HR, PULSE
from agents.judging.context import Context, RecordContext
from agents.judging.parts import Parts
from agents.judging.reasons import Reason
from agents.judging.transitions import Details, Episode, Transition
from agents.judging.verdict import Tally
from clinical.clock import TimeRules
from clinical.compiled_limits import CompiledLimits
from clinical.kernels.judge_columns import (
    Alarms,
    Buckets,
    Columns,
    Found,
    Heard,
    Limits,
    Look,
    Missed,
    Numbers,
    Patients,
    Readings,
    Rules,
    Runs,
    Sample,
    plain,
)
from clinical.kernels.judge_literals import COUNTS
from clinical.kernels.screen_columns import TickColumns
from clinical.lifecycle import SUPPRESSING, advance, transition_arrays
from clinical.limits import MEDIUM
from clinical.rules import TechnicalRules
from clinical.sensors import DISAGREE_AGE_MS, DISAGREE_SHARE
from clinical.vitals import COUNT, PLAUSIBLE_HIGH, PLAUSIBLE_LOW
from streams.decoding.decoded import Frames
from tables.identification import FACTORS
from tables.patients import PatientTable

Rows = NDArray[np.int64]

Emitted = tuple[int, Transition]
"""A row and a transition of its patient."""

Tuple = tuple[Any, ...]
Kernel = Callable[[Tuple, Tuple, Tuple, Tuple, Tuple, Tuple, Tuple], None]
"""`clinical.kernels.judge_frames.judge_frames`, which only who has Numba can import."""

COUNTED: Final = (
    *("judged", Reason.DUPLICATE, Reason.HISTORIC, "readings", "suspect", Reason.BEYOND_WINDOWS),
    *(Reason.ENDED_IN_DELAY, Reason.ENDED_SUPPRESSED, Reason.PAUSED, Reason.LESS_SEVERE, Reason.RATE_TOLD),
)
"""What the kernel counts, by its places there: fields of a tally, or why nothing came of something."""

FRAMES_MIN: Final = 64
"""Room for so many frames is made at least."""


class CompiledJudge:
    """Judges frames by a kernel."""

    def __init__(self, kernel: Kernel, parts: Parts, time: TimeRules) -> None:
        limits = parts.limits
        self._kernel = kernel
        self._episodes = parts.episodes
        self._compiled = limits.rules
        self._look = look_of(limits.count)
        ids = [alarm.id for alarm in parts.alarms]
        rules = rules_of(limits.rules, time, parts.rules.technical, ids)
        self._rules = plain(limits_of(limits.rules)), plain(rules)
        self._room = plain(sample_of()), plain(self._look)
        self._found = self._found_of(FRAMES_MIN)
        self._columns: Columns | None = None
        self._arrays: Tuple = ()

    def judge(
        self,
        table: PatientTable,
        frames: Frames,
        rows: Rows,
        devices: Rows,
        tally: Tally,
        kept: NDArray[np.bool_] | None = None,
    ) -> tuple[list[Emitted], Rows]:
        """Judge frames whose devices have rows, (n,), and count them; `kept` (n,) tells which are meant, None = all.

        Returns:
            What happened to the patients of which rows, and which frames are left to be judged otherwise, (m,): of
            patients of whom a device babbles, or a sensor is in doubt.

        Raises:
            IllegalTransition: an event that the table of transitions does not allow.
        """
        if kept is not None:
            places = kept.nonzero()[0]
            if not len(places):
                return [], places
            emitted, left = self.judge(table, frames.take(kept), rows[kept], devices[kept], tally)
            return emitted, places[left]
        found = self._found
        if len(found.left) < len(rows):
            found = self._found = self._found_of(len(rows))
        found.counts[:], found.ends[:] = 0, _NOTHING
        arrays, log = self._arrays_of(table), log_of(frames, rows, devices)
        self._kernel(arrays, *self._rules, log, *self._room, tuple(found))
        for name, counted in zip(COUNTED, found.counts.tolist(), strict=True):
            if isinstance(name, Reason):
                tally.count(name, counted)
            elif counted:
                setattr(tally, name, getattr(tally, name) + counted)
        transitions, left, frame, _ = found.ends.tolist()
        if frame >= 0:
            rule = int(found.ends[3])
            advance(table.alarm_state[rows[frame], [rule]], self._look.event[[rule]])
        emitted = self._emit(table, frames, rows, found, transitions) if transitions else []
        return emitted, found.left[:left].copy()

    def _found_of(self, frames: int) -> Found:
        transitions = frames * len(self._compiled.rules)
        return Found(
            np.empty((transitions, 9), np.int64),
            np.empty((transitions, 2)),
            np.empty(frames, np.int64),
            np.zeros(COUNTS, np.int64),
            np.zeros(4, np.int64),
        )

    def _arrays_of(self, table: PatientTable) -> Tuple:
        """Return the columns of a table, gathered anew when they have grown."""
        if not are_of(self._columns, table):
            self._columns = columns_of(table)
            self._arrays = plain(self._columns)
        return self._arrays

    def _emit(
        self, table: PatientTable, frames: Frames, rows: Rows, found: Found, transitions: int
    ) -> list[Emitted]:
        """Emit each transition in the state that it led to: later frames may have led further."""
        emitted = []
        limits, sizes = self._compiled, found.sizes[:transitions].tolist()
        for i, times in enumerate(found.times[:transitions].tolist()):
            frame, column, phase, state, onset_ms, now_ms, arrival_ms, by_excess, comparator = times
            row, (value, extreme) = int(rows[frame]), sizes[i]
            record = RecordContext(
                offset=int(frames.offset[frame]),
                event_ms=now_ms,
                append_ms=int(frames.append_ts_ms[frame]),
                now_ms=arrival_ms,
                device=frames.device[frame],
            )
            episode = Episode(int(limits.rank[column]), onset_ms, extreme, comparator)
            said = Details(value, note=saw_tooth(limits, column) if by_excess else "")
            last = table.alarm_state[row, column]
            table.alarm_state[row, column] = state
            context = Context(table, rows, record)
            emitted.append((row, self._episodes.emit(context, row, column, phase, episode, said)))
            table.alarm_state[row, column] = last
        return in_order(emitted)


_NOTHING: Final = np.array([0, 0, -1, -1])


def in_order(emitted: list[Emitted]) -> list[Emitted]:
    """Return transitions in the order of the log, of one frame in that of the alarms."""
    return sorted(emitted, key=lambda found: (found[1].offset, found[1].column))


def saw_tooth(limits: CompiledLimits, column: int) -> str:
    """Say why an alarm starts before its delay is over, if it was violated most of the time."""
    return (
        f"outside the limit for {limits.excess_ms[column] / 1000:g} s longer than inside it, again and again"
    )


def log_of(frames: Frames, rows: Rows, devices: Rows) -> Tuple:
    """Return frames as the kernel reads them: a `Log` without names."""
    values = np.ascontiguousarray(frames.values)
    return (
        rows,
        devices,
        frames.boot,
        frames.seq,
        frames.event_ts_ms,
        frames.append_ts_ms,
        frames.interval_ms,
        frames.offset,
        values,
        values.view(np.uint64),
        frames.carried,
    )


def are_of(known: Columns | TickColumns | None, table: PatientTable) -> bool:
    """Return whether columns that were gathered are still those of a table: when it grows it gets new ones."""
    return (
        known is not None
        and known.alarms.state is table.alarm_state
        and known.heard.heard_ms is table.devices.heard_ms
        and known.buckets.entered is table.windows.count
    )


def columns_of(table: PatientTable) -> Columns:
    """Return the columns of a table that the kernel reads and writes."""
    own, windows = table.devices, table.windows
    return Columns(
        Numbers(
            own.boot,
            own.high,
            own.lap,
            own.digest,
            own.event_ms,
            own.append_ms,
            own.clock,
            own.conflict_ms,
            own.conflict_before_ms,
        ),
        Heard(own.heard_ms, own.used, own.interval_ms, own.now_ms, own.came_ms),
        Readings(own.newest_ms, own.value, own.value_ms, own.lost_ms),
        Missed(own.missing_ms, own.counted_ms, own.slot, own.came, own.missed, own.gaps),
        Runs(own.run_onset_ms, own.run_clear_ms, own.run_area, own.run_excess_ms, own.has_excess),
        Patients(
            table.came,
            table.dirty,
            table.slots,
            table.own_limits,
            table.age_band,
            table.scale2,
            table.pause,
        ),
        Alarms(
            table.alarm_state,
            table.alarm_onset_ms,
            table.alarm_clear_ms,
            table.alarm_extreme,
            table.alarm_area,
            table.alarm_low,
            table.alarm_high,
        ),
        Buckets(windows.bucket, windows.count, windows.sum, windows.low, windows.high),
    )


def limits_of(limits: CompiledLimits) -> Limits:
    """Return the limit rules as the kernel reads them."""
    turn = np.zeros(len(limits.rules), np.int64)
    for number, begins in enumerate(limits.turns):
        turn[begins] = number
    shared = {name: getattr(limits, name) for name in Limits._fields if hasattr(limits, name)}
    return Limits(
        **{
            **shared,
            "never_suppressed": limits.never_withheld & (limits.rank <= MEDIUM),
            "turn": turn,
            "turns": len(limits.turns),
            "by_area": bool(np.isfinite(limits.integral).any()),
            "by_excess": bool(np.isfinite(limits.excess_ms).any()),
        }
    )


def rules_of(limits: CompiledLimits, time: TimeRules, technical: TechnicalRules, alarms: list[str]) -> Rules:
    """Return all else that is decided by as the kernel reads it."""
    following, phase = transition_arrays()
    checks_sensor = technical.enabled and technical.check_sensor_s > 0
    return Rules(
        recorded=time.recorded,
        ahead_ms_max=time.ahead_ms_max,
        horizon_ms=time.horizon_ms,
        plausible_low=PLAUSIBLE_LOW,
        plausible_high=PLAUSIBLE_HIGH,
        strictest_low=limits.strictest_low,
        strictest_high=limits.strictest_high,
        factors=FACTORS,
        periodic=LOSS_COLUMNS,
        suppresses=SUPPRESSING,
        following=following,
        phase=phase,
        babbling=alarms.index(BABBLING),
        check_sensor=alarms.index(CHECK_SENSOR) if checks_sensor else -1,
        silence_ms=round(technical.silent_device_s * 1000),
        loss_ms=round(technical.signal_loss_s * 1000),
        hr=HR,
        pulse=PULSE,
        rate_age_ms=DISAGREE_AGE_MS,
        rate_share=DISAGREE_SHARE,
    )


def sample_of() -> Sample:
    """Return room for the samples of one frame."""
    return Sample(
        np.empty(COUNT),
        np.zeros(COUNT, np.bool_),
        np.empty(COUNT),
        np.zeros(COUNT, np.int64),
        np.zeros(COUNT, np.int64),
    )


def look_of(rules: int) -> Look:
    """Return room for what one frame means for each rule."""
    kinds: dict[str, DTypeLike] = dict.fromkeys(("event", "state", "phase"), np.uint8)
    kinds |= dict.fromkeys(("onset_ms", "clear_ms"), np.int64)
    kinds |= dict.fromkeys(("area", "excess_ms"), np.float64)
    return Look(*(np.zeros(rules, kinds.get(name, np.bool_)) for name in Look._fields))
