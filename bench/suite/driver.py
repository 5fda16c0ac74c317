"""The open-loop driver, a process of its own: `python -m bench.suite.driver PLAN.json RESULT.json`.

Computes the whole schedule, encodes every request, chooses a start in the near future and then only sends. Memory
is bounded by `FRAMES_MAX` frames of `FRAME_BYTES` bytes. Takes a higher priority where it may, and says so.
"""

import contextlib
import gc
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.suite.arrivals import Plan, schedule
from bench.suite.sender import Sender
from bench.suite.wire import FRAME_BYTES, SEQ_FIRST, SEQ_STEP, places, requests
from edge.burst import Burst
from streams.errors import UsageError, VigilError

FRAMES_MAX: Final = 16_000_000
"""Encoded before the run: at most 3.3 GB."""

CONNECTIONS: Final = 2
REAL_TIME_PRIORITY: Final = 1
"""Of the kernel's real-time scheduler, which the driver asks for; it works some percent of the time."""
NICE: Final = -10
"""Where there is no real-time scheduling."""
ENCODED_A_SECOND: Final = 350_000
"""Frames, on a busy machine: how far ahead the start is chosen. A start that is missed voids the run."""
LEAD_S: Final = 2.0
LAG_P99_MS_MAX: Final = 5.0
"""A run whose requests were handed over later than this, at the 99th percentile, is void."""


@dataclass(frozen=True, slots=True)
class Driven:
    """What the driver did. Lag and answers are ms after the planned times, per request."""

    start_ms: int
    frames: int
    requests: int
    lag_ms: dict[str, float]
    answer_ms: dict[str, float]
    cpu_s: float
    wall_s: float
    priority: str

    @property
    def void(self) -> bool:
        """Whether the schedule was not kept."""
        return self.lag_ms["p99"] > LAG_P99_MS_MAX


def check_plan(plan: Plan) -> None:
    """Raise a `UsageError` when the encoded plan would not fit the driver's bound on memory."""
    if plan.frames_about > FRAMES_MAX:
        gigabytes = plan.frames_about * FRAME_BYTES / 1e9
        raise UsageError(
            f"a plan of {plan.frames_about:,} frames ({gigabytes:.1f} GB), at most {FRAMES_MAX:,}"
        )


def save_plan(plan: Plan, broker: str, topic: str, path: Path, start_ms: int | None = None) -> None:
    """Write what the driver is started with; without a start (ms since the epoch) it chooses one."""
    check_plan(plan)
    document = {"broker": broker, "topic": topic, "plan": asdict(plan), "start_ms": start_ms}
    path.write_text(json.dumps(document), encoding="utf-8")


def lead_s(frames: float) -> float:
    """Return how long before the start of a plan with so many frames its driver must be started."""
    return LEAD_S + frames / ENCODED_A_SECOND


def drive(broker: str, topic: str, plan: Plan, start_ms: int | None = None) -> Driven:
    """Run the plan."""
    check_plan(plan)
    # The start is chosen before anything is encoded, because every frame carries its planned time.
    start_ms = start_ms or round(1000 * (time.time() + lead_s(plan.frames_about)))
    frames = schedule(plan)
    partition_of = places(int(frames.patient.max()) + 1, plan.partitions)
    seq = SEQ_FIRST + (plan.step + 1) * SEQ_STEP  # beyond those of the warm-up and of earlier steps
    encoded = list(requests(frames, topic, partition_of, start_ms, CONNECTIONS, seq))
    count = len(frames)
    del frames
    gc.collect()
    gc.disable()
    if time.time() * 1000 > start_ms:
        raise VigilError("encoding took longer than planned: the start was missed")
    priority = _raise_priority()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    with Sender(broker, CONNECTIONS) as sender:
        sent = sender.on_time(encoded, start_ms / 1000)
    return Driven(
        start_ms,
        count,
        len(encoded),
        _summary(sent.handed_ms),
        _summary(sent.answered_ms),
        time.process_time() - cpu_s,
        time.perf_counter() - wall_s,
        priority,
    )


def _raise_priority() -> str:
    """Ask to be woken on time whatever else runs, which only root may, and return what was granted."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
            return "real-time priority"
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    return f"nice {os.getpriority(os.PRIO_PROCESS, 0)}"


def _summary(values_ms: list[float]) -> dict[str, float]:
    p50, p99, highest = np.percentile(values_ms, (50, 99, 100)).round(3).tolist()
    return {"p50": p50, "p99": p99, "max": highest}


def read_plan(document: dict[str, Any]) -> Plan:
    """Return the plan that was written as JSON."""
    given = dict(document)
    given["bursts"] = tuple(Burst(**burst) for burst in given["bursts"])
    return Plan(**given)


def main() -> int:
    """Run the plan in the first argument and write what was done to the second."""
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        driven = drive(given["broker"], given["topic"], read_plan(given["plan"]), given["start_ms"])
    except VigilError as error:
        print(f"driver: {error}", file=sys.stderr)
        return error.exit_code
    Path(sys.argv[2]).write_text(json.dumps(asdict(driven)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
