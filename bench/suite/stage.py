"""A run's surroundings: its topics on the broker, the system's processes, and nothing left of either afterwards."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from bench.drills.read_back import end_offsets
from bench.suite.measure import ProcessTree
from bench.suite.systems import Order, System, vigil_settings
from edge.brokers.cluster import KafkaCluster
from edge.brokers.tether import spawn
from streams.contracts.topics import ALERTS, READINGS, TOPICS
from streams.errors import VigilError
from streams.kafka.admin import apply_topics

REQUEST_MS: Final = 30_000
STOP_S: Final = 12.0
"""A system ends within 10 s of SIGTERM; after this its whole session is killed."""

LOG_TAIL_LINES: Final = 5


@dataclass(slots=True)
class Running:
    """A system that runs; `started_s` is when its process was started, s since the epoch."""

    system: System
    order: Order
    process: subprocess.Popen[bytes]
    tree: ProcessTree
    log: Path
    started_s: float

    def check(self) -> None:
        """Raise a `VigilError` with the system's last lines when it has ended by itself."""
        if (code := self.process.poll()) is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise VigilError(f"{self.system.name} ended with exit code {code}: {' | '.join(said)}")


class Stage:
    """Runs systems on one broker. `logs` keeps what they write to their standard error."""

    def __init__(self, kafka: KafkaCluster, logs: Path) -> None:
        self.broker = kafka.bootstrap
        self._broker_trees = [ProcessTree(pid) for pid in kafka.pids]
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    def broker_cpu_s(self) -> float:
        """Return the processor time that the broker has used, s."""
        return sum(tree.cpu_s() for tree in self._broker_trees)

    def create_topics(self, prefix: str, partitions: int) -> None:
        """Create the topics of frames and alerts as Vigil's own are configured."""
        wanted = {
            prefix + topic.name: {
                "num_partitions": partitions,
                "replication_factor": 1,
                "configs": dict(topic.config),
            }
            for topic in TOPICS
            if topic.name in (READINGS, ALERTS)
        }
        with self._admin() as admin:
            admin.create_topics(wanted, timeout_ms=REQUEST_MS)
            admin.wait_for_topics(list(wanted), timeout_ms=REQUEST_MS)
        for topic in wanted:  # a partition has a leader some time before that leader takes records
            end_offsets(self.broker, topic, partitions)

    def topics(self) -> set[str]:
        """Return the names of all topics."""
        with self._admin() as admin:
            return set(admin.list_topics())

    def delete_topics(self, names: set[str]) -> None:
        """Delete topics; those that are gone already are no trouble."""
        names = {name for name in names if not name.startswith("__")}
        if names:
            with self._admin() as admin, contextlib.suppress(KafkaError):
                admin.delete_topics(sorted(names), timeout_ms=REQUEST_MS)

    @contextmanager
    def run(self, system: System, prefix: str, partitions: int, recorded: bool) -> Iterator[Running]:
        """Run a system on the topics with this prefix; topics that it makes are deleted with its state."""
        before = self.topics()
        mark = uuid.uuid4().hex[:8]
        folder = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
        order = Order(self.broker, prefix, f"bench-{system.name}-{mark}", partitions, folder, recorded)
        log = self._logs / f"{system.name}-{mark}.log"
        try:
            command, environment = system.start(order)
            if system.name.startswith("vigil"):
                apply_topics(vigil_settings(order))
            started_s = time.time()
            with log.open("wb") as output:
                process = spawn(command, output, {**_without_settings(), **environment})
            try:
                yield Running(system, order, process, ProcessTree(process.pid), log, started_s)
            finally:
                _end(process)
        finally:
            self.delete_topics(self.topics() - before)
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        with closing(
            KafkaAdminClient(bootstrap_servers=[self.broker], request_timeout_ms=REQUEST_MS)
        ) as admin:
            yield admin


def _without_settings() -> dict[str, str]:
    """Return our environment without settings of Vigil that happen to be in it."""
    return {name: value for name, value in os.environ.copy().items() if not name.startswith("VIGIL_")}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the system to end, wait, then kill whatever is left of its session."""
    if process.poll() is None:
        process.terminate()
    deadline_s = time.monotonic() + STOP_S
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline_s - time.monotonic()))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # spawn gave it a session of its own
    process.wait(STOP_S)
