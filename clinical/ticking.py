"""Alarms that time alone decides: silent devices, lost signals and score bands, judged at ticks.

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
    COVERED,
    DUE,
    MISSING,
    NORMAL,
    WITHHELD,
    WORSE,
    advance,
    is_announced,
    is_unacknowledged,
)
from clinical.limits import HIGH, LOW, MEDIUM, NEVER
from clinical.rules import PRIORITIES, TechnicalRules

INTERVALS_MISSED: Final = 2
"""A device that announces a long interval is silent after so many of them."""

DETACHED_MS: Final = 600_000
"""A signal that no frame has carried for so long counts as taken off: its alarm ends and does not return.

Unless the last that a frame said of it is that it is attached without a valid reading: that holds until one comes.
"""

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

UNSCORED_MS: Final = 3_600_000
"""So long without a score an alarm ends: RCP 2017 asks for a score at least hourly at each level that alarms."""

_LEVEL: Final = np.arange(1, LEVELS + 1)


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


def silence_ms_max(rules: TechnicalRules, interval_ms: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how long each device may be silent: the rule's time, or two of its own announced intervals."""
    return np.maximum(round(rules.silent_device_s * 1000), INTERVALS_MISSED * interval_ms.astype(np.int64))


def unscored_ms_max(interval_ms: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how long an alarm stays without a score, (n,): `UNSCORED_MS`, or two of each device's intervals."""
    return np.maximum(UNSCORED_MS, INTERVALS_MISSED * interval_ms.astype(np.int64))


def silent_since(
    rules: TechnicalRules,
    now_ms: int,
    seen_ms: NDArray[np.int64],
    interval_ms: NDArray[np.int32],
    onset_ms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return since when each patient's devices are silent, (n,), `NEVER` where they are not.

    Args:
        rules: the technical rules.
        now_ms: time of the tick.
        seen_ms: (n,) arrival of the last frame.
        interval_ms: (n,) announced interval of the patient's frames.
        onset_ms: (n,) onset of the alarm that is active, or `NEVER`; only a newer frame ends it, so that no two
            episodes have the same onset.
    """
    quiet = now_ms - seen_ms >= silence_ms_max(rules, interval_ms)
    silent = (seen_ms != NEVER) & (quiet | (seen_ms <= onset_ms))
    return np.where(silent, seen_ms, NEVER)


def lost_since(
    rules: TechnicalRules,
    now_ms: int,
    lost_ms: NDArray[np.int64],
    value_ms: NDArray[np.int64],
    interval_ms: NDArray[np.int32],
    silent: NDArray[np.bool_],
    onset_ms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return since when each signal has no valid reading, (n, signals), `NEVER` where it has one.

    A signal is lost when it is attached without a valid reading for `signal_loss_s`, or when the frames of a
    device that is not silent have stopped carrying it for as long. What is lost stays so until a valid reading.

    Args:
        rules: the technical rules.
        now_ms: time of the tick.
        lost_ms: (n, signals) first invalid sample after the last valid one, or `NEVER`.
        value_ms: (n, signals) arrival of the last valid sample, or `NEVER`.
        interval_ms: (n,) announced interval of the patient's frames.
        silent: (n,) whether the patient's devices are silent; then only invalid samples count.
        onset_ms: (n, signals) onset of the alarm that is active, or `NEVER`.
    """
    patience = np.maximum(round(rules.signal_loss_s * 1000), INTERVALS_MISSED * interval_ms.astype(np.int64))[
        :, None
    ]
    invalid = (lost_ms != NEVER) & ((now_ms - lost_ms >= patience) | (onset_ms != NEVER))
    age = now_ms - value_ms
    stopped = ((age >= patience) & ~silent[:, None]) | (value_ms <= onset_ms)
    dropped = (lost_ms == NEVER) & (value_ms != NEVER) & stopped
    detached = np.maximum(DETACHED_MS, patience)
    return np.where(
        invalid,
        lost_ms,
        np.where(dropped & (age < detached), value_ms, NEVER),
    )


def unmeasured(
    now_ms: int, value_ms: NDArray[np.int64], age_ms_max: NDArray[np.int64], interval_ms: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return where a signal was not measured for so long that nothing is known of a condition on it, (n,).

    That is when it counts as taken off, or is too old for a score, or two of the device's intervals are over.

    Args:
        now_ms: time of the tick.
        value_ms: (n,) arrival of the signal's last valid reading.
        age_ms_max: (n,) how long a reading of the signal is usable.
        interval_ms: (n,) announced interval of the patient's frames.
    """
    patience = np.maximum(DETACHED_MS, age_ms_max)
    longest = np.maximum(patience, INTERVALS_MISSED * interval_ms.astype(np.int64))
    found: NDArray[np.bool_] = now_ms - value_ms >= longest
    return found


def judge_loss(
    rules: TechnicalRules,
    now_ms: int,
    before: TickState,
    since_ms: NDArray[np.int64],
    cover: NDArray[np.int64],
) -> TickJudgement:
    """Judge conditions that hold since `since_ms` (n, k): low priority at first, medium after `escalate_s`.

    `cover` (n,) is the rank of the highest priority that a pause withholds, `NO_COVER` where there is none.
    """
    holds = since_ms != NEVER
    known = before.state != NORMAL
    onset = np.where(known, before.onset_ms, since_ms)
    grave = holds & (now_ms - onset >= round(rules.escalate_s * 1000))
    priority = np.where(grave, MEDIUM, np.where(known, before.priority, LOW)).astype(np.uint8)
    event = np.full(holds.shape, CLEAR, dtype=np.uint8)
    event[holds] = DUE
    event[holds & (priority <= cover[:, None])] = COVERED
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
    cover: NDArray[np.int64],
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
        cover: (n,) rank of the highest priority that a pause withholds, `NO_COVER` where there is none.
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
    event[(before.state == WITHHELD) | ((now_reported > reported) & ~running)] = DUE
    event[(event == DUE) & (priority <= cover)] = COVERED
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
