"""Frames per second and core: a Vigil worker, a plain Faust agent and a raw aiokafka loop on the same Kafka.

`python -m bench.engine` starts Apache Kafka on loopback, fills a topic and lets each system drain it in a
process of its own, all of them in turn and the whole round several times, so that a slow spell of the machine
falls on all. A rate is frames divided by the processor time of the process, all threads, start-up excluded.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import vigil_worker
from bench.load import Load, create_topic, fill
from bench.machine import machine
from bench.process_time import Drain
from edge.brokers.cluster import KafkaCluster
from edge.brokers.tether import spawn, stop
from streams.contracts.topics import READINGS
from streams.errors import VigilError

ROOT = Path(__file__).resolve().parent.parent
RAW_DEADLINE_S = 120.0
PLAIN_DEADLINE_S = 240.0
STOP_S = 5.0
LOG_TAIL_LINES = 5

PREFIX = "bench."
PLAIN_TOPIC, PLAIN_ALERTS = "bench.plain", "bench.plain.alerts"
VIGIL, PLAIN, RAW, RAW_DECODE = "vigil", "plain faust", "raw aiokafka", "raw aiokafka + decode"
FLOORS = {PLAIN: 20.0, RAW: 1 / 3}
"""What a Vigil worker must reach, as a multiple of the other system."""


@dataclass(slots=True)
class Results:
    """Every drain of every system, and why a system has none."""

    drains: dict[str, list[Drain]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, system: str) -> float | None:
        """Return the median of the system's frames per second and core."""
        drains = self.drains.get(system)
        return statistics.median(drain.per_core_s for drain in drains) if drains else None

    def ratio(self, other: str) -> float | None:
        """Return how many times Vigil's median is another system's."""
        ours, theirs = self.median(VIGIL), self.median(other)
        return ours / theirs if ours and theirs else None


def main() -> int:
    """Measure, print, and return the exit code: 1 when a system could not be measured."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--frames", type=int, default=2_000_000, help="for Vigil and the raw loops (%(default)s)"
    )
    options.add_argument("--plain-frames", type=int, default=60_000, help="for the plain agent (%(default)s)")
    options.add_argument("--patients", type=int, default=10_000, help="(%(default)s)")
    options.add_argument("--partitions", type=int, default=4, help="(%(default)s)")
    options.add_argument("--repeats", type=int, default=3, help="(%(default)s)")
    options.add_argument("--systems", nargs="+", choices=[VIGIL, PLAIN, RAW, RAW_DECODE], help="only these")
    options.add_argument("--json", type=Path, metavar="FILE", help="write every drain to FILE")
    given = options.parse_args()
    load = Load(given.frames, given.patients, given.partitions)
    # A plain agent has no use for ticks; it is not charged for them.
    plain_load = Load(given.plain_frames, given.patients, given.partitions, ticks=False)
    wanted = given.systems or [VIGIL, PLAIN, RAW, RAW_DECODE]
    results = Results()
    try:
        with KafkaCluster() as kafka:
            _fill(kafka.bootstrap, PREFIX + READINGS, load)
            if PLAIN in wanted:
                _fill(kafka.bootstrap, PLAIN_TOPIC, plain_load)
                create_topic(kafka.bootstrap, PLAIN_ALERTS, plain_load.partitions)
            for repeat in range(1, given.repeats + 1):
                for system in wanted:
                    measure = _measurements(kafka.bootstrap, load, plain_load, repeat)[system]
                    _run(system, repeat, measure, results)
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    _print(results, wanted, load)
    if given.json:
        given.json.write_text(
            json.dumps(_report(results, load, plain_load), indent=2) + "\n", encoding="utf-8"
        )
    return 1 if results.failures else 0


def _fill(brokers: str, topic: str, load: Load) -> None:
    started_s = time.perf_counter()
    create_topic(brokers, topic, load.partitions)
    fill(brokers, topic, load)
    _say(f"filled {topic} with {load.records:,} records in {time.perf_counter() - started_s:.1f} s")


def _measurements(brokers: str, load: Load, plain_load: Load, repeat: int) -> dict[str, Callable[[], Drain]]:
    readings, whole = PREFIX + READINGS, json.dumps(asdict(load))
    part = json.dumps(asdict(plain_load))
    plain = ["bench.plain_faust", brokers, PLAIN_TOPIC, PLAIN_ALERTS, part, f"bench-plain-{repeat}"]
    raw = ["bench.raw_aiokafka", brokers, readings, whole]
    return {
        VIGIL: lambda: vigil_worker.drain(brokers, PREFIX, load, f"bench-vigil-{repeat}"),
        PLAIN: lambda: _child(plain, PLAIN_DEADLINE_S),
        RAW: lambda: _child(raw, RAW_DEADLINE_S),
        RAW_DECODE: lambda: _child([*raw, "--decode"], RAW_DEADLINE_S),
    }


def _run(system: str, repeat: int, measure: Callable[[], Drain], results: Results) -> None:
    try:
        drain = measure()
    except VigilError as error:
        results.failures[system] = str(error)
        _say(f"{repeat}: {system}: {error}")
        return
    results.drains.setdefault(system, []).append(drain)
    rate = f"{drain.per_core_s:,.0f} frames/s per core"
    _say(f"{repeat}: {system}: {rate} ({drain.frames:,} in {drain.wall_s:.1f} s)")


def _child(arguments: list[str], deadline_s: float) -> Drain:
    """Run one of our programs as a child that cannot outlive us and read what it measured."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as output:
        child = spawn([sys.executable, "-m", *arguments], output, environment)
        try:
            code: int | None = child.wait(deadline_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            stop(child, STOP_S)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if code == 0:
        with contextlib.suppress(ValueError, TypeError):
            return Drain.parse(said)
    how = f"not done within {deadline_s:.0f} s" if code is None else f"exit code {code} without a result"
    raise VigilError(f"{how}; it said: {' | '.join(said.splitlines()[-LOG_TAIL_LINES:])}")


def _print(results: Results, wanted: list[str], load: Load) -> None:
    print(f"{load.patients:,} patients, 7 signals, {load.partitions} partitions; {machine()}")
    print(
        f"{'system':<24}{'frames':>11}{'frames/s per core':>20}{'lowest':>10}{'highest':>10}{'us/frame':>10}"
    )
    for system in wanted:
        drains = results.drains.get(system)
        if not drains:
            print(f"{system:<24}not measured: {results.failures.get(system, 'no result')}")
            continue
        rates = sorted(drain.per_core_s for drain in drains)
        median = statistics.median(rates)
        print(
            f"{system:<24}{drains[0].frames:>11,}{median:>20,.0f}{rates[0]:>10,.0f}{rates[-1]:>10,.0f}"
            f"{1e6 / median:>10.1f}"
        )
    for other in (PLAIN, RAW, RAW_DECODE):
        if (ratio := results.ratio(other)) is not None:
            floor = FLOORS.get(other)
            verdict = (
                "" if floor is None else f"  (floor {floor:.2f}: {'met' if ratio >= floor else 'MISSED'})"
            )
            print(f"vigil / {other:<24}{ratio:>8.2f}{verdict}")


def _report(results: Results, load: Load, plain_load: Load) -> dict[str, object]:
    return {
        "machine": machine(),
        "load": asdict(load),
        "plain_load": asdict(plain_load),
        "drains": {system: [asdict(drain) for drain in drains] for system, drains in results.drains.items()},
        "median_frames_per_core_s": {system: results.median(system) for system in results.drains},
        "ratios": {other: results.ratio(other) for other in (PLAIN, RAW, RAW_DECODE)},
        "failures": results.failures,
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
