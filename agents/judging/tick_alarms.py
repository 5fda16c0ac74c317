"""What ticks decide about alarms, taken into the patient table and emitted: shared by all judges of ticks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.context import Context
from agents.judging.episode_events import Episodes, suppressed_rank_of
from agents.judging.transitions import NOTHING, Details, Episode
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
class Held:
    """How long a condition has to hold that no rule of its own describes."""

    delay_s: float


Explained = Callable[[int], Details]
"""What the alarm of the i-th row that is judged says; asked only for what is emitted."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement (n, k) of the alarms in some columns, and what each row says."""

    columns: slice
    result: TickJudgement
    explain: Explained | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """The level (n,) of one alarm of n rows, see `clinical.ticking.judge_band`.

    `suppressed_rank` (n,) is the rank up to which it is suppressed, where that is not up to the pause.
    """

    column: int
    rule: Delayed
    level: NDArray[np.int64]
    explain: Explained | None = None
    suppressed_rank: Rows | None = None


def state_of(table: PatientTable, rows: Rows, columns: slice) -> TickState:
    """Return the alarms of n rows, arrays of shape (n, k)."""
    return TickState(
        table.alarm_state[rows, columns],
        table.alarm_priority[rows, columns],
        table.alarm_onset_ms[rows, columns],
    )


def take(judged: Judged, episodes: Episodes, context: Context, out: Verdict) -> None:
    """Make a judgement part of the table, count what was suppressed and emit the rest."""
    table, rows, columns, result = context.table, context.rows, judged.columns, judged.result
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
    # Of the alarms of ticks only a pause suppresses any: neither severity, a sensor nor the other rate does.
    by_pause = np.ones(before.state.shape, dtype=np.bool_)
    out.tally.count_limits(before.state, after.state, lambda: (by_pause, by_pause, by_pause))
    for i, k in places(result.phase):
        phase = int(result.phase[i, k])
        ended = phase == Phase.END
        said = judged.explain(i) if judged.explain is not None else NOTHING
        said = replace(said, note=said.over if ended else said.note, reason=said.reason if ended else None)
        priority = int((before if ended else after).priority[i, k])
        episode = Episode(priority, int(result.onset_ms[i, k]))
        out.emit(episodes.emit(context, int(rows[i]), columns.start + k, phase, episode, said))


def is_at_rest(table: PatientTable, rows: Rows, column: int) -> NDArray[np.bool_]:
    """Return of which patients an alarm has neither begun nor risen, (n,): an unknown level changes nothing there."""
    at = rows * table.alarm_state.shape[1] + column
    state, onset = table.alarm_state.reshape(-1).take(at), table.alarm_onset_ms.reshape(-1).take(at)
    rest: NDArray[np.bool_] = (state == NORMAL) & (onset == NEVER)
    return rest


def judge_levels(levels: Levels, episodes: Episodes, context: Context, out: Verdict) -> None:
    """Judge one alarm by its levels."""
    table, column, level = context.table, levels.column, levels.level
    concerned = np.flatnonzero((level > 0) | ~is_at_rest(table, context.rows, column))  # a few of many
    if not len(concerned):
        return
    context, level = context.of(context.rows[concerned]), level[concerned]
    rows, given = context.rows, levels.suppressed_rank
    suppressed_rank = suppressed_rank_of(table, rows) if given is None else given[concerned]
    columns = slice(column, column + 1)
    wide, since = state_of(table, rows, columns), since_of(table, rows, column)
    before = TickState(wide.state[:, 0], wide.priority[:, 0], wide.onset_ms[:, 0])
    result = judge_band(levels.rule, context.record.event_ms, before, since, level, suppressed_rank)
    table.dirty[rows[(result.since_ms != since).any(axis=1)]] = True
    keep_since(table, rows, column, result.since_ms)
    after = result.after
    judgement = TickJudgement(
        TickState(after.state[:, None], after.priority[:, None], after.onset_ms[:, None]),
        result.phase[:, None],
        result.onset_ms[:, None],
    )
    explain = levels.explain
    of_concerned: Explained | None = None if explain is None else lambda i: explain(int(concerned[i]))
    take(Judged(columns, judgement, of_concerned), episodes, context, out)
