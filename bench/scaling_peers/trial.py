"""The stage of one way to more partitions: a Kafka, the load, a peer's processes, and what they wrote read back."""

import contextlib
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from kafka import KafkaAdminClient

from bench.drills.ledger import Ledger, Outcome
from bench.drills.read_back import end_offsets, read_back
from bench.drills.run import LEAD_S, LOADER_S_MAX, ROOT
from bench.drills.ward import RULES, LoadPlan
from bench.load import create_topic
from bench.peers.defaults import NEWS2
from bench.peers.spec import MARKER, MARKER_HR, MARKER_PATIENTS, METADATA_AGE_MS, Limit, Spec
from bench.scaling_peers.outcome import Written
from bench.suite.alerts_reader import AlertsReader, Told, told
from bench.suite.fill import MARK_VALUES
from bench.suite.measure import ProcessTree
from bench.suite.sender import Sender
from bench.suite.wire import Request, batch_of_records, frame_value, produce_request
from edge.brokers.tether import spawn, stop
from streams.contracts.partitions import partition_of
from streams.errors import VigilError

READINGS: Final = "readings"
"""The topic to which the load is written, whatever becomes of the application."""
ALERTS: Final = "alerts"
PARTITIONS: Final = 4
PARTITIONS_MAX: Final = 24

REQUEST_MS: Final = 30_000
POLL_S: Final = 0.1
BEGIN_S_MAX: Final = 150.0
"""From a peer's start to its first alerts, on a busy machine."""
END_S_MAX: Final = 120.0
JUDGED_S_MAX: Final = 150.0
"""For a new application to reach the present: its start, the log read again, and a commit, each 10 s."""
COPIED_S_MAX: Final = 150.0
STOP_S_MAX: Final = 20.0
QUIET_S: Final = 2.0
"""After the last mark was told, for alerts of other partitions."""

DRILL_LIMITS: Final = tuple(
    Limit(
        rule["id"],
        rule["signal"],
        rule.get("low"),
        rule.get("high"),
        round(1000 * rule["delay_s"]),
        rule.get("clear_margin", 0.0),
        round(1000 * rule.get("clear_delay_s", 0.0)),
    )
    for rule in tomllib.loads(RULES)["rule"]
)
LIMITS: Final = (
    *DRILL_LIMITS,
    Limit(MARKER, "hr", low=None, high=MARKER_HR, delay_ms=0, clear_margin=0.0, clear_delay_ms=0),
)
"""The drill's limits, and the marks'. Silent devices and lost signals are no work of the peers."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load, as the drill's options; `seconds` long, `rate` in frames/s over all patients."""

    seconds: float = 120.0
    rate: float = 2_000.0
    patients: int = 5_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of a peer, the group it reads in, and where it writes what it says."""

    name: str
    group: str
    process: subprocess.Popen[bytes]
    log: Path
    state: Path

    @property
    def said(self) -> str:
        """All that it said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def cpu_s(self) -> float:
        """Processor time that it has used, s: what its start costs, whatever else the machine has to do."""
        return ProcessTree(self.process.pid).cpu_s()

    def stop(self) -> int:
        """Ask it to end in order; return its exit code."""
        return stop(self.process, STOP_S_MAX)

    def ended(self, wait_s: float) -> int:
        """Wait until it has ended by itself; return its exit code."""
        try:
            return self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            raise VigilError(f"{self.name} did not end within {wait_s:g} s") from None


@dataclass
class Trial:
    """What a way may touch. `start_s` is when the load begins (wall clock)."""

    brokers: str
    folder: Path
    load: Load
    start_s: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)
    accepted: int = 0
    """Frames that the broker acknowledged."""
    _instances: list[Instance] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        group: str,
        readings: str,
        to: str = ALERTS,
        partitions: int,
        threads: int,
        state: Path | None = None,
        standbys: int = 0,
        metadata_age_ms: int = METADATA_AGE_MS,
    ) -> Instance:
        """Start a process of a peer; `state` is where an earlier one kept its state, else a fresh folder."""
        number = len(self._instances)
        state = state or self.folder / f"state-{number}"
        state.mkdir(exist_ok=True)
        order, log = self.folder / f"spec-{number}.json", self.folder / f"{name}-{number}.log"
        Spec(
            self.brokers, readings, to, group, partitions, str(state), threads, LIMITS, NEWS2,
            standbys, metadata_age_ms,
        ).save(order)  # fmt: skip
        with log.open("wb") as output:
            process = spawn([*command, str(order)], output)
        self._instances.append(Instance(name, group, process, log, state))
        return self._instances[-1]

    def close(self) -> None:
        """End whatever still runs."""
        for instance in self._instances:
            stop(instance.process, 0.0)

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Play the load; wait for its end when the block is left."""
        self.start_s = time.time() + LEAD_S
        plan = LoadPlan(
            self.brokers,
            READINGS,
            PARTITIONS,
            self.load.seconds,
            self.load.rate,
            self.load.patients,
            self.load.seed,
            int(self.start_s * 1000),
        )
        path, log = self.folder / "ledger.npz", self.folder / "loader.log"
        program = ["-P", "-m", "bench.scaling_peers.following_load", json.dumps(asdict(plan)), str(path)]
        with log.open("wb") as output:
            process = spawn([sys.executable, *program], output, {**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            yield
            left_s = self.start_s + self.load.seconds - time.time()
            code = process.wait(max(0.0, left_s) + LOADER_S_MAX)
        except subprocess.TimeoutExpired:
            raise VigilError("the loader did not end") from None
        finally:
            stop(process, term_wait_s=0.0)
        if code != 0:
            raise VigilError(f"the loader ended with {code}: {log.read_text()[-500:]}")
        self.accepted = Ledger.load(path).count(Outcome.ACCEPTED)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[dict[str, Any]]:
        """Note when a step was worked on, s of the load; what is put into the dictionary is noted with it."""
        self.say(what)
        noted: dict[str, Any] = {"what": what, "from_s": round(time.time() - self.start_s, 1)}
        yield noted
        noted["to_s"] = round(time.time() - self.start_s, 1)
        self.steps.append(noted)
        self.say(str(noted))

    def say(self, line: str) -> None:
        """Tell on standard error what happens."""
        at_s = max(0.0, time.time() - self.start_s) if self.start_s else 0.0
        print(f"{at_s:7.1f} s  {line}", file=sys.stderr, flush=True)

    def sleep_until(self, share: float) -> None:
        """Wait until this share of the load's time has passed."""
        time.sleep(max(0.0, self.start_s + share * self.load.seconds - time.time()))

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic that is configured as Vigil's readings are, and wait for its leaders."""
        create_topic(self.brokers, topic, partitions)
        end_offsets(self.brokers, topic, partitions)

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions, and wait for their leaders."""
        with self._admin() as admin:
            admin.create_partitions({topic: partitions}, timeout_ms=REQUEST_MS)
        end_offsets(self.brokers, topic, partitions)

    def ends(self, topic: str, partitions: int) -> list[int]:
        """Return where each partition of a topic ends now."""
        return end_offsets(self.brokers, topic, partitions)

    def await_judged(self, group: str, topic: str, partitions: int) -> None:
        """Wait until a group has committed all that the topic holds now."""
        wanted = self.ends(topic, partitions)

        def is_there() -> bool:
            with self._admin() as admin:
                found = admin.list_group_offsets(group).get(group, {})
            done = {tp.partition: at.offset for tp, at in found.items() if tp.topic == topic}
            return all(done.get(number, 0) >= end for number, end in enumerate(wanted))

        self.wait(is_there, JUDGED_S_MAX, f"{group} did not judge what was there")

    def wait(self, condition: Callable[[], bool], wait_s: float, otherwise: str) -> None:
        """Wait for a condition, for a bounded time."""
        until_s = time.monotonic() + wait_s
        while not condition():
            if time.monotonic() > until_s:
                raise VigilError(f"{otherwise} within {wait_s:g} s")
            time.sleep(POLL_S)

    def await_marks(self, kind: str, partitions: int, wait_s: float, instances: Sequence[Instance]) -> None:
        """Write a mark into each partition of the readings, and wait until each was told."""
        names = mark_names(kind, PARTITIONS_MAX)
        with AlertsReader(self.brokers, ALERTS, PARTITIONS) as reader, Sender(self.brokers, 1) as sender:
            now_ms = int(time.time() * 1000)
            columns: dict[int, list[tuple[bytes, bytes]]] = {}
            for name in names:
                frame = frame_value(name.encode(), 1, now_ms, MARK_VALUES)
                columns.setdefault(partition_of(name, partitions), []).append((name.encode(), frame))
            batches = [(place, batch_of_records(column, now_ms)) for place, column in columns.items()]
            sender.at_once([Request(0, 0, produce_request(READINGS, batches, 1))])
            until_s, left = time.monotonic() + wait_s, set(names)
            while left := left - {alert.patient for alert in reader.poll(POLL_S)}:
                if time.monotonic() > until_s or any(one.process.poll() is not None for one in instances):
                    last = instances[0].said[-500:]
                    raise VigilError(f"{len(left)} marks {kind} not told within {wait_s:g} s: {last}")

    def read_log(self, topic: str, partitions: int) -> list[Written]:
        """Return all frames of a topic but for marks, partition by partition in order."""
        found: list[Written] = []

        def take(_: int, records: Sequence[Any]) -> None:
            for record in records:
                if not record.key.startswith(_MARKS):
                    found.append(Written(json.loads(record.value), record.timestamp))

        read_back(self.brokers, topic, partitions, take)
        return found

    def read_alerts(self) -> list[Told]:
        """Return all alerts, each patient's in order."""
        found: list[Told] = []

        def take(_: int, records: Sequence[Any]) -> None:
            found.extend(map(told, records))

        read_back(self.brokers, ALERTS, PARTITIONS, take)
        return found

    @contextlib.contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        with closing(
            KafkaAdminClient(bootstrap_servers=[self.brokers], request_timeout_ms=REQUEST_MS)
        ) as admin:
            yield admin


_MARKS: Final = tuple(name.encode() for name in MARKER_PATIENTS)


def mark_names(kind: str, partitions: int) -> list[str]:
    """Return a patient for each partition, in their order; they cover any divisor of `partitions` as well."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < partitions:
        name = f"{kind}{number}"
        found.setdefault(partition_of(name, partitions), name)
        number += 1
    return [found[partition] for partition in range(partitions)]
