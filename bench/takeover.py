"""How long nobody watches patients while workers come, go or die: of partitions that move, and of those that stay.

`python -m bench.takeover` fills a changelog, starts two workers and lets one patient a partition raise an alarm twenty
times a second. Then one worker is killed (with a standby replica of its state, and without), ends in order, or a third
one comes. The gap of a partition is the longest time between two of its alerts as the broker received them.
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
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

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
AFTER_S = 45.0
"""How long is listened afterwards: a session timeout, should it be needed, a rebalance and a recovery fit in."""

SETTLE_S = 5.0
"""Between the workers being ready and the kill."""

STEP_S = 0.05
"""Between two alerts of a partition: no shorter gap can be seen."""

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

    def end(self) -> None:
        """Have the worker drain."""
        self.child.terminate()

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


Event = Literal["killed", "ended", "joined"]
WAYS: tuple[tuple[Event, int], ...] = (("killed", 0), ("killed", 1), ("ended", 0), ("joined", 0))
"""What happens, and how many standby replicas there are."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """The longest silence of each partition, s: of those that another worker has afterwards, and of the others."""

    moved_s: list[float]
    kept_s: list[float]


def main() -> int:
    """Measure all ways in turn, print, and return the exit code."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--patients", type=int, default=PATIENTS, help="(%(default)s)")
    options.add_argument("--repeats", type=int, default=2, help="(%(default)s)")
    given = options.parse_args()
    try:
        with KafkaCluster() as kafka:
            for repeat in range(given.repeats):
                for event, standbys in WAYS:
                    name = f"over-{repeat}-{event}-{standbys}"
                    found = gaps(kafka.bootstrap, name, given.patients, event, standbys)
                    print(f"a worker {event}, {standbys} standby: {_words(found)}", flush=True)
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _words(found: Gaps) -> str:
    return ", ".join(
        f"{len(each)} partitions {what} silent for {statistics.median(each):.2f} s, {max(each):.2f} s at most"
        for what, each in (("moved", found.moved_s), ("kept", found.kept_s))
        if each
    )


def gaps_s(brokers: str, name: str, patients: int, standbys: int, after_s: float = AFTER_S) -> list[float]:
    """Return the gap of each partition of a killed worker, s; arguments and errors are those of `gaps`."""
    return gaps(brokers, name, patients, "killed", standbys, after_s).moved_s


def gaps(
    brokers: str, name: str, patients: int, event: Event, standbys: int = 0, after_s: float = AFTER_S
) -> Gaps:
    """Return the gaps around an event.

    Args:
        brokers: of Kafka.
        name: of the workers' group, and of their topics' prefix.
        patients: of all workers.
        event: what happens to a worker.
        standbys: replicas of their state.
        after_s: how long is listened after it.

    Raises:
        VigilError: the workers did not come to share the partitions, or nobody has a partition in that time.
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
        start = partial(_start, settings, standbys, Path(folder), stack)
        workers = [start(1), start(2)]
        _await(lambda: all(worker.owned() for worker in workers), workers)
        probes = Probes(settings)
        probes.start()
        stack.callback(probes.ending.set)
        time.sleep(SETTLE_S)  # alerts of the time before belong to the measurement
        before = _owners(workers)
        happened_s = time.time()
        if event == "joined":
            workers.append(start(3))
        else:
            leaving = workers.pop(0)
            leaving.kill() if event == "killed" else leaving.end()
        time.sleep(after_s)
        after = _owners(workers)
        probes.ending.set()
        probes.join()
        moved = {number for number, port in before.items() if after.get(number) != port}
        alerts = _alerts(settings)
        return Gaps(
            *(longest_s(alerts, some, happened_s + SETTLE_S) for some in (moved, before.keys() - moved))
        )


def _owners(workers: Sequence[Process]) -> dict[int, int]:
    """Return the metrics port of each partition's worker."""
    return {number: worker.port for worker in workers for number in worker.owned()}


def _start(settings: Settings, standbys: int, folder: Path, stack: ExitStack, number: int) -> Process:
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


def longest_s(alerts: Mapping[int, Sequence[float]], some: Collection[int], until_s: float) -> list[float]:
    """Return the longest time between two alerts of each of some partitions, s; `alerts` are times by partition.

    Raises:
        VigilError: one of them has no alert after `until_s`.
    """
    times = {partition: sorted(alerts.get(partition, [])) for partition in sorted(some)}
    if silent := [partition for partition, heard in times.items() if not heard or heard[-1] < until_s]:
        raise VigilError(f"nobody took over the partitions {silent} in time")
    return [max(after - before for before, after in pairwise(heard)) for heard in times.values()]


if __name__ == "__main__":
    sys.exit(main())
