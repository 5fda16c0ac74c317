"""All brokers stand still for minutes, as frozen machines do, while a simulator and a watcher run beside the workers.

What clients hold is then at stake: connections stay open and nothing is said, for longer than any delivery time-out.
"""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.drills.broker_faults import cluster_of
from bench.drills.fault import ALL, Fault, working
from bench.drills.faults import stopped
from bench.drills.findings import Findings
from bench.drills.read_back import read_back
from bench.drills.said import said
from bench.drills.stage import Stage
from bench.drills.supervision import all_ready, keep_running
from edge.brokers.tether import spawn
from edge.watching.monitoring_losses import MONITORING_LOST
from edge.workers import worker_environment
from streams.contracts.topics import ALERTS, READINGS

BEGIN: Final = 0.1
STILL_SHARE: Final = 0.625
"""Of the load's time: 150 s of the 240 s that a whole drill lasts."""

BACK_S_MAX: Final = 15.0
"""Simulator, watcher and workers work again so soon after the brokers."""

LOOK_S_MAX: Final = 60.0
"""For so long it is looked when they do."""

SIMULATED_BEDS: Final = 40
SIMULATED: Final = re.compile(rb"bed-\d{4}")
"""The simulator's patients; the load's have longer names."""

END_S_MAX: Final = 10.0
POLL_S: Final = 0.2


@dataclass(slots=True)
class Beside:
    """A command of ours that runs beside the workers and says JSON lines."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> list[dict[str, Any]]:
        """Return the lines so far that are whole JSON objects."""
        return said(self.log)

    def end(self) -> None:
        """Ask it to end, and wait."""
        self.process.terminate()
        self.process.wait(END_S_MAX)


@contextlib.contextmanager
def still(stage: Stage) -> Iterator[str]:
    """Every broker's process stands still; healed, all go on."""
    with contextlib.ExitStack() as going_on:
        for pid in cluster_of(stage).pids:
            going_on.enter_context(stopped(pid))
        yield "all brokers stand still"


STILL: Final = Fault("brokers-still", still, (10.0, 60.0), LOOK_S_MAX, ALL)


def let_brokers_stand_still(stage: Stage) -> None:
    """Stop every broker's process for a long time and let it go on, and see who comes back when."""
    still_s = STILL_SHARE * stage.seconds
    watching = ["watch", "--alert", "--keep-going", "--json"]
    simulating = ["simulate", "--json", "--beds", str(SIMULATED_BEDS)]
    with _beside(stage, watching) as watcher, _beside(stage, simulating) as simulator:
        stage.sleep_until(BEGIN)
        with working(stage, STILL):
            keep_running(stage, still_s)
        stage.facts["down_s"] = round(still_s, 1)
        back_s = time.time()
        _wait_back(stage, simulator, back_s)
        # Later than the workers: it believes them when offsets are committed and the canaries come back.
        if keep_running(stage, stage.left_s, lambda: not _lost(watcher)):
            stage.facts["monitored_after_s"] = round(time.time() - back_s, 1)
            keep_running(stage, stage.left_s)
        simulator.end()
        if lost := _lost(watcher):
            stage.broken.append(f"{len(lost)} partitions are not monitored again, as the watcher says")
        watcher.end()
        _compare_simulator(stage, simulator)
        _compare_watcher(stage, watcher, back_s)


@contextlib.contextmanager
def _beside(stage: Stage, arguments: Sequence[str]) -> Iterator[Beside]:
    log = stage.folder / f"{arguments[0]}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-P", "-m", "edge", *arguments]
        process = spawn(command, output, worker_environment(stage.settings))
    try:
        yield Beside(process, log)
    finally:
        process.kill()
        process.wait()


def _wait_back(stage: Stage, simulator: Beside, back_s: float) -> None:
    """Look after the workers until they and the simulator work again, and note after how long each did."""
    found: dict[str, float] = {}
    last = simulator.said()[-1]

    def all_back() -> bool:
        after_s = round(time.time() - back_s, 1)
        if all_ready(stage) and stage.workers.running:
            found.setdefault("workers", after_s)
        if any(one["acknowledged"] > last["acknowledged"] for one in simulator.said()[-1:]):
            found.setdefault("simulator", after_s)
        return len(found) == 2

    keep_running(stage, LOOK_S_MAX, all_back)
    stage.facts["back_after_s"] = found
    stage.say(f"back after: {found}")
    for name in ("workers", "simulator"):
        if found.get(name, LOOK_S_MAX) > BACK_S_MAX:
            stage.broken.append(f"{name}: not back {BACK_S_MAX:g} s after the brokers ({found.get(name)} s)")


def _lost(watcher: Beside) -> set[int]:
    """Return the partitions whose monitoring is lost, as the watcher has said."""
    states = {one["partition"]: one["monitoring"] for one in watcher.said()}
    return {partition for partition, state in states.items() if state == "lost"}


def _compare_simulator(stage: Stage, simulator: Beside) -> None:
    """Every frame that the simulator counts as acknowledged is in the log."""
    summary = simulator.said()[-1]
    found: set[int] = set()

    def take(_: int, records: Sequence[Any]) -> None:
        found.update(hash(one.value) for one in records if SIMULATED.fullmatch(one.key or b""))

    read_back(stage.settings.brokers, stage.settings.topic(READINGS), stage.settings.partitions, take)
    names = ("planned", "sent", "acknowledged", "failed", "refused", "waiting", "in_flight")
    stage.facts["simulator"] = {name: summary[name] for name in names} | {"in_log": len(found)}
    if len(found) < summary["acknowledged"]:
        missing = summary["acknowledged"] - len(found)
        stage.broken.append(f"{missing} frames that the simulator saw acknowledged are not in the log")


def _compare_watcher(stage: Stage, watcher: Beside, back_s: float) -> None:
    """Every start and end of lost monitoring that the watcher said is in the topic, and the first soon after."""
    wanted = sorted((one["partition"], one["monitoring"], one["ts_ms"]) for one in watcher.said())
    found: dict[tuple[int, str, int], float] = {}
    copies = 0

    def take(partition: int, records: Sequence[Any]) -> None:
        nonlocal copies
        for record in records:
            alert = json.loads(record.value)
            if alert["rule"] == MONITORING_LOST:
                copies += 1
                key = partition, "lost" if alert["phase"] == "start" else "back", alert["event_ts_ms"]
                found.setdefault(key, record.timestamp / 1000)

    read_back(stage.settings.brokers, stage.settings.topic(ALERTS), stage.settings.partitions, take)
    after_s = min((at_s - back_s for at_s in found.values() if at_s >= back_s), default=LOOK_S_MAX)
    stage.facts["watcher"] = {
        "said": len(wanted),
        "written": len(found),
        "copies": copies - len(found),
        "back_after_s": round(after_s, 1),
    }
    if missing := set(wanted) - found.keys():
        stage.broken.append(f"{len(missing)} alerts of lost monitoring are not in the topic")
    if not wanted:
        stage.broken.append("the watcher noticed nothing")
    if after_s > BACK_S_MAX:
        stage.broken.append(f"the watcher wrote nothing for {BACK_S_MAX:g} s after the brokers were back")


def no_later_than_all_are_back(found: Findings) -> list[str]:
    """What could not be judged meanwhile is judged soon after the brokers are back."""
    bound_s = float(found.facts["down_s"]) + LOOK_S_MAX
    late_s = found.latency_max_s()
    return [f"an alert came {late_s:.1f} s late, more than {bound_s:g} s"] if late_s > bound_s else []
