"""`make bench-history`: bytes a frame, processor time of the writer, and how long the history takes to answer.

`--quick` says the same in half the time, from fewer questions and a shorter look at the writer.

Bytes: recordings of real patients, repeated, as 125 beds of a partition send them for an hour with 20 ms of jitter on
the way. Answers: 1,000 beds in 8 partitions, 24 hours raw and thinned, 30 days thinned, every file in place as the
writer leaves it. Writer: `vigil history run` beside Apache Kafka with 1,000 beds at one frame a second; merging
and thinning, which come every ten minutes and every hour, are measured by themselves for one hour and added.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.machine import machine
from bench.process_time import cpu_s_of
from clinical.vitals import INDEX
from edge.brokers.cluster import KafkaCluster
from edge.brokers.tether import spawn, stop
from edge.history import narrow
from edge.history.file_names import HOUR, LEVELS_S, Named, period_of
from edge.history.levels import thinned
from edge.history.query import history_of, trend
from edge.history.rows import HOUR_MS, by_patient, in_order, joined, schema_of, whole
from edge.history.shelf import DAY_MS, Shelf
from edge.readers import open_paths
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.producers import FRAMES, Producer

ROOT: Final = Path(__file__).resolve().parent.parent
BEDS, PARTITIONS = 1_000, 8
BEDS_EACH: Final = BEDS // PARTITIONS
BEGUN_MS: Final = 1_760_000_400_000 // DAY_MS * DAY_MS
JITTER_MS: Final = 20.0
ASKED, QUICK_ASKED = 15, 7
"""Questions of each kind; the median counts."""

SECONDS, QUICK_SECONDS = 130.0, 65.0
"""Of the writer: two of the files that it puts down each minute, or one."""

BUILDERS: Final = 2
"""Processes that put down files."""

GOALS: Final = {
    ("bytes a frame", "an hour of a partition"): 2.0,
    ("writer", "core, merging and thinning included"): 0.02,
    ("answers", "24 h by minute", "median_ms"): 100.0,
    ("answers", "30 days by quarter", "median_ms"): 300.0,
}
"""What each figure may be at most."""

SIGNALS: Final = ("hr", "spo2", "resp", "abp_sys")


def recordings(folder: Path) -> list[dict[str, Any]]:
    """Return each recording's signals as columns."""
    found = []
    for recording in open_paths([folder / "bidmc", folder / "vt-alarms-2015"]).recordings:
        frames = list(recording.frames())
        names = sorted({name for frame in frames for name in frame.signals})
        found.append(
            {
                name: np.array(
                    [np.nan if (value := frame.signals.get(name)) is None else value for frame in frames],
                    float,
                )
                for name in names
            }
        )
    return found


def hour_of(sources: list[dict[str, Any]], partition: int, seconds: int, repeat: bool = True) -> pa.Table:
    """Return an hour of a partition's beds, each playing a recording from a random second on."""
    rng = np.random.default_rng(partition)
    tables, arrivals = [], []
    for bed in range(BEDS_EACH):
        number = partition * BEDS_EACH + bed
        source = sources[number % len(sources)]
        length = len(next(iter(source.values())))
        count = seconds if repeat else min(seconds, length)
        places = (int(rng.integers(length)) + np.arange(count)) % length
        ts_ms = BEGUN_MS + int(rng.integers(1000)) + np.arange(count) * 1000
        columns: dict[str, Any] = {
            "patient": pa.array([f"bed-{number:04d}"] * count).dictionary_encode(),
            "device": pa.array([f"monitor-{number:04d}"] * count).dictionary_encode(),
            "boot": np.full(count, 3),
            "seq": np.arange(count),
            "ts_ms": ts_ms,
            "clock_off_ms": np.zeros(count, np.int64),
            "interval_ms": np.full(count, 1000),
            "unread": np.zeros(count, np.int64),
            "partition": np.full(count, partition),
            "offset": np.zeros(count, np.int64),
        }
        for name, values in source.items():
            chosen = values[places]
            columns["unread"] |= np.isnan(chosen).astype(np.int64) << INDEX[name]
            columns[name] = pa.array(chosen, mask=np.isnan(chosen))
        schema = schema_of(list(source))
        tables.append(pa.table(columns).select(schema.names).cast(schema))
        arrivals.append(ts_ms + rng.normal(0, JITTER_MS, count))
    table, arrival = joined(tables), np.concatenate(arrivals)
    offsets = np.empty(len(arrival), np.int64)
    offsets[np.argsort(arrival)] = np.arange(len(arrival))
    place = table.column_names.index("offset")
    return in_order(table.set_column(place, "offset", pa.array(offsets)))


def size(table: pa.Table) -> float:
    """Return bytes a frame."""
    sink = pa.BufferOutputStream()
    narrow.write(table, sink, {})
    return float(sink.getvalue().size / len(table))


def moved(table: pa.Table, by_ms: int, by_offset: int = 0) -> pa.Table:
    """Return the same rows or steps at another time."""
    for name, by in (("ts_ms", by_ms), ("offset", by_offset), ("seq", by_ms // 1000)):
        if name in table.column_names and by:
            place = table.column_names.index(name)
            table = table.set_column(place, name, pa.array(whole(table, name) + by))
    return table


def put(root: Path, named: Named, table: pa.Table) -> None:
    path = named.path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        narrow.write(table, file, named.said())


def build(root: Path, hours: list[pa.Table], days: int) -> dict[str, int]:
    """Put down 24 hours raw and `days` thinned, as the writer would; return how many files of each kind there are."""
    # In processes of their own, made anew: one that DuckDB or pyarrow has started threads in cannot be split.
    with ProcessPoolExecutor(BUILDERS, mp_context=get_context("spawn")) as builders:
        for done in [
            builders.submit(_build, root, partition, hour, days) for partition, hour in enumerate(hours)
        ]:
            done.result()
    names = ["hour", *map(str, LEVELS_S)]
    return {name: len(list((root / name).rglob("*.parquet"))) for name in names}


def _build(root: Path, partition: int, hour: pa.Table, days: int) -> None:
    last_ms, rows = BEGUN_MS + days * DAY_MS, len(hour)
    behind = days * 24 * rows
    for number in range(24):
        start_ms = last_ms - DAY_MS + number * HOUR_MS
        first = behind - (24 - number) * rows
        put(
            root,
            Named(HOUR, start_ms, partition, first, first + rows),
            moved(hour, start_ms - BEGUN_MS, first),
        )
    for step_s in LEVELS_S:
        steps = thinned(hour, step_s)
        kept_days = 3 if step_s == 10 else days  # so many are asked for
        periods: dict[int, list[pa.Table]] = {}
        for start_ms in range(last_ms - kept_days * DAY_MS, last_ms, HOUR_MS):
            periods.setdefault(period_of(step_s, start_ms), []).append(moved(steps, start_ms - BEGUN_MS))
        for start_ms, parts in periods.items():
            table = by_patient(pa.concat_tables(parts))
            put(root, Named(str(step_s), start_ms, partition, 0, behind), table)


def ask(root: Path, days: int, asked: int) -> dict[str, dict[str, float]]:
    """Return the median and the longest time of each kind of question, ms; each with a reader of its own."""
    last_ms = BEGUN_MS + days * DAY_MS
    raw_only = root.parent / "raw"
    raw_only.mkdir()
    (raw_only / "hour").symlink_to(root / "hour")
    rng = np.random.default_rng(5)

    def times(question: Any) -> dict[str, float]:
        took = []
        spent_s = time.process_time()
        for _ in range(asked):
            patient = f"bed-{int(rng.integers(BEDS)):04d}"
            begun_s = time.perf_counter()
            question(patient)
            took.append((time.perf_counter() - begun_s) * 1000)
        spent_ms = (time.process_time() - spent_s) * 1000 / asked
        figures = {"median_ms": statistics.median(took), "max_ms": max(took), "processor_ms": spent_ms}
        return {name: round(value, 1) for name, value in figures.items()}

    def checked(where: Path, patient: str, from_ms: int, step_s: int) -> None:
        found = trend(where, patient, from_ms, last_ms, SIGNALS, step_s)
        assert any(found.values()), patient

    history = history_of(root)
    return {
        "24 h by minute": times(lambda patient: checked(root, patient, last_ms - DAY_MS, 60)),
        "24 h by minute from raw only": times(
            lambda patient: checked(raw_only, patient, last_ms - DAY_MS, 60)
        ),
        "24 h every reading": times(lambda patient: history.raw(patient, last_ms - DAY_MS, last_ms, SIGNALS)),
        "last hour every reading": times(
            lambda patient: history.raw(patient, last_ms - HOUR_MS, last_ms, SIGNALS)
        ),
        "30 days by quarter": times(lambda patient: checked(root, patient, last_ms - days * DAY_MS, 900)),
        "30 days by minute": times(lambda patient: checked(root, patient, last_ms - days * DAY_MS, 60)),
    }


def merging(folder: Path, hour: pa.Table) -> dict[str, float]:
    """Return what merging and thinning an hour of one partition cost, s of processor time: 6 merges of 10 minutes."""
    shelf, minutes = Shelf(folder), 60
    rows_each = len(hour) // minutes
    by_offset = hour.take(pa.array(np.argsort(whole(hour, "offset"))))
    spent = {"put": 0.0, "merge": 0.0, "thin": 0.0}

    def timed(name: str, work: Any, *arguments: Any) -> None:
        begun_s = time.process_time()
        work(*arguments)
        spent[name] += time.process_time() - begun_s

    for minute in range(minutes):
        first = minute * rows_each
        timed("put", shelf.put, 0, first, first + rows_each, by_offset.slice(first, rows_each))
        if minute % 10 == 9:
            timed("merge", shelf.merge, 0)
    timed("thin", shelf.thin, 0)
    return {name: round(value, 3) for name, value in spent.items()}


@contextlib.contextmanager
def writer(settings: Settings, log: Path) -> Iterator[int]:
    environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        process = spawn([sys.executable, "-Pm", "edge", "history", "run"], output, environment)
    try:
        yield process.pid
    finally:
        stop(process, 10.0)


def writing(folder: Path, seconds: float) -> dict[str, float]:
    """Return the share of a core that the writer takes of 1,000 beds at one frame a second."""
    with KafkaCluster(nodes=1) as cluster:
        settings = Settings(
            brokers=cluster.bootstrap,
            partitions=PARTITIONS,
            history_dir=folder,
            history_metrics_port=0,
            history_flush_s=60,
            history_merge_s=3_600,
        )
        apply_topics(settings)
        with (
            writer(settings, folder.parent / "writer.log") as pid,
            Producer(settings, FRAMES, settings.topic(READINGS)) as producer,
        ):
            begun_s, sent, spent_s = time.monotonic(), 0, 0.0
            warm_s = 10.0
            while (now_s := time.monotonic() - begun_s) < seconds + warm_s:
                while sent < now_s * BEDS:
                    bed = sent % BEDS
                    frame = {
                        "patient": f"bed-{bed:04d}",
                        "device": f"monitor-{bed:04d}",
                        "boot": 1,
                        "seq": sent // BEDS,
                    }
                    frame |= {
                        "event_ts_ms": int(time.time() * 1000),
                        "hr": 70 + sent % 7,
                        "pulse": 70,
                        "spo2": 97,
                    }
                    frame |= {"resp": 14, "abp_sys": 121.5, "abp_dia": 80, "abp_mean": 93}
                    if producer.send(str(frame["patient"]).encode(), json.dumps(frame).encode()) is None:
                        break
                    sent += 1
                if not spent_s and now_s > warm_s:
                    spent_s, from_s = cpu_s_of(pid), now_s
                time.sleep(0.01)
            spent_s = cpu_s_of(pid) - spent_s
            kept = Shelf(folder / "readings").positions()
        return {
            "core": round(spent_s / (now_s - from_s), 4),
            "seconds": round(now_s - from_s),
            "kept": sum(kept.values()),
        }


def missed(found: dict[str, Any]) -> list[str]:
    """Return the goals that what was measured misses, as words."""
    said = list[str]()
    for place, most in GOALS.items():
        figure: Any = found
        for name in place:
            figure = figure.get(name, {})
        if figure != {} and figure > most:
            said.append(f"{', '.join(place)}: {figure:g}, at most {most:g}")
    return said


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    options = argparse.ArgumentParser(prog="bench.history", description=__doc__)
    options.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of recordings"
    )
    options.add_argument("--days", type=int, default=30)
    options.add_argument(
        "--seconds", type=float, help=f"of the writer ({SECONDS:g}, quick {QUICK_SECONDS:g})"
    )
    options.add_argument("--quick", action="store_true", help="fewer questions, a shorter look at the writer")
    options.add_argument("--only", choices=["bytes", "answers", "writer"])
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    seconds = given.seconds or (QUICK_SECONDS if given.quick else SECONDS)
    begun_s = time.monotonic()
    found: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="vigil-bench-history-") as name:
        folder = Path(name)
        sources = recordings(given.data)
        hours = [
            hour_of(sources, partition, 3_600)
            for partition in range(PARTITIONS if given.only != "bytes" else 1)
        ]
        found["bytes a frame"] = {
            "an hour of a partition": round(size(hours[0]), 3),
            "each recording once": round(size(hour_of(sources, 0, 3_600, repeat=False)), 3),
        }
        if given.only in (None, "answers"):
            found["files"] = build(folder / "readings", hours, given.days)
            found["answers"] = ask(folder / "readings", given.days, QUICK_ASKED if given.quick else ASKED)
        if given.only in (None, "writer"):
            hour = merging(folder / "merging", hours[0])
            share = sum(hour.values()) * PARTITIONS / 3_600
            live = writing(folder / "history", seconds)
            found["writer"] = {"live": live, "an hour of one partition, s": hour}
            found["writer"]["core, merging and thinning included"] = round(
                live["core"] + (hour["merge"] + hour["thin"]) * PARTITIONS / 3_600, 4
            )
            found["writer"]["of which merging and thinning"] = round(share, 4)
    found["missed"] = missed(found)
    found["took, s"] = round(time.monotonic() - begun_s)
    print(json.dumps(found, indent=2))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
