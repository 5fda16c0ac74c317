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
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from bench.gateway import mqtt_pace, sdc_pace, vital_pace
from bench.gateway.alone import Pace
from bench.gateway.bundles import bundles_verdict_of
from bench.gateway.driver import SETTLE_S, Outcome
from bench.gateway.frames import Load
from bench.gateway.messages import verdict_of
from bench.gateway.read_back import Verdict, read_back
from bench.machine import machine
from bench.process_time import cpu_s_of
from edge.brokers.cluster import KafkaCluster
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.gateway_child import READY_S_MAX, wait_ready
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics

PREFIX: Final = "bench-gateway."
PROBE_TOPIC: Final = READINGS
ACK_TIMES_MAX: Final = 5.0
ALONE_SHARE_MIN: Final = 0.8
"""Of 1/(round trip + Kafka's acknowledgement): the pace of a connection that waits for each answer."""

SLACK_S: Final = 90.0
WARM_S: Final = 3.0
REPEATS: Final = 3
"""Of the step at half the pace: what else the machine does is in the tail of each."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests of one form: on so many connections, of so many frames; `goal` are frames a second of the core."""

    connections: int
    frames: int
    goal: int
    driver: str = "driver"

    @property
    def speaks_hl7(self) -> bool:
        """Whether its port is that of MLLP."""
        return self.driver == "mllp_driver"


SHAPES: Final = {
    "ndjson": Shape(16, 100, 140_000),
    "single": Shape(64, 1, 5_000),
    "mllp": Shape(64, 1, 3_000, driver="mllp_driver"),
    "fhir": Shape(16, 50, 20_000, driver="fhir_driver"),
}
"""`mllp`: PCD-01 of seven observations, a frame each. `fhir`: a batch of 50 Observations, a frame each."""


OTHERS: Final = {"mqtt": mqtt_pace.measure, "vital-recorder": vital_pace.measure, "sdc": sdc_pace.measure}
"""Measured by themselves: no sender waits for Kafka's acknowledgement."""


def main() -> int:
    """Measure, print, and return 1 where something is lost or a goal is missed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=10.0, help="of each step (%(default)s)")
    choices = [*SHAPES, *OTHERS]
    options.add_argument("--shapes", nargs="+", choices=choices, default=choices)
    options.add_argument("--brokers", help="a Kafka that runs; else one is started")
    given = options.parse_args()
    print(machine())
    if given.brokers:
        return _measure_all(given.brokers, given.shapes, given.seconds)
    with KafkaCluster(nodes=1) as kafka:
        return _measure_all(kafka.bootstrap, given.shapes, given.seconds)


def _measure_all(brokers: str, shapes: list[str], seconds: float) -> int:
    answered = [shape for shape in shapes if shape in SHAPES]
    missed = _measure(brokers, answered, seconds) if answered else 0
    return max(missed, *(OTHERS[one](brokers, PREFIX, seconds) for one in shapes if one in OTHERS), 0)


def _measure(brokers: str, shapes: list[str], seconds: float) -> int:
    settings = Settings(
        brokers=brokers,
        topic_prefix=PREFIX,
        gateway_http_port=free_port(),
        gateway_mllp_port=free_port(),
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


def _shape(settings: Settings, name: str, seconds: float, pid: int, boot: int) -> int:
    shape = SHAPES[name]
    port = settings.gateway_mllp_port if shape.speaks_hl7 else settings.gateway_http_port
    load = Load(port, shape.connections, shape.frames, 0.0, WARM_S, boot)
    _drive(shape, load)
    full_load = replace(load, seconds=seconds, boot=boot + 1)
    cpu_s = cpu_s_of(pid)
    full = _drive(shape, full_load)
    cpu_s = cpu_s_of(pid) - cpu_s
    per_core = full.requests() * shape.frames / cpu_s
    pace_hz = full.requests() / full.seconds
    print(
        f"{name}: {per_core:,.0f} frames/s per core (goal {shape.goal:,}), {pace_hz * shape.frames:,.0f} frames/s here"
    )
    driven = [(full_load, full)]
    times: list[float] = []
    for turn in range(REPEATS):
        half_load = replace(load, seconds=seconds + SETTLE_S, rate_hz=pace_hz / 2, boot=boot + 2 + turn)
        half, kafka_p99_ms = _beside_kafka(settings, shape, half_load)
        driven.append((half_load, half))
        times.append(half.p99_ms / kafka_p99_ms)
        print(
            f"{name}: at half the pace p50 {half.p50_ms:.1f}, p99 {half.p99_ms:.1f}, p99.9 {half.p999_ms:.1f} ms; "
            f"Kafka's own p99 {kafka_p99_ms:.1f} ms"
        )
    ratio = statistics.median(times)
    print(
        f"{name}: p99 is {ratio:.1f} times Kafka's own, the median of {REPEATS} (goal at most {ACK_TIMES_MAX:g})"
    )
    missed = per_core < shape.goal or ratio > ACK_TIMES_MAX
    if shape.speaks_hl7:
        alone_load = replace(load, connections=1, seconds=seconds, boot=boot + 2 + REPEATS)
        alone, pace = _alone(settings, alone_load)
        driven.append((alone_load, alone))
        missed |= pace.share < ALONE_SHARE_MIN
    return int(_lost(settings, name, driven) > 0 or missed)


def _alone(settings: Settings, load: Load) -> tuple[Outcome, Pace]:
    """Measure one connection that waits for each answer."""
    pace = Pace(**_said("alone", load, settings.brokers, settings.topic(PROBE_TOPIC)))
    print(
        f"mllp: one connection {1 / pace.message_s:,.0f} messages/s, {pace.share:.2f} of 1/(round trip "
        f"{pace.round_trip_s * 1000:.2f} ms + Kafka {pace.kafka_s * 1000:.2f} ms) (goal at least {ALONE_SHARE_MIN:g})"
    )
    return Outcome(load.seconds, [pace.acknowledged]), pace


def _lost(settings: Settings, name: str, driven: list[tuple[Load, Outcome]]) -> int:
    """Read the topic back, and return how many frames were acknowledged and are not there, or not in their order."""
    verdicts = [_check(settings, SHAPES[name], one, outcome) for one, outcome in driven]
    lost = sum(verdict.missing + verdict.out_of_order for verdict in verdicts)
    turned = sum(outcome.turned_away + outcome.failed for _, outcome in driven)
    again = sum(verdict.again for verdict in verdicts)
    print(f"{name}: not there or out of order {lost}; turned away or failed {turned}; came twice {again}")
    return lost


def _beside_kafka(settings: Settings, shape: Shape, load: Load) -> tuple[Outcome, float]:
    """Drive, and return too the 99th percentile of a record written straight into Kafka meanwhile, ms."""
    topic = settings.topic(PROBE_TOPIC)
    command = [sys.executable, "-m", "bench.gateway.probe", settings.brokers, topic, str(load.seconds)]
    probing = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        outcome = _drive(shape, load)
        said, _ = probing.communicate(timeout=load.seconds + SLACK_S)
    finally:
        probing.kill()
    return outcome, float(json.loads(said)["p99_ms"])


def _drive(shape: Shape, load: Load) -> Outcome:
    return Outcome(**_said(shape.driver, load))


def _said(module: str, load: Load, *words: str) -> dict[str, Any]:
    """Run a process of this folder to its end, and return what it printed."""
    command = [sys.executable, "-m", f"bench.gateway.{module}", *words, json.dumps(asdict(load))]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=load.seconds + SLACK_S, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _check(settings: Settings, shape: Shape, load: Load, outcome: Outcome) -> Verdict:
    topic = settings.topic(READINGS)
    if shape.speaks_hl7:
        return verdict_of(settings.brokers, topic, load, outcome.acknowledged)
    if shape.driver == "fhir_driver":
        return bundles_verdict_of(settings.brokers, topic, load, outcome.acknowledged)
    return read_back(settings.brokers, topic, load.boot, outcome.acknowledged, load.frames)


if __name__ == "__main__":
    sys.exit(main())
