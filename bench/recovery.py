"""Seconds until a worker that takes over has read its patients' state back from the changelog, on real Kafka.

`python -m bench.recovery --patients 10000 100000` fills a changelog as checkpoints do and starts a worker on it,
once as workers are and once with the changelog handed over record by record, as Faust does by itself.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.drills.read_back import end_offsets
from bench.process_time import cpu_s_of
from bench.recovery_load import State, fill
from bench.recovery_worker import RECORD_BY_RECORD
from edge.brokers.cluster import KafkaCluster, free_ports
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import read
from streams.config.settings import Settings
from streams.errors import VigilError
from streams.kafka.admin import apply_topics, changelog_topic

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_S = 300.0
POLL_S = 0.05
HTTP_TIMEOUT_S = 5.0
STOP_S = 5.0
LOG_TAIL_LINES = 5
BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Recovery:
    """One worker's recovery: from the first records applied to all of them, and from its start until it watches."""

    recovery_s: float
    ready_s: float
    cpu_s: float


def main() -> int:
    """Measure, print, and return the exit code."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--patients", type=int, nargs="+", default=[10_000], help="(%(default)s)")
    options.add_argument("--partitions", type=int, default=8, help="(%(default)s)")
    options.add_argument("--buckets", type=int, default=10, help="half minutes of windows (%(default)s)")
    options.add_argument("--versions", type=int, default=1, help="records per patient (%(default)s)")
    options.add_argument("--repeats", type=int, default=3, help="(%(default)s)")
    options.add_argument("--ways", nargs="+", choices=[BLOCKS, RECORD_BY_RECORD], help="only these")
    given = options.parse_args()
    try:
        with KafkaCluster() as kafka:
            for patients in given.patients:
                state = State(patients, given.partitions, given.buckets, given.versions)
                _measure(kafka.bootstrap, state, given.ways or [RECORD_BY_RECORD, BLOCKS], given.repeats)
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _measure(brokers: str, state: State, ways: list[str], repeats: int) -> None:
    settings, size = prepare(brokers, state)
    about = f"{state.partitions} partitions, {state.records:,} records of {size:,.0f} bytes"
    print(f"{state.patients:,} patients, {about}", flush=True)
    for way in ways:
        runs = [recover(settings, state, way) for _ in range(repeats)]
        recovery_s = statistics.median(run.recovery_s for run in runs)
        print(
            f"  {way:<18}{state.records / recovery_s:>12,.0f} records/s, recovered in {recovery_s:.2f} s "
            f"({min(run.recovery_s for run in runs):.2f} to {max(run.recovery_s for run in runs):.2f}), "
            f"ready {statistics.median(run.ready_s for run in runs):.1f} s after its start, "
            f"processor time {statistics.median(run.cpu_s for run in runs):.2f} s",
            flush=True,
        )


def prepare(brokers: str, state: State) -> tuple[Settings, float]:
    """Create a changelog with this state; return the settings of its workers and the mean size of a record, bytes."""
    group = f"recover-{state.patients}-{state.partitions}"
    settings = Settings(brokers=brokers, group=group, partitions=state.partitions)
    apply_topics(settings)
    end_offsets(brokers, changelog_topic(settings), state.partitions)  # until its leaders answer
    return settings, fill(brokers, changelog_topic(settings), state)


def recover(settings: Settings, state: State, way: str = BLOCKS) -> Recovery:
    """Start a worker and wait until it holds every patient.

    Raises:
        VigilError: it ended by itself or was not ready within `DEADLINE_S`; with its last lines.
    """
    port = free_ports(1)[0]
    program = "bench.recovery_worker" if way == RECORD_BY_RECORD else "agents"
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder, tempfile.TemporaryFile() as output:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "VIGIL_BROKERS": settings.brokers,
            "VIGIL_GROUP": settings.group,
            "VIGIL_PARTITIONS": str(settings.partitions),
            "VIGIL_TIME_BASE": "recorded",  # no ticks of its own: it recovers and waits
            "VIGIL_METRICS_PORT": str(port),
            "VIGIL_DATA_DIR": folder,
        }
        worker = spawn([sys.executable, "-m", program], output, environment)
        try:
            return _await_ready(worker, port, state)
        except (VigilError, OSError) as error:
            output.seek(0)
            said = output.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise VigilError(f"{error}; it said: {' | '.join(said)}") from None
        finally:
            stop(worker, STOP_S)


def _await_ready(worker: subprocess.Popen[bytes], port: int, state: State) -> Recovery:
    started_s = time.perf_counter()
    while True:
        metrics = _metrics(port)
        if sum(metrics.get("patients", [])) == state.patients and metrics["ready"] == [1.0]:
            return Recovery(
                metrics["recovery_seconds"][0], time.perf_counter() - started_s, cpu_s_of(worker.pid)
            )
        if worker.poll() is not None:
            raise VigilError(f"the worker ended with exit code {worker.returncode}")
        if time.perf_counter() - started_s > DEADLINE_S:
            raise VigilError(f"the worker was not ready within {DEADLINE_S:.0f} s")
        time.sleep(POLL_S)


def _metrics(port: int) -> dict[str, list[float]]:
    """Return the samples of the gauges by name; nothing until the worker serves them."""
    text = read(f"http://127.0.0.1:{port}/metrics", HTTP_TIMEOUT_S) or ""
    found: dict[str, list[float]] = {}
    for name, value in re.findall(r"^vigil_(\w+?)(?:\{[^}]*\})? ([0-9.e+-]+)$", text, re.MULTILINE):
        found.setdefault(name, []).append(float(value))
    return found


if __name__ == "__main__":
    sys.exit(main())
