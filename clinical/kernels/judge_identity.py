"""Whether a frame is news to its device, and by which time it is judged: `tables.identification` and `clinical.clock`.

One frame after the other, in log order.
"""

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_columns import Log, Numbers, Rules
from clinical.kernels.judge_literals import (
    AGAIN,
    HISTORIC,
    LAPS,
    LATE,
    LIVE,
    NEVER,
    NEXT,
    PACE_MS,
    REPEAT,
    SUSPECT,
)


@inlined
def digest(log: Log, factors: np.ndarray, i: int) -> np.uint32:
    """Return a digest of what the frame says, but for who says it and its number."""
    half = np.uint64(32)
    said = np.uint64(log.event_ms[i] ^ (log.interval_ms[i] << 42)) * factors[0]
    for k in range(log.carried.shape[0]):
        if log.values[i, k] != -np.inf:
            bits = ~log.bits[i, k]
            said += (bits ^ (bits >> half)) * factors[1 + log.carried[k]]
    return np.uint32(said >> half)


@loop
def forget(numbers: Numbers, at: int) -> None:
    """Forget all numbers of a device."""
    for place in range(numbers.lap.shape[1]):
        numbers.lap[at, place] = 0
        numbers.digest[at, place] = 0


@inlined
def known_as(numbers: Numbers, at: int, boot: int, seq: int, said: np.uint32) -> int:
    """Return what a frame is by its number, without the memory of it."""
    seen = numbers.lap.shape[1]
    top = numbers.high[at]
    if boot < numbers.boot[at]:
        return LATE
    if boot > numbers.boot[at] or seq > top:
        return NEXT
    if seq <= top - seen:
        return AGAIN
    if numbers.lap[at, seq % seen] != seq // seen % LAPS + 1:
        return LATE
    return REPEAT if numbers.digest[at, seq % seen] == said else AGAIN


@inlined
def remember(numbers: Numbers, log: Log, factors: np.ndarray, i: int, recorded: bool) -> int:
    """Remember a frame and return what it is to its device."""
    at, boot, seq = log.device[i], log.boot[i], log.seq[i]
    said = digest(log, factors, i)
    seen = numbers.lap.shape[1]
    what = known_as(numbers, at, boot, seq, said)
    if what == REPEAT:
        return what
    if boot < numbers.boot[at]:
        if log.event_ms[i] <= numbers.event_ms[at]:
            return REPEAT
    else:
        jumps = numbers.high[at] >= 0 and seq - numbers.high[at] >= seen
        if what == AGAIN or (what == NEXT and (boot > numbers.boot[at] or jumps)):
            forget(numbers, at)
        numbers.lap[at, seq % seen] = seq // seen % LAPS + 1
        numbers.digest[at, seq % seen] = said
        if what != LATE:
            numbers.boot[at], numbers.high[at] = boot, seq
    if what == AGAIN or (what == LATE and log.event_ms[i] > numbers.event_ms[at]):
        numbers.conflict_before_ms[at] = numbers.conflict_ms[at]
        numbers.conflict_ms[at] = log.event_ms[i] if recorded else log.append_ms[i]
    return what


@inlined
def clock_of(numbers: Numbers, rules: Rules, at: int, event_ms: int, append_ms: int, comes_next: bool) -> int:
    """Return how the time of a frame is judged, by its device's frame before it."""
    if rules.recorded:
        return LIVE
    behind = append_ms - event_ms
    if -behind > rules.ahead_ms_max:
        return SUSPECT
    if behind <= rules.horizon_ms:
        return LIVE
    event_before_ms = numbers.event_ms[at]
    if event_before_ms == NEVER:
        return SUSPECT
    measured = event_ms - event_before_ms
    delivered = append_ms - numbers.append_ms[at]
    steady = measured > 0 and delivered > 0 and abs(delivered - measured) <= PACE_MS + measured // 2
    stepped = comes_next and measured < 0
    return SUSPECT if steady or stepped else HISTORIC
