"""Drain the readings with a Vigil worker, everything on, and measure its process from outside.

Measured from the first look at /metrics that shows frames until the offsets of the last ones are committed:
the last checkpoint (state in the changelog, alerts acknowledged) is in it, and so is the wait for it. How
much processor time had been used when the last frame was read is printed as well.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from kafka import KafkaAdminClient

from bench.load import Load
from bench.process_time import Drain, cpu_s_of
from edge.brokers.cluster import free_ports
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import read
from streams.config.settings import load_settings
from streams.contracts.topics import READINGS
from streams.errors import VigilError
from streams.kafka.admin import apply_topics

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_S = 300.0
POLL_S = 0.2
HTTP_TIMEOUT_S = 5.0
ADMIN_TIMEOUT_MS = 10_000
STOP_S = 15.0
LOG_TAIL_LINES = 5


def drain(brokers: str, prefix: str, load: Load, group: str) -> Drain:
    """Run one worker with a new group on the filled readings topic.

    Raises:
        VigilError: the worker ended by itself, or was not done within `DEADLINE_S`; with its last lines.
    """
    settings = load_settings(brokers=brokers, topic_prefix=prefix, partitions=load.partitions, group=group)
    apply_topics(settings)
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder, tempfile.TemporaryFile() as output:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "VIGIL_BROKERS": brokers,
            "VIGIL_GROUP": group,
            "VIGIL_PARTITIONS": str(load.partitions),
            "VIGIL_TOPIC_PREFIX": prefix,
            "VIGIL_TIME_BASE": "recorded",  # the log's seconds are read in far less than their own time
            "VIGIL_METRICS_PORT": str(port),
            "VIGIL_DATA_DIR": folder,
        }
        worker = spawn([sys.executable, "-m", "agents"], output, environment)
        try:
            return _measure(worker, port, load, lambda: _committed(brokers, group, settings.topic(READINGS)))
        except (VigilError, OSError) as error:
            output.seek(0)
            said = output.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise VigilError(f"{error}; it said: {' | '.join(said)}") from None
        finally:
            stop(worker, STOP_S)


def _measure(worker: subprocess.Popen[bytes], port: int, load: Load, committed: Callable[[], int]) -> Drain:
    deadline_s = time.monotonic() + DEADLINE_S
    first: tuple[int, float, float] | None = None
    read: Drain | None = None
    frames = 0
    while read is None or committed() < load.records:
        if worker.poll() is not None:
            raise VigilError(f"the worker ended with exit code {worker.returncode}")
        if time.monotonic() > deadline_s:
            raise VigilError(f"the worker had read {frames} of {load.frames} frames after {DEADLINE_S:.0f} s")
        time.sleep(POLL_S)
        frames = _frames_total(port)
        if frames and first is None:
            first = frames, cpu_s_of(worker.pid), time.perf_counter()
        if first is not None and frames >= load.frames and read is None:
            read = _since(first, worker, load)
            print(f"   last frame read after {read.cpu_s:.2f} s of processor time", file=sys.stderr)
    assert first is not None
    return _since(first, worker, load)


def _since(first: tuple[int, float, float], worker: subprocess.Popen[bytes], load: Load) -> Drain:
    frames, cpu_s, wall_s = first
    return Drain(load.frames - frames, cpu_s_of(worker.pid) - cpu_s, time.perf_counter() - wall_s)


def _frames_total(port: int) -> int:
    """Return the worker's counter of frames; 0 until it serves metrics."""
    text = read(f"http://127.0.0.1:{port}/metrics", HTTP_TIMEOUT_S) or ""
    found = re.search(r"^vigil_frames_total ([0-9.e+]+)$", text, re.MULTILINE)
    return int(float(found.group(1))) if found else 0


def _committed(brokers: str, group: str, topic: str) -> int:
    """Return how many records of the topic the group has committed."""
    with closing(
        KafkaAdminClient(bootstrap_servers=brokers.split(","), request_timeout_ms=ADMIN_TIMEOUT_MS)
    ) as admin:
        offsets = admin.list_group_offsets(group)[group]
    return sum(committed.offset for place, committed in offsets.items() if place.topic == topic)
