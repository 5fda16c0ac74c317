"""Readings thinned to steps of time: of each signal the lowest, the highest, the mean and how many there were. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clinical.vitals import INDEX, SIGNALS
from edge.history.rows import readings, signals_of, whole


@dataclass(frozen=True, slots=True)
class Buckets:
    """One signal's steps, those with a reading only: arrays of shape (n,), in order of time."""

    ts_ms: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]


def once_each(table: pa.Table) -> pa.Table:
    """Leave out what a device sent again: of rows of one patient, device, boot and number only the first counts.

    The rows are in order, so that such rows, which have one time, stand together.
    """
    if len(table) < 2:
        return table
    same = np.ones(len(table) - 1, bool)
    for name in ("boot", "seq", "ts_ms"):
        values = whole(table, name)
        same &= values[1:] == values[:-1]
    for name in ("patient", "device"):
        codes = table.column(name).combine_chunks().indices.to_numpy(zero_copy_only=False)
        same &= codes[1:] == codes[:-1]
    return table.filter(pa.array(np.r_[True, ~same])) if same.any() else table


def plausible(values: NDArray[np.float64], signal: str) -> NDArray[np.bool_]:
    """Tell which values are readings at all: what no sensor can report is none."""
    bounds = SIGNALS[INDEX[signal]]
    found: NDArray[np.bool_] = (values >= bounds.low) & (values <= bounds.high)
    return found


def thinned(table: pa.Table, step_s: int) -> pa.Table:
    """Return the steps of every patient in a table of rows in order, with four columns a signal.

    `NAME_low`, `NAME_high`, `NAME_mean` (null where there was no reading) and `NAME_count`; a step without any
    reading is left out. Rows come by patient and time.
    """
    table = once_each(table)
    partition = int(whole(table, "partition")[0]) if len(table) else 0
    names = table.column("patient").combine_chunks()
    codes = np.asarray(names.indices.to_numpy(zero_copy_only=False), np.int64)
    step_ms = step_s * 1000
    steps = whole(table, "ts_ms") // step_ms
    order = np.lexsort((steps, codes)) if len(table) else np.zeros(0, np.int64)
    codes, steps = codes[order], steps[order]
    new = np.r_[True, (np.diff(codes) != 0) | (np.diff(steps) != 0)] if len(order) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    columns: dict[str, Any] = {}
    any_reading = np.zeros(len(starts), bool)
    for signal in signals_of(table):
        values = readings(table, signal)[order]
        low, high, mean, count = _reduced(values, plausible(values, signal), starts)
        any_reading |= count > 0
        for part, found in (("low", low), ("high", high), ("mean", mean)):
            columns[f"{signal}_{part}"] = pa.array(found, pa.float64(), mask=count == 0)
        columns[f"{signal}_count"] = pa.array(count, pa.int64())
    place = {
        "patient": pa.DictionaryArray.from_arrays(codes[starts].astype(np.int32), names.dictionary),
        "ts_ms": pa.array(steps[starts] * step_ms, pa.int64()),
        "partition": pa.array(np.full(len(starts), partition), pa.int64()),
    }
    return pa.table({**place, **columns}).filter(pa.array(any_reading))


def _reduced(
    values: NDArray[np.float64], known: NDArray[np.bool_], starts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return lowest, highest, mean and count of the known values from each start to the next, (len(starts),) each."""
    if len(starts) == 0:
        none = np.zeros(0)
        return none, none, none, np.zeros(0, np.int64)
    count = np.add.reduceat(known.astype(np.int64), starts)
    low = np.minimum.reduceat(np.where(known, values, np.inf), starts)
    high = np.maximum.reduceat(np.where(known, values, -np.inf), starts)
    total = np.add.reduceat(np.where(known, values, 0.0), starts)
    # Rounding must not push a mean of equal readings past them. Single precision is stored: finer is no reading.
    mean = np.clip(total / np.maximum(count, 1), np.minimum(low, high), np.maximum(low, high))
    return low, high, mean.astype(np.float32).astype(np.float64), count


def gathered(parts: Sequence[Buckets], step_s: int) -> Buckets:
    """Return steps of any kind, also single readings, as steps of `step_s`: those of one time become one."""
    ts_ms, low, high, mean, count = (
        np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0)
        for name in ("ts_ms", "low", "high", "mean", "count")
    )
    step_ms = step_s * 1000
    steps = ts_ms.astype(np.int64) // step_ms
    order = np.argsort(steps, kind="stable")
    steps, count = steps[order], count.astype(np.int64)[order]
    starts = np.flatnonzero(np.r_[True, np.diff(steps) != 0]) if len(order) else np.zeros(0, np.int64)
    if len(starts) == 0:
        none = np.zeros(0)
        return Buckets(np.zeros(0, np.int64), none, none, none, np.zeros(0, np.int64))
    counts = np.add.reduceat(count, starts)
    lows, highs = np.minimum.reduceat(low[order], starts), np.maximum.reduceat(high[order], starts)
    means = np.clip(np.add.reduceat(mean[order] * count, starts) / counts, lows, highs)
    return Buckets(steps[starts] * step_ms, lows, highs, means, counts)
