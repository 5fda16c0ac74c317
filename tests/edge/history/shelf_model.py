"""A shelf's plain reference and the frames that tests put on it."""

import math
import random

import numpy as np
import pyarrow as pa

from clinical.vitals import ABSENT, INDEX, SIGNALS
from edge.history.file_names import NEW
from edge.history.rows import HOUR_MS, Believed, in_order, joined, no_rows, rows_of, signals_of
from edge.history.shelf import DAY_MS
from streams.decoding.decoded import Frames

HOUR_0_MS = 1_760_000_400_000 // HOUR_MS * HOUR_MS
KEEP_MS = {"hour": 2 * DAY_MS, "10": 10 * DAY_MS, "60": 20 * DAY_MS, "900": 1000 * DAY_MS}
BELIEVED = Believed(late_ms_max=48 * HOUR_MS, ahead_ms_max=5_000)


def frames_of(readings, partition=0, believed=BELIEVED):
    """Return rows of (offset, patient, seq, ts_ms, {signal: value or None}), appended at their time."""
    carried = sorted({INDEX[name] for *_, values in readings for name in values})
    values = np.full((len(readings), len(carried)), ABSENT)
    for i, (*_, said) in enumerate(readings):
        for name, value in said.items():
            values[i, carried.index(INDEX[name])] = math.nan if value is None else value
    frames = Frames(
        [patient for _, patient, *_ in readings],
        [f"dev-{patient}" for _, patient, *_ in readings],
        np.ones(len(readings), np.int64),
        np.array([seq for _, _, seq, *_ in readings], np.int64),
        np.array([ts for *_, ts, _ in readings], np.int64),
        np.full(len(readings), 1000, np.int64),
        np.array([ts for *_, ts, _ in readings], np.int64),
        np.array([offset for offset, *_ in readings], np.int64),
        values,
        np.array(carried, np.int64),
    )
    return rows_of(frames, partition, believed)


def all_rows(shelf):
    """Return every row that counts on a shelf, in order, read as a reader reads: hours, and what is new beside them."""
    index = shelf.index.of(shelf._disk.files(shelf.root))
    tables = [shelf.read(found) for found in index.of_kind("hour")]
    for stretches in index.new.values():
        for one in stretches:
            assert one.kind == NEW
            for row in [shelf.read(one)]:
                tables.append(_not_merged(index, row, one))
    return in_order(joined(tables)) if tables else no_rows()


def _not_merged(index, rows, one):
    keep = [
        (hour := index.slots.get(("hour", ts // HOUR_MS * HOUR_MS, one.partition))) is None
        or offset >= hour.behind
        for ts, offset in zip(rows["ts_ms"].to_pylist(), rows["offset"].to_pylist(), strict=True)
    ]
    return rows.filter(pa.array(keep, pa.bool_()))


def plain_levels(rows, step_s):
    """Return {(patient, step's ms, signal): (low, high, mean, count)} by loops and ifs."""
    seen, values = set(), {}
    for row in sorted(rows.to_pylist(), key=lambda row: row["offset"]):
        name = (row["patient"], row["device"], row["boot"], row["seq"], row["ts_ms"])
        if name in seen:
            continue
        seen.add(name)
        for signal in signals_of(rows):
            bounds = SIGNALS[INDEX[signal]]
            if row[signal] is not None and bounds.low <= row[signal] <= bounds.high:
                step = row["ts_ms"] // (step_s * 1000) * step_s * 1000
                values.setdefault((row["patient"], step, signal), []).append(row[signal])
    return {
        key: (min(found), max(found), math.fsum(found) / len(found), len(found))
        for key, found in values.items()
    }


def stored_levels(table):
    """Return the same of a table of steps."""
    found = {}
    signals = [name.removesuffix("_count") for name in table.column_names if name.endswith("_count")]
    for row in table.to_pylist():
        for signal in signals:
            if row[f"{signal}_count"]:
                key = (row["patient"], row["ts_ms"], signal)
                assert key not in found
                found[key] = tuple(row[f"{signal}_{part}"] for part in ("low", "high", "mean", "count"))
            else:
                assert row[f"{signal}_low"] is None
    return found


def log_of(seed, count, partition=0):
    """Return frames of a partition in log order: most on time, some hours late, some sent twice, other signals."""
    rng = random.Random(seed)
    readings = []
    for offset in range(0, count * 2, rng.choice([1, 2])):
        late_ms = rng.choice([0] * 8 + [HOUR_MS, 5 * HOUR_MS])
        values = {"hr": rng.choice([None, 70.0, 71.0, 500.0]), "temp": rng.choice([36.6, 36.65, 37.0])}
        if rng.random() < 0.3:
            values["spo2"] = 97.0
        ts_ms = HOUR_0_MS + offset * 97_000 - late_ms
        readings.append((offset, f"bed-{rng.randrange(3)}", offset, ts_ms, values))
        if rng.random() < 0.1:
            readings.append((offset + 1, *readings[-1][1:]))
    unique = {reading[0]: reading for reading in readings}
    return frames_of([unique[offset] for offset in sorted(unique)], partition)


def work(shelf, table, rng):
    """Do what the process does, from where the shelf says that it is, until all is kept."""
    offsets = table["offset"].to_pylist()
    end = offsets[-1] + 1
    while (at := shelf.positions().get(0, 0)) < end:
        behind = min(end, at + rng.randrange(1, 40))
        chosen = pa.array([at <= offset < behind for offset in offsets])
        shelf.put(0, at, behind, table.filter(chosen))
        if rng.random() < 0.4:
            shelf.merge(0)
            shelf.thin(0)
            shelf.retain(0, KEEP_MS)
    shelf.merge(0)
    shelf.thin(0)
