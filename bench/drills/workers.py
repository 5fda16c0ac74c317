"""The workers of a drill: child processes that it starts, kills, stops and asks for their metrics."""

import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from bench.drills.releases import OURS, Release
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn
from edge.metrics_scrape import Scrape, scrape
from edge.options import with_changes
from streams.config.settings import Settings
from streams.errors import VigilError

READY_S_MAX: Final = 60.0
TERM_S_MAX: Final = 20.0
"""A worker that is told to stop is gone by then."""

KILL_S_MAX: Final = 5.0
DROP_S_MAX: Final = 35.0
"""A parent whose worker was killed has ended by then: it tries to have it dropped for a session timeout."""

ATTENDED: Final = "bench.drills.attended_worker"
POLL_S: Final = 0.1
SCRAPE_EVERY_S: Final = 0.5
LOG_TAIL: Final = 1_500


@dataclass(slots=True)
class Worker:
    """One worker process and the last metrics it told."""

    index: int
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    started_s: float
    release: str = OURS.name
    last: Scrape | None = None
    exit_code: int | None = None
    side: int = 0
    """Which way to the brokers it has (`Workers.sides`)."""
    meant_to_end_with: int | None = None
    """The exit code of one with a crash built in: that it ends so is nothing that a supervisor mends."""

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether it has partitions and has recovered them."""
        found = scrape(self.url)
        return found is not None and found.value("vigil_ready") == 1

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a counter's samples with these labels in the last metrics."""
        samples = self.last.samples if self.last else {}
        wanted = labels.items()
        return sum(
            v for (found, with_), v in samples.items() if found == name and wanted <= dict(with_).items()
        )

    def said(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:]


@dataclass(slots=True)
class Workers:
    """All workers of a drill, the ended ones too; every process belongs to the thread that calls `start`.

    Those that are `attended` have a parent, as those of `vigil worker` have; `process` is the parent then.
    """

    settings: Settings
    folder: Path
    module: str = "agents"
    arguments: tuple[str, ...] = ()
    attended: bool = False
    sides: tuple[str, ...] = ()
    """Bootstrap servers of each side, if workers have different ways to the brokers; each goes where fewer are."""
    release: Release = OURS
    """What workers that are started from now on are of."""
    all: list[Worker] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _watch: threading.Thread | None = None

    @property
    def running(self) -> list[Worker]:
        """Workers whose process is there, the longest running first."""
        return [worker for worker in self.all if worker.running]

    def start(self, module: str | None = None, arguments: tuple[str, ...] | None = None) -> Worker:
        """Start one more worker, without waiting; `module` and `arguments` other than the usual ones if given."""
        ways = self.sides or (self.settings.brokers,)
        here = [worker.side for worker in self.running]
        side = min(range(len(ways)), key=here.count)
        settings = with_changes(
            self.settings, brokers=ways[side], metrics_host="127.0.0.1", metrics_port=free_port()
        )
        index = len(self.all)
        log = self.folder / f"worker-{index}.log"
        usual = self.arguments if arguments is None else arguments
        parent = [ATTENDED] if self.attended else []
        command = self.release.command(*parent, module or self.module, *usual)
        with log.open("wb") as output:
            process = spawn(command, output, self.release.environment(settings))
        url = f"http://127.0.0.1:{settings.metrics_port}/metrics"
        worker = Worker(index, process, url, log, time.monotonic(), self.release.name, side=side)
        self.all.append(worker)
        if self._watch is None:
            self._watch = threading.Thread(target=self._scrape_all, name="drill-metrics", daemon=True)
            self._watch.start()
        return worker

    def wait_ready(self, wait_s: float = READY_S_MAX) -> None:
        """Wait until every running worker has partitions.

        Raises:
            VigilError: one ended, or had none in time.
        """
        deadline_s = time.monotonic() + wait_s
        for worker in self.running:
            while not worker.is_ready():
                if not worker.running:
                    raise VigilError(
                        f"worker {worker.index} ended with {worker.process.poll()}: {worker.said()}"
                    )
                if time.monotonic() > deadline_s:
                    raise VigilError(f"worker {worker.index} was not ready in {wait_s:g} s: {worker.said()}")
                time.sleep(POLL_S)

    def kill(self, worker: Worker) -> None:
        """End one at once, as a crash would; its parent, if it has one, goes on for what it has to do then."""
        children = psutil.Process(worker.process.pid).children() if self.attended and worker.running else []
        for child in children:
            child.kill()
        if not children:
            worker.process.kill()
        worker.exit_code = worker.process.wait(DROP_S_MAX if children else KILL_S_MAX)

    def terminate(self, *workers: Worker) -> None:
        """Ask workers to drain, wait for all of them, and kill those that do not end in time."""
        for worker in workers:
            worker.process.terminate()
        deadline_s = time.monotonic() + TERM_S_MAX
        for worker in workers:
            try:
                worker.exit_code = worker.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.kill(worker)

    def close(self) -> None:
        """Kill what still runs."""
        self._ending.set()
        for worker in self.running:
            self.kill(worker)
        if self._watch is not None:
            self._watch.join(KILL_S_MAX)

    def _scrape_all(self) -> None:
        while not self._ending.wait(SCRAPE_EVERY_S):
            for worker in self.running:
                worker.last = scrape(worker.url) or worker.last
