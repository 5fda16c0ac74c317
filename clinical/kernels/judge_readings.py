"""What a frame's readings leave behind: windows, last readings, counts of missing ones, when a device was heard.

`tables.windows`, `agents.judging.runs` and `agents.judging.flicker`, for one frame.
"""

import numpy as np

from clinical.kernels.compiled import inlined, loop
from clinical.kernels.judge_columns import Buckets, Frame, Heard, Log, Missed, Readings, Runs, Sample
from clinical.kernels.judge_literals import (
    BUCKET_MS,
    COUNTED_MAX,
    FLICKER_SLOT_MS,
    NEVER,
    SAMPLES_MAX,
    SCALE,
)


@loop
def open_bucket(buckets: Buckets, row: int, now_ms: int) -> int:
    """Return the place of a moment's bucket, emptied if it is a newer one's, -1 if the ring holds it no more."""
    number = np.int32(now_ms // BUCKET_MS)
    place = int(number % buckets.bucket.shape[0])
    held = buckets.bucket[place, row]
    if number == held:
        return place
    if number < held:
        return -1
    buckets.bucket[place, row] = number
    for signal in range(buckets.entered.shape[2]):
        buckets.entered[place, row, signal] = 0
        buckets.sum[place, row, signal] = 0
        buckets.low[place, row, signal] = 65_535
        buckets.high[place, row, signal] = 0
    return place


@loop
def enter(buckets: Buckets, place: int, row: int, signal: int, value: float) -> None:
    """Enter one reading into a bucket, if it has room."""
    count = buckets.entered[place, row, signal]
    if count >= SAMPLES_MAX:
        return
    scaled = np.int32(np.rint(value * SCALE))
    buckets.entered[place, row, signal] = count + 1
    buckets.sum[place, row, signal] += scaled
    small = np.uint16(scaled)
    if small < buckets.low[place, row, signal]:
        buckets.low[place, row, signal] = small
    if small > buckets.high[place, row, signal]:
        buckets.high[place, row, signal] = small


@inlined
def hear(heard: Heard, at: int, arrival_ms: int, offset: int, interval_ms: int) -> None:
    """Note that a frame of a device came."""
    heard.heard_ms[at] = max(heard.heard_ms[at], arrival_ms)
    heard.used[at] = offset
    heard.interval_ms[at] = interval_ms


@inlined
def take_plain(readings: Readings, log: Log, i: int, at: int, now_ms: int, arrival_ms: int) -> None:
    """Take the readings of a frame that are all valid and not late."""
    for k in range(log.carried.shape[0]):
        if log.values[i, k] == -np.inf:
            continue
        signal = log.carried[k]
        readings.newest_ms[at, signal] = now_ms
        readings.value[at, signal] = log.values[i, k]
        readings.value_ms[at, signal] = arrival_ms
        readings.lost_ms[at, signal] = NEVER


@loop
def moved(times: np.ndarray, at: int, shift_ms: int) -> None:
    """Move the times of a device that are any, and not below 0."""
    for k in range(times.shape[1]):
        if times[at, k] != NEVER:
            times[at, k] = max(times[at, k] + shift_ms, 0)


@inlined
def follow_clock(heard: Heard, readings: Readings, runs: Runs, frame: Frame) -> None:
    """Move what a device remembers along with its clock, if that stepped back (`agents.judging.runs`)."""
    if not frame.comes_next:
        return
    at = frame.at
    before_ms = heard.now_ms[at]
    if frame.now_ms < before_ms:
        shift_ms = frame.now_ms - before_ms - max(0, frame.arrival_ms - heard.came_ms[at])
        moved(readings.newest_ms, at, shift_ms)
        moved(runs.onset_ms, at, shift_ms)
        moved(runs.clear_ms, at, shift_ms)
    heard.now_ms[at] = frame.now_ms
    heard.came_ms[at] = frame.arrival_ms


@inlined
def take_samples(readings: Readings, sample: Sample, frame: Frame) -> None:
    """Make a frame's samples part of its device's state; keep what was there before beside them."""
    at = frame.at
    for signal in range(sample.value.shape[0]):
        value = sample.value[signal]
        sample.judged[signal] = value != -np.inf and frame.now_ms >= readings.newest_ms[at, signal]
        if not sample.judged[signal]:
            continue
        came_ms, lost_ms = readings.value_ms[at, signal], readings.lost_ms[at, signal]
        is_gap = lost_ms != NEVER and came_ms != NEVER
        sample.gap_ms[signal] = frame.arrival_ms - came_ms if is_gap else 0
        sample.newest_ms[signal] = readings.newest_ms[at, signal]
        sample.before[signal] = readings.value[at, signal]
        readings.newest_ms[at, signal] = frame.now_ms
        if not np.isnan(value):
            readings.value[at, signal] = value
            readings.value_ms[at, signal] = frame.arrival_ms
            readings.lost_ms[at, signal] = NEVER
        elif lost_ms == NEVER:
            readings.lost_ms[at, signal] = frame.arrival_ms


@loop
def begin_count(missed: Missed, at: int, place: int) -> None:
    """Empty one stretch of the counts."""
    for k in range(missed.came.shape[2]):
        missed.came[at, place, k] = 0
        missed.missed[at, place, k] = 0
        missed.gaps[at, place, k] = 0


@inlined
def count_missing(
    missed: Missed, readings: Readings, sample: Sample, periodic: np.ndarray, at: int, arrival_ms: int
) -> None:
    """Count a frame's readings and missing readings, if any was missing within a minute."""
    slots, minute_ms = missed.came.shape[1], FLICKER_SLOT_MS * (missed.came.shape[1] - 1)
    begins = False
    for k in range(periodic.shape[0]):
        begins = begins or np.isnan(sample.value[periodic[k]])
    last_ms = missed.missing_ms[at]
    known = last_ms != NEVER and arrival_ms - last_ms <= minute_ms
    if not (begins or known):
        return
    number = arrival_ms // FLICKER_SLOT_MS
    if not known:
        for place in range(slots):
            begin_count(missed, at, place)
        missed.counted_ms[at], missed.slot[at] = arrival_ms, number
    if begins:
        missed.missing_ms[at] = max(last_ms, arrival_ms)
    for ahead in range(slots):
        if number - ahead > missed.slot[at]:
            begin_count(missed, at, (number - ahead) % slots)
    missed.slot[at] = max(missed.slot[at], number)
    if number > missed.slot[at] - slots:
        count_samples(missed, readings, sample, periodic, at, number % slots)


@inlined
def count_samples(
    missed: Missed, readings: Readings, sample: Sample, periodic: np.ndarray, at: int, place: int
) -> None:
    """Count a frame's periodic signals in one stretch: valid, missing, missing after a valid one."""
    for k in range(periodic.shape[0]):
        value = sample.value[periodic[k]]
        if np.isfinite(value):
            missed.came[at, place, k] = min(missed.came[at, place, k] + 1, COUNTED_MAX)
        elif np.isnan(value):
            missed.missed[at, place, k] = min(missed.missed[at, place, k] + 1, COUNTED_MAX)
            if readings.lost_ms[at, periodic[k]] == NEVER:
                missed.gaps[at, place, k] = min(missed.gaps[at, place, k] + 1, COUNTED_MAX)
