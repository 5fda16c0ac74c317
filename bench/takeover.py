"""How long nobody watches a dead worker's patients: with a standby replica of their state, and without.

`python -m bench.takeover` fills a changelog, starts two workers, lets one patient a partition raise an alarm every
fifth of a second, and kills one worker. The gap of a partition is the longest time between two of its alerts as the
broker received them.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from bench.drills.read_back import end_offsets, read_back
from bench.drills.workers import ATTENDED
from bench.recovery_load import State, fill
from edge.brokers.cluster import KafkaCluster, free_ports
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import read
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import VigilError
from streams.kafka.admin import apply_topics, changelog_topic
from streams.kafka.producers import PROBES, Producer

ROOT = Path(__file__).resolve().parent.parent
READY_S = 90.0
AFTER_KILL_S = 45.0
"""How long is listened after the kill: a session timeout, should it be needed, a rebalance and a recovery fit in."""

SETTLE_S = 5.0
"""Between the workers being ready and the kill."""

STEP_S = 0.2
STOP_S = 2.0
PARTITIONS, PATIENTS = 8, 20_000
RULES = '[[rule]]\nid = "hr-high"\nsignal = "hr"\nhigh = 120\ndelay_s = 0\n[technical]\nenabled = false\n'


@dataclass(slots=True)
class Process:
    """The parent of one worker, and where the worker serves its metrics."""

    child: subprocess.Popen[bytes]
    port: int

    def kill(self) -> None:
        """End the worker as a crash would, under its parent, which sees it."""
        for worker in psutil.Process(self.child.pid).children():
            worker.kill()

    def owned(self) -> set[int]:
        """Return the partitions it watches; empty while it is not ready."""
        text = read(f"http://127.0.0.1:{self.port}/metrics", 5) or ""
        return {int(number) for number in re.findall(r'^vigil_lag_frames\{partition="(\d+)"\}', text, re.M)}


class Probes(threading.Thread):
    """One patient a partition whose heart rate crosses the limit with every second frame."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings, self.ending = settings, threading.Event()

    def run(self) -> None:
        """Send until told to end."""
        seq = 0
        with Producer(self._settings, PROBES, self._settings.topic(READINGS)) as producer:
            while not self.ending.wait(STEP_S):
                seq += 1
                for partition in range(PARTITIONS):
                    patient = f"probe-{partition}"
                    frame = {"patient": patient, "device": patient, "boot": 1, "seq": seq}
                    frame |= {"event_ts_ms": int(time.time() * 1000), "hr": 140 if seq % 2 else 80}
                    producer.send(patient.encode(), json.dumps(frame).encode(), partition)


def main() -> int:
    """Measure both ways in turn, print, and return the exit code."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--patients", type=int, default=PATIENTS, help="(%(default)s)")
    options.add_argument("--repeats", type=int, default=2, help="(%(default)s)")
    given = options.parse_args()
    try:
        with KafkaCluster() as kafka:
            for repeat in range(given.repeats):
                for standbys in (0, 1):
                    gaps = gaps_s(kafka.bootstrap, f"over-{repeat}-{standbys}", given.patients, standbys)
                    print(
                        f"{standbys} standby: gap {statistics.median(gaps):.1f} s in the middle of "
                        f"{len(gaps)} partitions, {max(gaps):.1f} s at most",
                        flush=True,
                    )
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def gaps_s(
    brokers: str, name: str, patients: int, standbys: int, after_kill_s: float = AFTER_KILL_S
) -> list[float]:
    """Return the gap of each partition of the killed worker, s.

    Args:
        brokers: of Kafka.
        name: of the workers' group, and of their topics' prefix.
        patients: of both workers.
        standbys: replicas of their state.
        after_kill_s: how long is listened after the kill.

    Raises:
        VigilError: the workers did not come to share the partitions, or nobody took over a partition in that time.
    """
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder, ExitStack() as stack:
        rules = Path(folder) / "rules.toml"
        rules.write_text(RULES)
        settings = Settings(
            brokers=brokers, group=name, topic_prefix=f"{name}.", partitions=PARTITIONS, rules=rules
        )
        apply_topics(settings)
        end_offsets(brokers, changelog_topic(settings), PARTITIONS)  # until its leaders answer
        fill(brokers, changelog_topic(settings), State(patients, PARTITIONS, buckets=10))
        workers = [_start(settings, standbys, Path(folder), number, stack) for number in (1, 2)]
        _await(lambda: all(worker.owned() for worker in workers), workers)
        probes = Probes(settings)
        probes.start()
        stack.callback(probes.ending.set)
        time.sleep(SETTLE_S)  # alerts of the time before belong to the measurement
        victim = workers[0]
        lost = victim.owned()
        victim.kill()
        killed_s = time.time()
        time.sleep(after_kill_s)
        probes.ending.set()
        probes.join()
        return longest_s(_alerts(settings), lost, killed_s + SETTLE_S)


def _start(settings: Settings, standbys: int, folder: Path, number: int, stack: ExitStack) -> Process:
    port = free_ports(1)[0]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VIGIL_")}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "VIGIL_BROKERS": settings.brokers,
        "VIGIL_GROUP": settings.group,
        "VIGIL_TOPIC_PREFIX": settings.topic_prefix,
        "VIGIL_PARTITIONS": str(settings.partitions),
        "VIGIL_RULES": str(settings.rules),
        "VIGIL_METRICS_PORT": str(port),
        "VIGIL_DATA_DIR": str(folder / str(number)),
    }
    log = stack.enter_context((folder / f"{number}.log").open("wb"))
    command = [sys.executable, "-m", ATTENDED, "bench.takeover_worker", str(standbys)]
    child = spawn(command, log.fileno(), environment)
    stack.callback(stop, child, STOP_S)
    return Process(child, port)


def _await(condition: Callable[[], bool], workers: list[Process]) -> None:
    deadline_s = time.monotonic() + READY_S
    while not condition():
        if any(worker.child.poll() is not None for worker in workers) or time.monotonic() > deadline_s:
            raise VigilError("the workers did not come to share the partitions")
        time.sleep(STEP_S)


def _alerts(settings: Settings) -> dict[int, list[float]]:
    """Return when the broker received the alerts of each partition's patient, s; canaries are heard all the time."""
    found: dict[int, list[float]] = {}

    def take(partition: int, records: Sequence[Any]) -> None:
        mine = f"probe-{partition}".encode()
        found.setdefault(partition, []).extend(one.timestamp / 1000 for one in records if one.key == mine)

    read_back(settings.brokers, settings.topic(ALERTS), PARTITIONS, take)
    return found


def longest_s(alerts: Mapping[int, Sequence[float]], lost: Collection[int], until_s: float) -> list[float]:
    """Return the longest time between two alerts of each lost partition, s; `alerts` are times by partition.

    Raises:
        VigilError: a lost partition has no alert after `until_s`.
    """
    times = {partition: sorted(alerts.get(partition, [])) for partition in sorted(lost)}
    if silent := [partition for partition, heard in times.items() if not heard or heard[-1] < until_s]:
        raise VigilError(f"nobody took over the partitions {silent} in time")
    return [max(after - before for before, after in pairwise(heard)) for heard in times.values()]


if __name__ == "__main__":
    sys.exit(main())
