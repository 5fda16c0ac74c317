"""Open-loop runs: a system that runs and is warm, a driver beside it, and what the system told of it."""

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
from edge.brokers.tether import spawn, stop
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import VigilError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
POLL_S: Final = 0.1
WARM_DEADLINE_S: Final = 120.0
WARM_FRAMES: Final = 30_000
"""The warm-up, the same for every system: the last three seconds of 10,000 patients, a frame a second each. It is
more than a just-in-time compiler waits for before it compiles what it runs for each frame."""
DRIVER_SLACK_S: Final = 120.0
PLAN, RESULT, LOG = "plan.json", "driven.json", "driver.log"
"""Files of one run of the driver."""

GRACE_S: Final = 45.0
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


@dataclass(slots=True)
class Driver:
    """The driver's process; its files are in a folder of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    def working(self) -> bool:
        """Whether it has not come to its end."""
        return self.process.poll() is None

    def driven(self) -> Driven:
        """Return what it did.

        Raises:
            VigilError: it failed; with its last words.
        """
        if self.process.wait(DRIVER_SLACK_S) != 0:
            said = (self.folder / LOG).read_text(encoding="utf-8", errors="replace").strip()
            raise VigilError(f"the driver failed: {said[-300:]}")
        return Driven(**json.loads((self.folder / RESULT).read_text(encoding="utf-8")))


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

    def wait(self) -> None:
        """Let a little time pass without taking any of the machine's; raises when the system has ended."""
        time.sleep(POLL_S)
        self._running.check()

    def look(self) -> list[Told]:
        """Return alerts that have come, waiting for some at most `POLL_S`; raises when the system has ended."""
        found = self._reader.poll(POLL_S)
        self._running.check()
        return found

    def read(self) -> list[Told]:
        """Return all alerts that have come until now."""
        found, now_ms = list[Told](), _now_ms()
        while some := self.look():
            found += some
            if max(alert.append_ms for alert in some) >= now_ms:
                break
        return found

    def rss_bytes(self) -> int:
        """Return the resident memory of the system's processes."""
        return self._running.tree.rss_bytes()

    def driving(self, plan: Plan, start_ms: int | None = None) -> AbstractContextManager[Driver]:
        """Start a driver with this plan; its start is its own choice if none is given (ms since the epoch)."""
        folder = self._folder / str(plan.step)
        return driving(self._stage.broker, self._running.order.readings, plan, folder, start_ms)

    def run(self, plan: Plan, grace_s: float = GRACE_S) -> Outcome:
        """Run one plan; alerts that come more than `grace_s` after its end count as missed.

        They are read when the load is over, because reading them meanwhile took a third of a core.

        Raises:
            VigilError: the system ended, or the driver failed.
        """
        onsets = planted(plan)
        cpu_s = self._running.tree.cpu_s()
        driven = _follow(self.driving(plan), plan, self.wait)
        told = self._until_told(onsets, driven, grace_s)
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

    def _until_told(self, onsets: Onsets, driven: Driven, grace_s: float) -> list[Told]:
        """Read until every planted onset has been told, or the grace is over."""
        left, told = expected(onsets, driven.start_ms), list[Told]()
        deadline_s = time.monotonic() + grace_s
        while left and time.monotonic() < deadline_s:
            some = self.look()
            told += some
            left -= starts(some)
        return told


@contextmanager
def driving(
    broker: str, topic: str, plan: Plan, folder: Path, start_ms: int | None = None
) -> Iterator[Driver]:
    """Start the driver's process; it is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    save_plan(plan, broker, topic, folder / PLAN, start_ms)
    command = [sys.executable, "-m", "bench.suite.driver", str(folder / PLAN), str(folder / RESULT)]
    with (folder / LOG).open("wb") as log:
        process = spawn(command, log, {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"})
    try:
        yield Driver(process, folder)
    finally:
        stop(process, 1.0)


def _follow(driving: AbstractContextManager[Driver], plan: Plan, wait: Callable[[], None]) -> Driven:
    """Call `wait` while the driver works, and return what it did; `wait` takes some time and may raise.

    Raises:
        VigilError: the driver failed or did not come to its end.
    """
    with driving as driver:
        deadline_s = time.monotonic() + plan.length_s + DRIVER_SLACK_S
        while driver.working():
            wait()
            if time.monotonic() > deadline_s:
                raise VigilError("the driver did not come to its end")
        return driver.driven()


def rehearse(stage: Stage, plan: Plan) -> float:
    """Return how late the driver is with nothing but the broker beside it, ms at the 99th percentile."""
    prefix = f"rehearsal-{uuid.uuid4().hex[:8]}."
    stage.create_topics(prefix, plan.partitions)
    try:
        with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
            driver = driving(stage.broker, prefix + READINGS, plan, Path(folder))
            driven = _follow(driver, plan, lambda: time.sleep(POLL_S))
    finally:
        stage.delete_topics({name for name in stage.topics() if name.startswith(prefix)})
    return driven.lag_ms["p99"]


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
            opened.warm_up(Log(WARM_FRAMES, partitions=partitions))
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
