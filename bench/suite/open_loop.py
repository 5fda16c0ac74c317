"""Open-loop runs: a system that runs and is warm, a driver beside it, and what the system told of it."""

import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.peers.spec import MARKER
from bench.suite.alerts_reader import AlertsReader, Told
from bench.suite.arrivals import AT_ONCE, Onsets, Plan, planted
from bench.suite.driver import Driven, save_plan
from bench.suite.fill import Log, fill, mark_of
from bench.suite.latency import Floats, latencies_ms
from bench.suite.stage import Running, Stage
from bench.suite.systems import System
from bench.suite.wire import patient_id
from streams.errors import VigilError
from streams.tether import spawn, stop
from streams.topics import ALERTS, READINGS

ROOT: Final = Path(__file__).resolve().parent.parent.parent
POLL_S: Final = 0.1
WARM_DEADLINE_S: Final = 120.0
WARM_SECONDS_MAX: Final = 50
"""The warm-up is up to so many seconds of the bench's patients, just past: a frame a second each."""
WARM_ONE_IN: Final = 10
"""Of what the system drains in one go."""
DRIVER_SLACK_S: Final = 120.0
GRACE_S: Final = 20.0
"""What a system has not told so long after the load's end counts as missed."""


@dataclass(slots=True)
class Outcome:
    """One open-loop run: what was planned, what the driver did, the latency of each onset, and the tree's cost."""

    plan: Plan
    onsets: Onsets
    driven: Driven
    latency_ms: Floats
    cpu_s: float
    rss_bytes: int
    unplanned: int
    """Starts of the planted rule that nothing planned accounts for."""


class Session:
    """A system that runs on topics of its own and has had its warm-up; runs open loops one after the other."""

    def __init__(self, stage: Stage, running: Running, reader: AlertsReader, folder: Path) -> None:
        self._stage, self._running, self._reader, self._folder = stage, running, reader, folder

    def warm_up(self, log: Log) -> None:
        """Let the system work through a little log of the last seconds and wait until it has."""
        fill(self._stage.broker, self._running.order.readings, log, _now_ms() - log.rounds * log.interval_ms)
        reached = np.zeros(log.partitions, dtype=np.int64)
        deadline_s = time.monotonic() + WARM_DEADLINE_S
        while reached.min() < log.marks:
            for told in self._reader.poll(POLL_S):
                if told.rule == MARKER and told.phase == "start":
                    partition, mark = mark_of(told.patient, log.marks)
                    reached[partition] = max(reached[partition], mark)
            self._running.check()
            if time.monotonic() > deadline_s:
                raise VigilError(f"{self._running.system.name} was not warm within {WARM_DEADLINE_S:.0f} s")

    def run(self, plan: Plan, grace_s: float = GRACE_S) -> Outcome:
        """Run one plan; alerts that come more than `grace_s` after its end count as missed.

        Raises:
            VigilError: the system ended, or the driver failed.
        """
        onsets = planted(plan)
        cpu_s = self._running.tree.cpu_s()
        told: list[Told] = []

        def look() -> None:
            told.extend(self._reader.poll(POLL_S))
            self._running.check()

        driven = drive(self._stage.broker, self._running.order.readings, plan, self._folder, look)
        self._until_told(onsets, driven, told, grace_s)
        latency = latencies_ms(onsets, driven.start_ms, told)
        return Outcome(
            plan,
            onsets,
            driven,
            latency,
            self._running.tree.cpu_s() - cpu_s,
            self._running.tree.rss_bytes(),
            _unplanned(onsets, driven.start_ms, told),
        )

    def _until_told(self, onsets: Onsets, driven: Driven, told: list[Told], grace_s: float) -> None:
        """Read on until every planted onset has been told, or the grace is over."""
        left = expected(onsets, driven.start_ms) - starts(told)
        deadline_s = time.monotonic() + grace_s
        while left and time.monotonic() < deadline_s:
            some = self._reader.poll(POLL_S)
            told += some
            left -= starts(some)
            self._running.check()


def drive(broker: str, topic: str, plan: Plan, folder: Path, look: Callable[[], None]) -> Driven:
    """Run the driver's process and call `look` while it works; `look` takes some time and may raise.

    Raises:
        VigilError: the driver failed or did not come to its end.
    """
    given, result = folder / f"plan-{plan.step}.json", folder / f"driven-{plan.step}.json"
    save_plan(plan, broker, topic, given)
    with (folder / f"driver-{plan.step}.log").open("w+b") as log:
        command = [sys.executable, "-m", "bench.suite.driver", str(given), str(result)]
        driver = spawn(command, log, {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"})
        deadline_s = time.monotonic() + plan.length_s + DRIVER_SLACK_S
        try:
            while driver.poll() is None:
                look()
                if time.monotonic() > deadline_s:
                    raise VigilError("the driver did not come to its end")
        finally:
            stop(driver, 1.0)
        if driver.returncode != 0:
            log.seek(0)
            raise VigilError(f"the driver failed: {log.read().decode(errors='replace').strip()[-300:]}")
    return Driven(**json.loads(result.read_text(encoding="utf-8")))


def rehearse(stage: Stage, plan: Plan) -> bool:
    """Return whether the driver keeps to a plan with nothing but the broker beside it."""
    prefix = f"rehearsal-{uuid.uuid4().hex[:8]}."
    stage.create_topics(prefix, plan.partitions)
    try:
        with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
            driven = drive(stage.broker, prefix + READINGS, plan, Path(folder), lambda: time.sleep(POLL_S))
    finally:
        stage.delete_topics({name for name in stage.topics() if name.startswith(prefix)})
    return not driven.void


@contextmanager
def session(stage: Stage, system: System, prefix: str, partitions: int, folder: Path) -> Iterator[Session]:
    """Start a system on fresh topics and warm it up; everything is gone afterwards."""
    stage.create_topics(prefix, partitions)
    mine = {name for name in stage.topics() if name.startswith(prefix)}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            AlertsReader(stage.broker, prefix + ALERTS, partitions) as reader,
            stage.run(system, prefix, partitions, recorded=False) as running,
        ):
            opened = Session(stage, running, reader, folder)
            seconds = min(WARM_SECONDS_MAX, max(1, system.drain_frames // WARM_ONE_IN // Log(0).patients))
            opened.warm_up(Log(seconds * Log(0).patients, partitions=partitions))
            yield opened
    finally:
        stage.delete_topics(mine)


def expected(onsets: Onsets, start_ms: int) -> set[tuple[str, str, int]]:
    """Return patient, rule and event time (ms since the epoch) of every alert that must come."""
    patients = [patient_id(patient).decode() for patient in onsets.patient.tolist()]
    return set(zip(patients, onsets.rule, (start_ms + onsets.event_ms).tolist(), strict=True))


def starts(told: list[Told]) -> set[tuple[str, str, int]]:
    """Return patient, rule and event time of the starts among alerts."""
    return {(alert.patient, alert.rule, alert.event_ms) for alert in told if alert.phase == "start"}


def _unplanned(onsets: Onsets, start_ms: int, told: list[Told]) -> int:
    """Count the starts of the planted rule that nothing accounts for."""
    found = {start for start in starts(told) if start[1] == AT_ONCE.id}
    return len(found - expected(onsets, start_ms))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
