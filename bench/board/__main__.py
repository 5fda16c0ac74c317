"""`make bench-board`: ten thousand viewers of one board on one core, and a thousand runs in which pages converge.

Apache Kafka on loopback; a board on core 0, Kafka, the load and the viewers on the others. Every viewer watches the
ward in which alarms begin at a fixed pace. Measured is the time from an alarm's append on the broker (its record's
timestamp) until its event is at a viewer, for every alarm and viewer; the memory that a viewer costs the board; its
processor time. One viewer reads nothing all the while. The machine's other work is in the tail: its load is printed.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import IO, Any, Final

from bench.board.convergence import Report, run
from bench.board.load import Ward
from bench.machine import machine
from bench.process_time import cpu_s_of, rss_bytes_of
from edge.metrics_scrape import scrape
from edge.workers import worker_environment
from streams.admin import apply_topics
from streams.alerts import Alert
from streams.embedded import free_port
from streams.kafka_server import KafkaCluster
from streams.log_end import read_whole
from streams.settings import Settings
from streams.tether import spawn, stop
from streams.topics import ALERTS

PREFIX: Final = "bench-board."
P99_MS_MAX: Final = 250.0
VIEWER_BYTES_MAX: Final = 20_480
PROCESSES: Final = 2
"""Of viewers: each may have so many files open."""

READY_S_MAX: Final = 60.0
CONNECT_S_MAX: Final = 120.0
SETTLE_S: Final = 2.0


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--viewers", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=30.0, help="of the load (%(default)s)")
    options.add_argument("--rate", type=float, default=2.0, help="alarms a second (%(default)s)")
    options.add_argument("--runs", type=int, default=1_000, help="of convergence (%(default)s)")
    given = options.parse_args()
    print(machine())
    converged = converge(given.runs)
    if not given.viewers:
        return 0 if converged else 1
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)  # Kafka, the load and the viewers, which are our children
    with KafkaCluster(nodes=1) as kafka:
        settings = Settings(
            brokers=kafka.bootstrap,
            topic_prefix=PREFIX,
            board_port=free_port(),
            board_metrics_port=free_port(),
            board_viewers_max=given.viewers + 100,
        )
        apply_topics(settings)
        served = _measure(settings, cores[0], given.viewers, given.seconds, given.rate)
    return 0 if converged and served else 1


def converge(runs: int) -> bool:
    """Run seeds; print what they met and return whether every page converged."""
    begun_s, total = time.monotonic(), Report()
    for seed in range(runs):
        report = run(seed)
        total.snapshots += report.snapshots
        total.catch_ups += report.catch_ups
        total.cuts += report.cuts
        total.restarts += report.restarts
        if report.wrong:
            total.wrong.append(f"seed {seed}: {report.wrong[0]}")
    print(
        f"convergence: {runs} runs, {total.cuts} cuts, {total.restarts} restarts of a board, "
        f"{total.snapshots} snapshots, {total.catch_ups} catch-ups: {len(total.wrong)} differ "
        f"({time.monotonic() - begun_s:.0f} s)"
    )
    for wrong in total.wrong[:3]:
        print(f"  {wrong}")
    return not total.wrong


def _measure(settings: Settings, core: int, viewers: int, seconds: float, rate_hz: float) -> bool:
    ward = Ward(settings)
    ward.fill()
    pinned = [shutil.which("taskset") or "taskset", "-c", str(core)]
    with tempfile.TemporaryFile() as log:
        board = spawn(
            [*pinned, sys.executable, "-P", "-m", "edge", "board"], log, worker_environment(settings)
        )
        children = list[subprocess.Popen[bytes]]()
        try:
            _await_ready(settings.board_port)
            before_bytes = rss_bytes_of(board.pid)
            stuck = _stuck(settings.board_port)
            children += [_viewers(settings.board_port, viewers // PROCESSES) for _ in range(PROCESSES)]
            for child in children:
                _said(child)
            time.sleep(SETTLE_S)
            each_bytes = (rss_bytes_of(board.pid) - before_bytes) / viewers
            cpu_s, load = cpu_s_of(board.pid), os.getloadavg()[0]
            ward.run(seconds, rate_hz)
            cpu_s = cpu_s_of(board.pid) - cpu_s
            found = [_ended(child) for child in children]
            _print_own(settings.board_metrics_port)
            stuck.close()
        finally:
            for child in children:
                child.kill()
            stop(board, 10.0)
            ward.close()
    return _print(settings, found, viewers, len(ward.told), each_bytes, cpu_s / seconds, load)


def _print(
    settings: Settings,
    found: list[dict[str, Any]],
    viewers: int,
    alarms: int,
    each_bytes: float,
    core: float,
    load: float,
) -> bool:
    appended = {
        alert.onset_ts_ms: int(record.timestamp)
        for record in read_whole(settings, settings.topic(ALERTS))
        if (alert := Alert.model_validate_json(record.value)).phase == "start"
    }
    took_ms = [
        came_ms - appended[int(onset)]
        for each in found
        for onset, times in each["came"].items()
        if int(onset) in appended
        for came_ms in times
    ]
    p50, p99 = (statistics.quantiles(took_ms, n=100)[at] for at in (49, 98))
    expected = alarms * (viewers // PROCESSES * PROCESSES)
    held = p99 <= P99_MS_MAX and each_bytes <= VIEWER_BYTES_MAX and len(took_ms) == expected
    lost = sum(each["lost"] for each in found)
    megabytes = sum(each["bytes"] for each in found) / 1e6
    print(f"{viewers} viewers and one that reads nothing, {alarms} alarms; load average before {load:.1f}")
    print(
        f"append to viewer: p50 {p50:.0f} ms, p99 {p99:.0f} ms (goal {P99_MS_MAX:.0f}), max {max(took_ms):.0f} ms"
    )
    print(
        f"events: {len(took_ms):,} of {expected:,} alarms at viewers, {lost} viewers lost, {megabytes:.0f} MB"
    )
    print(
        f"memory: {each_bytes / 1024:.1f} KiB a viewer (goal {VIEWER_BYTES_MAX / 1024:.0f}), {core:.0%} of a core"
    )
    return held and not lost


def _print_own(port: int) -> None:
    """Print what the board itself says: the rest is the way through the sockets and the viewers' own time."""
    samples = scrape(f"http://127.0.0.1:{port}/metrics")
    if samples is None:
        return
    name = "vigil_board_delivery_seconds"
    count = samples.value(f"{name}_count") or 0.0
    if count:
        mean_ms = 1000 * (samples.value(f"{name}_sum") or 0.0) / count
        print(f"by the board: {mean_ms:.0f} ms on average from the append to the last viewer's write")


def _await_ready(port: int) -> None:
    until_s = time.monotonic() + READY_S_MAX
    while time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/stream", timeout=1.0):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise TimeoutError("the board was not ready")


def _stuck(port: int) -> socket.socket:
    """Return a viewer that takes nothing."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    found.connect(("127.0.0.1", port))
    found.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return found


def _viewers(port: int, count: int) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.board.viewers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    _order(child, {"port": port, "viewers": count})
    return child


def _order(child: subprocess.Popen[bytes], order: object) -> None:
    pipe: IO[bytes] | None = child.stdin
    assert pipe is not None
    pipe.write(json.dumps(order).encode() + b"\n")
    pipe.flush()


def _ended(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    _order(child, {})
    return _said(child)


def _said(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    pipe: IO[bytes] | None = child.stdout
    assert pipe is not None
    found: dict[str, Any] = json.loads(pipe.readline())
    return found


if __name__ == "__main__":
    sys.exit(main())
