"""One Apache Kafka in the background of a checkout: started by one command, found and stopped by another.

What runs is written to `.cache/kafka/running.json`; the file is believed only as far as the processes it
names are alive and are the ones that were started (a process id may have been given to somebody else since).
"""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge.brokers.cluster import HOME_PREFIX, KafkaCluster
from edge.brokers.jars import CACHE, kafka_version, locked
from edge.brokers.node import KILL_TIMEOUT_S, STOP_TIMEOUT_S
from streams.errors import VigilError

STATE_FILE: Final = "running.json"
POLL_S: Final = 0.05
PS_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """What was started: bootstrap servers, process ids, folder with data and logs, version of Kafka."""

    bootstrap: str
    pids: tuple[int, ...]
    home: str
    version: str

    def alive(self) -> list[int]:
        """Return the process ids that are still the nodes that were started."""
        return [pid for pid in self.pids if self.home in _command_line(pid)]


def running(cache: Path = CACHE) -> Running | None:
    """Return the Kafka in the background, or None when none was started or all its nodes are gone."""
    state = _read(cache / STATE_FILE)
    return state if state is not None and state.alive() else None


def start_background(nodes: int, cache: Path = CACHE) -> Running:
    """Start Kafka so that it outlives this process.

    Raises:
        VigilError: one runs already, or it cannot be started (see `KafkaCluster.start`).
    """
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "background.lock"):
        if (present := running(cache)) is not None:
            raise VigilError(f"Kafka runs already at {present.bootstrap}; stop it with: vigil kafka stop")
        _clear(cache)
        cluster = KafkaCluster(nodes, detached=True, cache=cache).start()
        state = Running(cluster.bootstrap, tuple(cluster.pids), str(cluster.home), kafka_version())
        try:
            partial = cache / (STATE_FILE + ".partial")
            partial.write_text(json.dumps(asdict(state)) + "\n", encoding="utf-8")
            partial.replace(cache / STATE_FILE)
        except BaseException:
            cluster.stop()
            raise
        return state


def stop_background(cache: Path = CACHE) -> Running | None:
    """Stop the Kafka in the background and remove its data; return what ran, None when nothing did.

    Raises:
        VigilError: a node is still there `KILL_TIMEOUT_S` after it was killed.
    """
    if not cache.is_dir():
        return None
    with locked(cache / "background.lock"):
        present = running(cache)
        if present is not None:
            _signal(present, signal.SIGTERM)
            if not _gone(present, STOP_TIMEOUT_S):
                _signal(present, signal.SIGKILL)
                if not _gone(present, KILL_TIMEOUT_S):
                    raise VigilError(f"Kafka's processes {present.alive()} do not end")
        _clear(cache)
        return present


def _read(path: Path) -> Running | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Running(told["bootstrap"], tuple(told["pids"]), told["home"], told["version"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VigilError(f"{path} cannot be read ({error}); remove it once no Kafka runs") from None


def _clear(cache: Path) -> None:
    state = _read(cache / STATE_FILE)
    if state is None:
        return
    if Path(state.home).name.startswith(
        HOME_PREFIX
    ):  # whatever the file says, remove nothing but our own folder
        shutil.rmtree(state.home, ignore_errors=True)
    (cache / STATE_FILE).unlink(missing_ok=True)


def _signal(state: Running, number: signal.Signals) -> None:
    for pid in state.alive():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _gone(state: Running, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while state.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _command_line(pid: int) -> str:
    """Return the process's command line; empty when it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    told = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, timeout=PS_TIMEOUT_S
    )
    return told.stdout
