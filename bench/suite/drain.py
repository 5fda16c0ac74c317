"""Drain: how many frames a system gets through per second of processor time, from a topic that is full."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.peers.spec import MARKER
from bench.suite.alerts_reader import AlertsReader
from bench.suite.arrivals import Ints
from bench.suite.fill import Log, mark_at, mark_of
from bench.suite.stage import Running, Stage
from bench.suite.systems import System
from streams.contracts.topics import ALERTS
from streams.errors import VigilError

WARM_UP: Final = 0.2
"""The first part of every partition, which is not measured: compilers and caches settle."""

POLL_S: Final = 0.05
STILL_S_MAX: Final = 60.0
"""A system that reaches no further mark for so long is stuck; the first one includes its start."""


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain: frames between two moments, and the time and memory that the process tree took between them.

    `broker_cpu_s` is the broker's processor time between them. `first_s` is from the start of the system's process
    until the broker had its first alert, of one of the log's first frames.
    """

    frames: int
    cpu_s: float
    broker_cpu_s: float
    wall_s: float
    rss_bytes: int
    first_s: float

    @property
    def per_core_s(self) -> float:
        """Frames per second of processor time."""
        return self.frames / self.cpu_s

    @property
    def per_s(self) -> float:
        """Frames per second on the wall."""
        return self.frames / self.wall_s


def drain(
    stage: Stage, system: System, prefix: str, log: Log, done: Ints, frames: int | None = None
) -> Drained:
    """Run a system on a filled topic until the marks after so many frames are told in all partitions.

    Args:
        stage: the broker.
        system: which one.
        prefix: of the topics.
        log: what the topic is filled with.
        done: (partitions, marks + 1) frames up to each mark.
        frames: how many are drained, of all partitions; None = all of the log.

    Raises:
        VigilError: the system ended or got stuck.
    """
    with (
        AlertsReader(stage.broker, prefix + ALERTS, log.partitions) as reader,
        stage.run(system, prefix, log.partitions, recorded=True) as running,
    ):
        return _follow(reader, running, stage.broker_cpu_s, done, log.frames if frames is None else frames)


def _follow(
    reader: AlertsReader, running: Running, broker_cpu_s: Callable[[], float], done: Ints, frames: int
) -> Drained:
    partitions, marks = np.arange(len(done)), done.shape[1] - 1
    reached = np.zeros(len(done), dtype=np.int64)
    warm, last = max(1, mark_at(done, WARM_UP * frames)), mark_at(done, frames)
    start: tuple[int, float, float, float] | None = None
    moved_s, first_ms = time.monotonic(), 0
    while reached.min() < last:
        for told in reader.poll(POLL_S):
            first_ms = first_ms or told.append_ms
            if told.rule == MARKER and told.phase == "start":
                partition, mark = mark_of(told.patient, marks)
                if mark > reached[partition]:
                    reached[partition] = mark
                    moved_s = time.monotonic()
        if start is None and reached.min() >= warm:
            # Partitions are not read evenly: what is done of each is known from its last mark.
            counted = int(done[partitions, reached].sum())
            start = counted, running.tree.cpu_s(), broker_cpu_s(), time.perf_counter()
        running.check()
        if time.monotonic() - moved_s > STILL_S_MAX:
            raise VigilError(f"{running.system.name} stands still: marks {reached.tolist()} of {last}")
    assert start is not None
    counted, cpu_s, broker_s, wall_s = start
    return Drained(
        int(done[partitions, reached].sum()) - counted,
        running.tree.cpu_s() - cpu_s,
        broker_cpu_s() - broker_s,
        time.perf_counter() - wall_s,
        running.tree.rss_bytes(),
        first_ms / 1000 - running.started_s,
    )
