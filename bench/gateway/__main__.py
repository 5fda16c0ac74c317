"""`make bench-gateway`: frames a second of the gateway's core into Kafka, acknowledged, and how long that takes.

Apache Kafka on loopback, one gateway, a driver and a probe, each a process of its own on the same machine. First each
protocol as fast as it goes: frames by the gateway's own processor time (user and system, of /proc). Then at half the
pace, on a schedule: the time to the acknowledgement, beside that of a record written straight into Kafka at the same
time. Last the topic is read back: everything acknowledged must be there, in each device's order.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from typing import Final

from bench.gateway.driver import SETTLE_S, Outcome
from bench.gateway.frames import Load
from bench.gateway.read_back import Verdict, read_back
from bench.machine import machine
from bench.process_time import cpu_s_of
from edge.gateway.child import READY_S_MAX, wait_ready
from edge.workers import worker_environment
from streams.admin import apply_topics
from streams.embedded import free_port
from streams.kafka_server import KafkaCluster
from streams.settings import Settings
from streams.tether import spawn, stop
from streams.topics import READINGS

PREFIX: Final = "bench-gateway."
PROBE_TOPIC: Final = READINGS
GOALS: Final = {"ndjson": 140_000, "single": 5_000}
"""Frames a second of the gateway's core."""

ACK_TIMES_MAX: Final = 5.0
SLACK_S: Final = 90.0
WARM_S: Final = 3.0
REPEATS: Final = 3
"""Of the step at half the pace: what else the machine does is in the tail of each."""

SHAPES: Final = {"ndjson": (16, 100), "single": (64, 1)}
"""Connections, and frames of one request."""


def main() -> int:
    """Measure, print, and return 1 where something is lost or a goal is missed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=10.0, help="of each step (%(default)s)")
    options.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    options.add_argument("--brokers", help="a Kafka that runs; else one is started")
    given = options.parse_args()
    print(machine())
    if given.brokers:
        return _measure(given.brokers, given.shapes, given.seconds)
    with KafkaCluster(nodes=1) as kafka:
        return _measure(kafka.bootstrap, given.shapes, given.seconds)


def _measure(brokers: str, shapes: list[str], seconds: float) -> int:
    settings = Settings(
        brokers=brokers,
        topic_prefix=PREFIX,
        gateway_http_port=free_port(),
        gateway_metrics_port=free_port(),
        gateway_client_share=1.0,
    )
    apply_topics(settings)
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-P", "-m", "edge", "gateway"]
        process = spawn(command, log, worker_environment(settings))
        try:
            wait_ready(f"http://127.0.0.1:{settings.gateway_http_port}", process, READY_S_MAX)
            now_s = int(time.time())  # a topic that has been used before holds other boots
            boots = range(now_s, now_s + 10 * len(shapes), 10)
            return max(
                [
                    _shape(settings, shape, seconds, process.pid, boot)
                    for boot, shape in zip(boots, shapes, strict=True)
                ]
            )
        finally:
            stop(process, 20.0)


def _shape(settings: Settings, shape: str, seconds: float, pid: int, boot: int) -> int:
    connections, frames = SHAPES[shape]
    load = Load(settings.gateway_http_port, connections, frames, 0.0, WARM_S, boot)
    _drive(load)
    full_load = replace(load, seconds=seconds, boot=boot + 1)
    cpu_s = cpu_s_of(pid)
    full = _drive(full_load)
    cpu_s = cpu_s_of(pid) - cpu_s
    per_core = full.requests() * frames / cpu_s
    pace_hz = full.requests() / full.seconds
    print(
        f"{shape}: {per_core:,.0f} frames/s per core (goal {GOALS[shape]:,}), {pace_hz * frames:,.0f} frames/s here"
    )
    driven = [(full_load, full)]
    times: list[float] = []
    for turn in range(REPEATS):
        half_load = replace(load, seconds=seconds + SETTLE_S, rate_hz=pace_hz / 2, boot=boot + 2 + turn)
        half, kafka_p99_ms = _beside_kafka(settings, half_load)
        driven.append((half_load, half))
        times.append(half.p99_ms / kafka_p99_ms)
        print(
            f"{shape}: at half the pace p50 {half.p50_ms:.1f}, p99 {half.p99_ms:.1f}, p99.9 {half.p999_ms:.1f} ms; "
            f"Kafka's own p99 {kafka_p99_ms:.1f} ms"
        )
    ratio = statistics.median(times)
    print(
        f"{shape}: p99 is {ratio:.1f} times Kafka's own, the median of {REPEATS} (goal at most {ACK_TIMES_MAX:g})"
    )
    verdicts = [_check(settings, one, outcome) for one, outcome in driven]
    lost = sum(verdict.missing + verdict.out_of_order for verdict in verdicts)
    turned = sum(outcome.turned_away + outcome.failed for _, outcome in driven)
    again = sum(verdict.again for verdict in verdicts)
    print(f"{shape}: not there or out of order {lost}; turned away or failed {turned}; came twice {again}")
    return int(lost > 0 or per_core < GOALS[shape] or ratio > ACK_TIMES_MAX)


def _beside_kafka(settings: Settings, load: Load) -> tuple[Outcome, float]:
    """Drive, and return too the 99th percentile of a record written straight into Kafka meanwhile, ms."""
    topic = settings.topic(PROBE_TOPIC)
    command = [sys.executable, "-m", "bench.gateway.probe", settings.brokers, topic, str(load.seconds)]
    probing = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        outcome = _drive(load)
        said, _ = probing.communicate(timeout=load.seconds + SLACK_S)
    finally:
        probing.kill()
    return outcome, float(json.loads(said)["p99_ms"])


def _drive(load: Load) -> Outcome:
    command = [sys.executable, "-m", "bench.gateway.driver", json.dumps(asdict(load))]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=load.seconds + SLACK_S, check=True)
    return Outcome(**json.loads(done.stdout))


def _check(settings: Settings, load: Load, outcome: Outcome) -> Verdict:
    return read_back(settings.brokers, settings.topic(READINGS), load.boot, outcome.acknowledged, load.frames)


if __name__ == "__main__":
    sys.exit(main())
