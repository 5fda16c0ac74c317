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
from streams.contracts.topics import READINGS
from tables.windows import BUCKET_MS, SLOTS

PATIENTS: Final = (1_000, 10_000, 100_000)
MEMORY_PATIENTS: Final = (10_000, 1_000, 100_000)
"""The first is what one worker should have at most, and what its memory is bounded for."""
PARTITIONS: Final = (1, 8, 32)
USUAL: Final = (10_000, 8)
COMPARED: Final = ((10_000, 8), (100_000, 8))
"""Points whose drains are put beside each other: they have more frames and repeats than the others."""

FRAMES: Final = 600_000
COMPARED_FRAMES: Final = 1_000_000
COMPARED_REPEATS: Final = 2
ROUNDS_MIN: Final = 20
"""Of a log, so that every patient has frames on both sides of the warm-up."""

ROUNDS_OF_WINDOWS: Final = SLOTS + 1
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


def memory_log(patients: int) -> Log:
    """Return the log after which so many patients have full windows."""
    return Log(ROUNDS_OF_WINDOWS * patients, patients, USUAL[1], BUCKET_MS)


def memory(stage: Stage, patients: int) -> dict[str, Any]:
    """Return the resident memory of a worker whose patients have full windows."""
    log = memory_log(patients)
    with filled(stage, f"memory-{patients}.", log) as (prefix, done):
        drained = drain(stage, SYSTEMS[SYSTEM], prefix, log, done)
    return {"patients": patients, "partitions": log.partitions, "rss_bytes": drained.rss_bytes}


def log_of(patients: int, partitions: int) -> Log:
    """Return what is drained at a point."""
    frames = COMPARED_FRAMES if (patients, partitions) in COMPARED else FRAMES
    return Log(max(frames, ROUNDS_MIN * patients), patients, partitions)


def repeats(patients: int, partitions: int) -> int:
    """Return how often a point is drained and recovered."""
    return COMPARED_REPEATS if (patients, partitions) in COMPARED else 1


def measure(stage: Stage, patients: int, partitions: int) -> dict[str, Any]:
    """Drain and recover with so many patients and partitions; return medians and every drain."""
    log, times = log_of(patients, partitions), range(repeats(patients, partitions))
    with filled(stage, f"growth-{patients}-{partitions}.", log) as (prefix, done):
        drains = [drain(stage, SYSTEMS[SYSTEM], prefix, log, done) for _ in times]
    before = stage.topics()
    settings, record_bytes = prepare(stage.broker, state := State(patients, partitions, WINDOWS))
    recoveries = [recover(settings, state) for _ in times]
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
def filled(stage: Stage, prefix: str, log: Log) -> Iterator[tuple[str, Ints]]:
    """Fill topics with a log and delete them afterwards; yields their prefix and the frames up to each mark."""
    stage.create_topics(prefix, log.partitions)
    mine = {name for name in stage.topics() if name.startswith(prefix)}
    try:
        yield prefix, fill(stage.broker, prefix + READINGS, log)
    finally:
        stage.delete_topics(mine)
