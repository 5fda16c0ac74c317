"""The cost of growth: what more patients and more partitions do to Vigil's memory, speed and recovery."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from bench.recovery import prepare, recover
from bench.recovery_load import State
from bench.suite.arrivals import Ints
from bench.suite.drain import drain
from bench.suite.fill import Log, fill
from bench.suite.stage import Stage
from bench.suite.systems import SYSTEMS
from streams.topics import READINGS
from tables.windows import BUCKET_MS

PATIENTS: Final = (1_000, 10_000, 100_000)
MEMORY_PATIENTS: Final = (1_000, 100_000)
PARTITIONS: Final = (1, 8, 32)
USUAL: Final = (10_000, 8)
SECONDS_MIN: Final = 40
"""Of a log, so that every patient has frames on both sides of the warm-up."""

FRAMES: Final = 1_000_000
ROUNDS_OF_WINDOWS: Final = 40
"""Frames of each patient, one a bucket, after which all 15 minutes of windows are filled and in memory."""

WINDOWS: Final = 10
"""Half minutes of readings in each patient's record that a recovery reads back."""

SYSTEM: Final = "vigil-1"
"""One process: its memory is the patients' and nothing else's."""


def points() -> list[tuple[int, int]]:
    """Return (patients, partitions) of every point, the usual one among them once."""
    usual_patients, usual_partitions = USUAL
    found = [(patients, usual_partitions) for patients in PATIENTS]
    return found + [(usual_patients, count) for count in PARTITIONS if count != usual_partitions]


def memory(stage: Stage, patients: int) -> dict[str, Any]:
    """Return the resident memory of a worker whose patients have full windows."""
    _, partitions = USUAL
    log = Log(ROUNDS_OF_WINDOWS * patients, patients, partitions, BUCKET_MS)
    with _filled(stage, f"memory-{patients}.", log) as (prefix, done):
        drained = drain(stage, SYSTEMS[SYSTEM], prefix, log, done)
    return {"patients": patients, "partitions": partitions, "rss_bytes": drained.rss_bytes}


def measure(stage: Stage, patients: int, partitions: int, repeats: int) -> dict[str, Any]:
    """Drain and recover with so many patients and partitions; return medians and every drain."""
    log = Log(max(FRAMES, SECONDS_MIN * patients), patients, partitions)
    with _filled(stage, f"growth-{patients}-{partitions}.", log) as (prefix, done):
        drains = [drain(stage, SYSTEMS[SYSTEM], prefix, log, done) for _ in range(repeats)]
    before = stage.topics()
    settings, record_bytes = prepare(stage.broker, state := State(patients, partitions, WINDOWS))
    recoveries = [recover(settings, state) for _ in range(repeats)]
    stage.delete_topics(stage.topics() - before)
    return {
        "patients": patients,
        "partitions": partitions,
        "frames_per_core_s": statistics.median(one.per_core_s for one in drains),
        "rss_bytes": statistics.median(one.rss_bytes for one in drains),
        "record_bytes": record_bytes,
        "recovery_s": statistics.median(one.recovery_s for one in recoveries),
        "drains": [asdict(one) for one in drains],
    }


@contextmanager
def _filled(stage: Stage, prefix: str, log: Log) -> Iterator[tuple[str, Ints]]:
    """Fill topics with a log and delete them afterwards; yields their prefix and the frames up to each mark."""
    stage.create_topics(prefix, log.partitions)
    mine = {name for name in stage.topics() if name.startswith(prefix)}
    try:
        yield prefix, fill(stage.broker, prefix + READINGS, log)
    finally:
        stage.delete_topics(mine)
