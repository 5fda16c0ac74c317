"""Alarms that time alone decides, judged at ticks: how losses and conditions with levels begin, change and end.

Vectorised over patients; `now_ms` is the tick's time, in the time base that the arrival times are in.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from clinical.lifecycle import (
    ACKNOWLEDGED,
    BETTER,
    CLEAR,
    DUE,
    MISSING,
    NORMAL,
    SUPPRESS,
    SUPPRESSED,
    WORSE,
    advance,
    is_announced,
    is_unacknowledged,
)
from clinical.limits import HIGH, LOW, MEDIUM, NEVER
from clinical.rules import PRIORITIES, TechnicalRules

CONTINUE_MS: Final = 60_000
"""An active alarm is reported again, unchanged, so often: for those who joined late (PCD-04 `continue`)."""

KNOWN_MS: Final = 180_000
"""An acknowledged alarm of high priority is reported again so often [M]: Philips reminds after 2 to 3 min."""

LEVELS: Final = len(PRIORITIES)
"""Levels of an alarm, one for each priority: a condition has level 0, or the rank of its priority + 1."""

UNKNOWN: Final = -1
"""Level of a condition of which too little is known: what has begun to change is begun anew."""

LAPSED: Final = -2
"""Level of a condition that has been unknown for so long that nothing can be said any more: its alarm ends."""

_LEVEL: Final = np.arange(1, LEVELS + 1)


ADVICE_TURNS: Final = 24
"""Of so many looks at an advisory condition that may be everybody's, one is a patient's: a worker that starts would
tell of all its patients in one tick, and hold up what is urgent. Our choice [M]."""


class Delayed(Protocol):
    """A rule whose condition has to hold for a while."""

    @property
    def delay_s(self) -> float:
        """How long, s."""


@dataclass(slots=True)
class TickState:
    """Alarms of n patients that ticks decide, arrays of shape (n, k): see `tables.patients` for the meanings."""

    state: NDArray[np.uint8]
    priority: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]


@dataclass(slots=True)
class TickJudgement:
    """What a tick did: the alarms after it, the phases to report and the onset each of them belongs to."""

    after: TickState
    phase: NDArray[np.uint8]
    onset_ms: NDArray[np.int64]


@dataclass(slots=True)
class LevelJudgement(TickJudgement):
    """What a tick did to alarms with levels, and since when each level differs from what is reported (n, LEVELS)."""

    since_ms: NDArray[np.int64]


def judge_loss(
    rules: TechnicalRules,
    now_ms: int,
    before: TickState,
    since_ms: NDArray[np.int64],
    over_ms: NDArray[np.int64],
    suppressed_rank: NDArray[np.int64],
) -> TickJudgement:
    """Judge conditions that hold since `since_ms` (n, k): low priority at first, medium after `escalate_s`.

    `over_ms` (n, k) is the onset of the last episode that is over: no two have the same. `suppressed_rank` (n,) is
    the rank of the highest priority that a pause suppresses, `NONE_SUPPRESSED` where there is none.
    """
    holds = since_ms != NEVER
    known = before.state != NORMAL
    onset = np.where(known, before.onset_ms, np.where(holds, np.maximum(since_ms, over_ms + 1), NEVER))
    grave = holds & (now_ms - onset >= round(rules.escalate_s * 1000))
    priority = np.where(grave, MEDIUM, np.where(known, before.priority, LOW)).astype(np.uint8)
    event = np.full(holds.shape, CLEAR, dtype=np.uint8)
    event[holds] = DUE
    event[holds & (priority <= suppressed_rank[:, None])] = SUPPRESS
    event[is_announced(before.state) & grave & (before.priority == LOW)] = WORSE
    state, phase = advance(before.state, event)
    normal = state == NORMAL
    after = TickState(
        state=state,
        priority=np.where(normal, LOW, priority).astype(np.uint8),
        onset_ms=np.where(normal, NEVER, onset),
    )
    return TickJudgement(after, phase, onset)


def judge_band(
    rules: Delayed,
    now_ms: int,
    before: TickState,
    since_ms: NDArray[np.int64],
    level: NDArray[np.int64],
    suppressed_rank: NDArray[np.int64],
) -> LevelJudgement:
    """Judge a score's band, or any condition that has levels: report what has held for `delay_s`.

    Of each level is known since when the condition has reached it though less is reported, or has been below it
    though it is reported. A rise is to the highest level that was reached for the delay, a fall to below the lowest
    one that was not.

    Args:
        rules: the score's or the condition's rule.
        now_ms: time of the tick.
        before: alarms of shape (n,); `onset_ms` of an alarm at rest is when its level rose.
        since_ms: (n, LEVELS) as the judgement before said, `NEVER` = no difference.
        level: (n,) 0 = no alarm, else priority rank + 1, or `UNKNOWN`, or `LAPSED`.
        suppressed_rank: (n,) rank of the highest priority that a pause suppresses, `NONE_SUPPRESSED` = none is.
    """
    running = before.state != NORMAL
    reported = np.where(running, before.priority.astype(np.int64) + 1, 0)
    unreported, reached = reported[:, None] < _LEVEL, level[:, None] >= _LEVEL
    differs = (unreported == reached) & (level >= 0)[:, None]
    since = np.where(differs, np.where(since_ms == NEVER, now_ms, since_ms), NEVER)
    held = differs & (now_ms - since >= round(rules.delay_s * 1000))
    risen = np.where(held & unreported, _LEVEL, 0).max(axis=1)
    fallen = np.where(held & ~unreported, _LEVEL - 1, LEVELS).min(axis=1)
    now_reported = np.minimum(np.maximum(reported, risen), fallen)
    now_reported[level == LAPSED] = 0

    priority = np.where(now_reported > 0, now_reported - 1, before.priority)
    event = np.full(level.shape, MISSING, dtype=np.uint8)
    event[now_reported > reported] = WORSE
    event[now_reported < reported] = BETTER
    event[(before.state == SUPPRESSED) | ((now_reported > reported) & ~running)] = DUE
    event[(event == DUE) & (priority <= suppressed_rank)] = SUPPRESS
    event[(now_reported < reported) & (now_reported == 0)] = CLEAR
    state, phase = advance(before.state, event)
    onset = np.where(running, before.onset_ms, since[:, 0])
    normal = state == NORMAL
    after = TickState(
        state=state,
        priority=np.where(normal, LOW, priority).astype(np.uint8),
        onset_ms=np.where(running & normal, NEVER, onset),
    )
    still = unreported == (now_reported[:, None] < _LEVEL)
    return LevelJudgement(after, phase, onset, np.where(still, since, NEVER))


def remind(
    now_ms: int, state: NDArray[np.uint8], priority: NDArray[np.uint8], told_ms: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which open alarms are due to be reported again, arrays of any one shape.

    Of those that somebody knows of only the ones of high priority are, and more seldom.
    """
    silent_ms = now_ms - told_ms
    known: NDArray[np.bool_] = (state == ACKNOWLEDGED) & (priority == HIGH) & (silent_ms >= KNOWN_MS)
    return known | (is_unacknowledged(state) & (silent_ms >= CONTINUE_MS))
