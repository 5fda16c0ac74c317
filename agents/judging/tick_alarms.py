"""What ticks decide about alarms, taken into the patient table and told: shared by all judges of ticks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.episode_events import Episodes, Moment, suppressed_rank_of
from agents.judging.verdict import Verdict
from clinical.lifecycle import NORMAL, Phase
from clinical.limits import NEVER
from clinical.masks import places, some
from clinical.ticking import Delayed, TickJudgement, TickState, judge_band
from tables.patients import PatientTable
from tables.told_levels import keep_since, since_of

Rows = NDArray[np.int64]

SLOW_MS: Final = 5_000
"""Signal losses and scores, whose alarms wait for 20 s and more, are judged when a tick enters a new such stretch."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers behind an alarm: the value in the source's unit, what a score lacks, the condition in words.

    `old` is what a score counts with its last points, because it is not measured now. `over` says in words why the
    alarm ends, where its condition is not known to be over.
    """

    value: float | None = None
    missing: tuple[str, ...] = ()
    note: str = ""
    over: str = ""
    old: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """How long a condition has to hold that no rule of its own describes."""

    delay_s: float


NOTHING = Numbers()

NOT_MEASURED: Final = "not measured any more; whether the condition is over is unknown"
"""Why an alarm ends of whose condition nothing has been known for long."""

Behind = Callable[[int], Numbers]
"""The numbers behind the alarm of the i-th row that is judged; asked only for what is told."""


def state_of(table: PatientTable, rows: Rows, columns: slice) -> TickState:
    """Return the alarms of n rows, arrays of shape (n, k)."""
    return TickState(
        table.alarm_state[rows, columns],
        table.alarm_priority[rows, columns],
        table.alarm_onset_ms[rows, columns],
    )


def take(
    episodes: Episodes,
    table: PatientTable,
    rows: Rows,
    columns: slice,
    result: TickJudgement,
    moment: Moment,
    verdict: Verdict,
    behind: Behind | None = None,
) -> None:
    """Make a judgement (n, k) part of the table, count what was suppressed and tell of the rest."""
    after, before = result.after, state_of(table, rows, columns)
    changed = (
        (before.onset_ms != after.onset_ms)
        | (before.priority != after.priority)
        | (before.state != after.state)
    ).any(axis=1)
    if not some(changed):
        return
    table.dirty[rows[changed]] = True
    table.alarm_state[rows, columns] = after.state
    table.alarm_priority[rows, columns] = after.priority
    table.alarm_onset_ms[rows, columns] = after.onset_ms
    paused = np.ones(before.state.shape, dtype=np.bool_)
    verdict.tally.count_limits(before.state, after.state, lambda: (paused, paused, paused))
    for i, k in places(result.phase):
        phase = int(result.phase[i, k])
        ended = phase == Phase.END
        numbers = behind(i) if behind is not None else NOTHING
        emitted = episodes.emit(
            table,
            int(rows[i]),
            columns.start + k,
            phase,
            moment,
            priority=int((before if ended else after).priority[i, k]),
            onset_ms=int(result.onset_ms[i, k]),
            value=numbers.value,
            missing=numbers.missing,
            old=numbers.old,
            note=numbers.over if ended else numbers.note,
        )
        verdict.transitions.append(emitted)


def is_at_rest(table: PatientTable, rows: Rows, column: int) -> NDArray[np.bool_]:
    """Return of which patients an alarm has neither begun nor risen, (n,): an unknown level changes nothing there."""
    at = rows * table.alarm_state.shape[1] + column
    state, onset = table.alarm_state.reshape(-1).take(at), table.alarm_onset_ms.reshape(-1).take(at)
    rest: NDArray[np.bool_] = (state == NORMAL) & (onset == NEVER)
    return rest


def judge_levels(
    episodes: Episodes,
    table: PatientTable,
    rows: Rows,
    column: int,
    rule: Delayed,
    level: NDArray[np.int64],
    moment: Moment,
    verdict: Verdict,
    behind: Behind | None = None,
    suppressed_rank: Rows | None = None,
) -> None:
    """Judge one alarm of n rows by its level (n,), see `clinical.ticking.judge_band`.

    `suppressed_rank` (n,) is the rank up to which it is suppressed, where not up to the pause.
    """
    columns = slice(column, column + 1)
    concerned = np.flatnonzero((level > 0) | ~is_at_rest(table, rows, column))  # a few of many
    if not len(concerned):
        return
    rows, level = rows[concerned], level[concerned]
    suppressed_rank = (
        suppressed_rank_of(table, rows) if suppressed_rank is None else suppressed_rank[concerned]
    )
    wide, since = state_of(table, rows, columns), since_of(table, rows, column)
    before = TickState(wide.state[:, 0], wide.priority[:, 0], wide.onset_ms[:, 0])
    result = judge_band(rule, moment.event_ms, before, since, level, suppressed_rank)
    table.dirty[rows[(result.since_ms != since).any(axis=1)]] = True
    keep_since(table, rows, column, result.since_ms)
    after = result.after
    judged = TickJudgement(
        TickState(after.state[:, None], after.priority[:, None], after.onset_ms[:, None]),
        result.phase[:, None],
        result.onset_ms[:, None],
    )
    numbers: Behind | None = None if behind is None else lambda i: behind(int(concerned[i]))
    take(episodes, table, rows, columns, judged, moment, verdict, numbers)
