"""Workers as child processes: how one is started, and a pool that starts those that die again."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn
from edge.departures import Departures, new_client_id
from edge.options import with_changes
from edge.project import ROOT
from streams.config.settings import Settings
from streams.errors import BadData, BrokerUnreachable, UsageError, VigilError

RESTARTS_MAX: Final = 5
"""A worker that dies more often than this in a row has a fault that starting again does not mend."""

STABLE_S: Final = 60.0
"""A worker that ran for so long before it died counts as mended: its deaths are counted anew."""

BACKOFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
TERM_WAIT_S: Final = 3.0
"""For a last checkpoint; with the broker's end it stays below the five seconds promised for Ctrl-C."""

KILL_WAIT_S: Final = 0.5
_POLL_S: Final = 0.05
LOG_TAIL_BYTES: Final = 2_000
_ERRORS: Final[Mapping[int, type[VigilError]]] = {
    error.exit_code: error for error in (UsageError, BrokerUnreachable, BadData)
}
_HOPELESS: Final = frozenset({UsageError.exit_code, BadData.exit_code})
"""Exit codes after which a restart meets the same settings and fails in the same way."""


def worker_command() -> list[str]:
    """Return program and arguments of a worker; `-P` keeps the current folder from hiding our packages."""
    return [sys.executable, "-P", "-m", "agents"]


def worker_environment(settings: Settings) -> dict[str, str]:
    """Return our environment with exactly these settings in it."""
    others = {name: value for name, value in dict(os.environ).items() if not name.startswith("VIGIL_")}
    return others | settings.environment() | {"PYTHONPATH": str(ROOT)}


@dataclass(slots=True)
class Worker:
    """One place in the pool: its settings stay the same when its process is started again."""

    settings: Settings
    log_path: Path | None
    restarts: int = 0
    deaths_in_a_row: int = 0
    start_at_s: float = 0.0
    started_s: float = 0.0
    client_id: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def metrics_url(self) -> str:
        """Where this worker serves its metrics."""
        return f"http://{self.settings.metrics_host}:{self.settings.metrics_port}/metrics"


class WorkerPool:
    """Runs `count` workers while the `with` block lasts, and starts one that dies again after a growing wait.

    Their output goes to one file each in the data folder, removed at the end unless a worker failed.

    Args:
        settings: of every worker, but for the place of its metrics.
        count: how many.
        verbose: output goes to our standard error instead of the files.
        command: replaces the worker's program (for tests).
        ports: of the metrics, one a worker; None = free ones on loopback.
        term_wait_s: for the workers to end when the block ends, before they are killed.
        say: told in one line when a worker dies and when it will be started again.
        name: what the workers are called in what is said.
        departures: has the group drop those that die; None = they are in it until their session ends.
    """

    def __init__(
        self,
        settings: Settings,
        count: int,
        verbose: bool = False,
        command: Sequence[str] | None = None,
        *,
        ports: Sequence[int] | None = None,
        term_wait_s: float = TERM_WAIT_S,
        say: Callable[[str], None] = lambda line: None,
        name: str = "worker",
        departures: Departures | None = None,
    ) -> None:
        self._name = name
        self._departures = departures
        self._settings = settings
        self._count = count
        self._verbose = verbose
        self._command = list(command) if command is not None else worker_command()
        self._ports = ports
        self._term_wait_s = term_wait_s
        self._say = say
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.workers: list[Worker] = []
        self.failure: VigilError | None = None
        self.not_drained: list[int] = []
        """Exit codes of workers that were asked to end and did not do it in order; negative = killed by a signal."""
        self._keep_logs = False

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run at this moment."""
        return [w.process.pid for w in self.workers if w.process is not None and w.process.poll() is None]

    @property
    def restarts(self) -> int:
        """How often a worker had to be started again."""
        return sum(worker.restarts for worker in self.workers)

    @property
    def kept_logs(self) -> list[Path]:
        """Where the workers' output stays after the end: empty unless one died."""
        return [w.log_path for w in self.workers if w.log_path is not None and self._keep_logs]

    def __enter__(self) -> "WorkerPool":
        for index in range(self._count):
            if self._ports is None:
                settings = with_changes(self._settings, metrics_host="127.0.0.1", metrics_port=free_port())
            else:
                settings = with_changes(self._settings, metrics_port=self._ports[index])
            self.workers.append(Worker(settings, None if self._verbose else self._log_path(index)))
        # All processes belong to one thread, because they die with the thread that started them.
        self._thread = threading.Thread(target=self._supervise, name=f"{self._name}s", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(self._term_wait_s + 2 * KILL_WAIT_S)
        if self._departures is not None:
            self._departures.wait()
        if not self._keep_logs:
            for worker in self.workers:
                if worker.log_path is not None:
                    worker.log_path.unlink(missing_ok=True)

    def last_words(self, worker: Worker) -> str:
        """Return the last lines that the worker wrote, and where the rest is; the files are then kept."""
        if worker.log_path is None:
            return ""
        self._keep_logs = True
        with contextlib.suppress(OSError), worker.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            lines = [
                line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()
            ]
            said = " | ".join(lines[-3:])
            return f": {said} (all of it: {worker.log_path})" if said else ""
        return ""

    def _log_path(self, index: int) -> Path:
        folder = self._settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"data_dir: {folder}: {error.strerror}") from None
        return folder / f"{self._name}-{os.getpid()}-{index}.log"

    def _supervise(self) -> None:
        try:
            while not self._ending.wait(_POLL_S) and self.failure is None:
                for worker in self.workers:
                    self._look_after(worker, time.monotonic())
        except OSError as error:
            self.failure = VigilError(f"a {self._name} cannot be started: {error}")
        finally:
            self._stop_all()

    def _look_after(self, worker: Worker, now_s: float) -> None:
        if worker.process is None:
            if now_s >= worker.start_at_s:
                worker.process = self._start(worker)
                worker.started_s = now_s
            return
        exit_code = worker.process.poll()
        if exit_code is None:
            return
        worker.process = None
        self._note_end(worker, exit_code)
        if worker.log_path is not None:
            with worker.log_path.open("a") as log:
                print(f"(process ended with code {exit_code})", file=log)
        if now_s - worker.started_s > STABLE_S:
            worker.deaths_in_a_row = 0
        # No broker at the very start is a wrong address; later it is an outage, which a restart may outlast.
        unreachable = exit_code == BrokerUnreachable.exit_code and worker.restarts == 0
        if exit_code in _HOPELESS or unreachable or worker.deaths_in_a_row >= RESTARTS_MAX:
            ended = f"the {self._name} ended with code {exit_code} after {worker.restarts} restarts"
            self.failure = _ERRORS.get(exit_code, VigilError)(ended + self.last_words(worker))
        else:
            pause_s = BACKOFF_S[min(worker.deaths_in_a_row, len(BACKOFF_S) - 1)]
            worker.start_at_s = now_s + pause_s
            worker.restarts += 1
            worker.deaths_in_a_row += 1
            self._say(
                f"{self._called(worker)} ended with code {exit_code}, starting it again in {pause_s:g} s"
            )
            self._keep_logs = True  # why it died is worth knowing although another took over

    def _called(self, worker: Worker) -> str:
        """Return what a worker is called in what is said."""
        place = self.workers.index(worker)
        return f"{self._name} {place}" if len(self.workers) > 1 or self._name == "worker" else self._name

    def _note_end(self, worker: Worker, exit_code: int) -> None:
        if self._departures is not None:
            self._departures.ended(self._called(worker), worker.client_id, exit_code)

    def _start(self, worker: Worker) -> subprocess.Popen[bytes]:
        worker.client_id = new_client_id(
            self._name
        )  # never that of the one before it, which may be dropped yet
        environment = worker_environment(with_changes(worker.settings, client_id=worker.client_id))
        if worker.log_path is None:
            return spawn(self._command, sys.stderr.fileno(), environment)
        log: IO[bytes]
        with worker.log_path.open("ab") as log:
            return spawn(self._command, log, environment)

    def _stop_all(self) -> None:
        running = [(worker, worker.process) for worker in self.workers if worker.process is not None]
        for _, process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline_s = time.monotonic() + self._term_wait_s
        for worker, process in running:
            try:
                exit_code = process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                exit_code = process.wait(KILL_WAIT_S)
            # One that had not begun yet dies of the signal itself: it holds nothing to hand over.
            if exit_code not in (0, -signal.SIGTERM):
                self.not_drained.append(exit_code)
                self._note_end(worker, exit_code)
