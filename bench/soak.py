"""A worker under a steady load for a long time: does its memory stay flat, and its alerts in time?

`python -m bench.soak --minutes 30 --rate 10000` (`make soak`) runs Vigil on a real Kafka, an open-loop driver beside
it. It samples the resident memory of all of its processes every few seconds, fits its slope, prints latencies by the
minute and writes everything as JSON. Windows fill for the first quarter of an hour: the second half of the run counts.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.machine import commit, machine
from bench.suite.alerts_reader import Told
from bench.suite.arrivals import Plan, planted
from bench.suite.burst import finite
from bench.suite.driver import Driven, lead_s
from bench.suite.latency import Floats, latencies_ms, percentile
from bench.suite.open_loop import Driver, Session, session
from bench.suite.stage import Stage
from bench.suite.systems import SYSTEMS
from edge.brokers.cluster import KafkaCluster
from streams.errors import VigilError

SLOPE_BYTES_H_MAX: Final = 16 * 2**20
"""Growth of the resident memory over the second half, bytes an hour: a worker with 1 GiB to spare lasts days."""

MINUTES, RATE_HZ, PARTITIONS = 30.0, 10_000.0, 8
PATIENTS: Final = 10_000
SAMPLE_S: Final = 5.0
SAMPLES_FITTED_MAX: Final = 1_000
"""Of a longer run evenly many are taken: the fit compares each with each."""

SEGMENT_S: Final = 30.0
"""The load comes from one driver after the other; each encodes its part while the one before it sends."""
SEGMENT_ONSETS: Final = 600
SPARE_S: Final = 5.0
"""A driver is started so much earlier than it needs."""
BYTES_MB: Final = 1e6
OUT: Final = Path(__file__).resolve().parent.parent / ".cache" / "bench" / "soak.json"


@dataclass(slots=True)
class Soak:
    """What was seen: (s, bytes) of the memory, each minute's onsets, and the drivers' lags (p99, ms)."""

    samples: list[tuple[float, int]] = field(default_factory=list)
    planned_s: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    lag_p99_ms: list[float] = field(default_factory=list)

    def add(self, start_s: float, plan: Plan, driven: Driven, told: Sequence[Told]) -> None:
        """Take in one driver's part, which began `start_s` after the run."""
        onsets = planted(plan)
        self.planned_s += (start_s + onsets.planned_ms / 1000).tolist()
        self.latency_ms += latencies_ms(onsets, driven.start_ms, told).tolist()
        self.lag_p99_ms.append(driven.lag_ms["p99"])


def slope_bytes_h(samples: Sequence[tuple[float, int]]) -> float:
    """Return the growth of (s, bytes) samples in bytes an hour: the median of all slopes between two (Theil-Sen)."""
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), SAMPLES_FITTED_MAX)).astype(int))
    at_s, size = np.array(samples, dtype=np.float64)[chosen].T
    first, second = np.triu_indices(len(chosen), 1)
    return float(np.median((size[second] - size[first]) / (at_s[second] - at_s[first]))) * 3600


def second_half(samples: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Return the samples from the middle of the time on."""
    middle_s = (samples[0][0] + samples[-1][0]) / 2
    return [sample for sample in samples if sample[0] >= middle_s]


def by_minute(soak: Soak) -> list[dict[str, Any]]:
    """Return each minute's memory, bytes, its onsets, and their latencies, ms; a missed alert's is infinite."""
    minute, latency = np.array(soak.planned_s) // 60, np.array(soak.latency_ms)
    found = []
    for number in np.unique(minute).astype(int).tolist():
        told: Floats = latency[minute == number]
        sizes = [size for at_s, size in soak.samples if at_s // 60 == number]
        found.append(
            {
                "minute": number,
                "rss_bytes": float(np.median(sizes)) if sizes else None,
                "onsets": len(told),
                "missed": int(np.isinf(told).sum()),
                "p50_ms": percentile(told, 50.0),
                "p99_ms": percentile(told, 99.0),
            }
        )
    return found


def run(opened: Session, minutes: float, rate_hz: float, say: Callable[[str], None]) -> Soak:
    """Drive the system and look at it until the time is over.

    Raises:
        VigilError: the system ended, or a driver failed.
    """
    count = max(2, round(minutes * 60 / SEGMENT_S))
    plans = [
        Plan(rate_hz, SEGMENT_S, (), 0, 0, PATIENTS, PARTITIONS, SEGMENT_ONSETS, 0, step)
        for step in range(count)
    ]
    ahead_s = lead_s(max(plan.frames_about for plan in plans)) + SPARE_S
    began_s = time.time() + ahead_s
    soak, told, drivers = Soak(), list[Told](), list[Driver]()
    done, sampled_s = 0, 0.0
    with ExitStack() as stack:
        while done < count:
            opened.wait()
            now_s = time.time() - began_s
            if len(drivers) < count and now_s >= len(drivers) * SEGMENT_S - ahead_s:
                start_ms = round(1000 * (began_s + len(drivers) * SEGMENT_S))
                drivers.append(stack.enter_context(opened.driving(plans[len(drivers)], start_ms)))
            if sampled_s <= now_s < count * SEGMENT_S:
                soak.samples.append((now_s, opened.rss_bytes()))
                sampled_s = now_s + SAMPLE_S
            if now_s >= (done + 2) * SEGMENT_S:  # whoever has not told it by the next one's end has missed it
                told += opened.read()
                soak.add(done * SEGMENT_S, plans[done], drivers[done].driven(), told)
                told = [one for one in told if one.append_ms >= 1000 * (began_s + (done + 1) * SEGMENT_S)]
                done += 1
                if done * SEGMENT_S % 60 == 0:
                    say(_line(by_minute(soak)[-1]))
    return soak


def report(soak: Soak, rate_hz: float) -> dict[str, Any]:
    """Return everything as JSON holds it."""
    half_bytes_h = slope_bytes_h(second_half(soak.samples))
    missed = sum(minute["missed"] for minute in by_minute(soak))
    checked: dict[str, Any] = finite(
        {
            "machine": machine(),
            "commit": commit(),
            "rate_hz": rate_hz,
            "patients": PATIENTS,
            "partitions": PARTITIONS,
            "slope_bytes_h": slope_bytes_h(soak.samples),
            "slope_second_half_bytes_h": half_bytes_h,
            "slope_bytes_h_max": SLOPE_BYTES_H_MAX,
            "held": half_bytes_h <= SLOPE_BYTES_H_MAX and not missed,
            "missed": missed,
            "driver_lag_p99_ms": soak.lag_p99_ms,
            "minutes": by_minute(soak),
            "rss": [{"s": round(at_s, 1), "bytes": size} for at_s, size in soak.samples],
        }
    )
    return checked


def _line(minute: dict[str, Any]) -> str:
    size = minute["rss_bytes"]
    memory = f"{size / BYTES_MB:,.1f} MB" if size else "-"
    return (
        f"minute {minute['minute'] + 1:>3}: {memory:>10}, alerts after {minute['p50_ms']:,.0f} ms p50, "
        f"{minute['p99_ms']:,.0f} ms p99, {minute['missed']} of {minute['onsets']} missed"
    )


def main() -> int:
    """Soak, print, write; return the exit code: 1 when memory grew too much or an alert was missed."""
    options = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--minutes", type=float, default=MINUTES, help="(%(default)g)")
    options.add_argument("--rate", type=float, default=RATE_HZ, help="frames/s (%(default)g)")
    options.add_argument("--out", type=Path, default=OUT, help="JSON (%(default)s)")
    given = options.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        with KafkaCluster() as kafka, tempfile.TemporaryDirectory(prefix="vigil-soak-") as folder:
            stage = Stage(kafka, given.out.parent / "logs")
            with session(stage, SYSTEMS["vigil"], "soak.", PARTITIONS, Path(folder)) as opened:
                found = report(run(opened, given.minutes, given.rate, say), given.rate)
    except VigilError as error:
        print(f"soak: {error}", file=sys.stderr)
        return error.exit_code
    given.out.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    whole, half = found["slope_bytes_h"] / 2**20, found["slope_second_half_bytes_h"] / 2**20
    say(
        f"memory: {whole:+.1f} MiB an hour over the whole run, {half:+.1f} over its second half "
        f"(at most {SLOPE_BYTES_H_MAX / 2**20:g}); {found['missed']} alerts missed; "
        f"driver's lag {max(found['driver_lag_p99_ms']):.1f} ms p99 at worst; {given.out}"
    )
    return 0 if found["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
