"""What an operator's supervisor does while a drill runs: start a worker again that ended by itself."""

import time
from collections.abc import Callable
from typing import Final

from bench.drills.stage import Stage

BACKOFF_S: Final = 1.0
POLL_S: Final = 0.2
RESTARTS_MAX: Final = 60
"""Of all workers in one drill: one a second for the longest fault."""

RESTART_EVERY_S: Final = 10.0
"""In a longer drill of many faults, one in this time on average."""

KNOWN_CODES: Final = frozenset({70, 3})
"""Fail-stop, and no broker at the start: how a worker may end by itself."""


def keep_running(stage: Stage, seconds: float, until: Callable[[], bool] | None = None) -> bool:
    """Look after the workers for some time, or until something holds; return whether it held.

    Every end of a worker is told in the drill's facts; one for another reason than a fail-stop or a missing broker
    is a broken promise.
    """
    deadline_s = time.monotonic() + seconds
    while True:
        restart_ended(stage)
        if until is not None and until():
            return True
        if time.monotonic() > deadline_s:
            return until is None
        time.sleep(POLL_S)


def restart_ended(stage: Stage) -> None:
    """Start a worker for each that ended by itself since the last look."""
    ends = stage.facts.setdefault("workers_ended", [])
    assert isinstance(ends, list)
    for worker in [w for w in stage.workers.all if not w.running and w.exit_code is None]:
        worker.exit_code = worker.process.poll()
        if worker.exit_code == worker.meant_to_end_with:
            continue
        last_line = (worker.said().strip().splitlines() or [""])[-1]
        ends.append({"code": worker.exit_code, "said": last_line[-300:]})
        stage.say(f"worker {worker.index} ended with {worker.exit_code}: {last_line[-200:]}")
        if worker.exit_code not in KNOWN_CODES:
            stage.broken.append(f"worker {worker.index} ended by itself with {worker.exit_code}")
        if len(ends) > (most := max(RESTARTS_MAX, stage.seconds / RESTART_EVERY_S)):
            stage.broken.append(f"workers ended more than {most:.0f} times")
            return
        if worker.meant_to_end_with is None:
            time.sleep(BACKOFF_S)
            stage.workers.start()


def all_ready(stage: Stage) -> bool:
    """Whether every worker that runs has partitions and has recovered them."""
    return all(worker.is_ready() for worker in stage.workers.running)


def wait_in_service(stage: Stage, wait_s: float) -> None:
    """Look after the workers until all are ready; say how long it took, and that it broke if it took too long."""
    began_s = time.monotonic()
    if keep_running(stage, wait_s, lambda: all_ready(stage)):
        stage.say(f"in service after {time.monotonic() - began_s:.1f} s")
    else:
        stage.broken.append(f"the workers were not in service {wait_s:g} s after the fault")
        for worker in stage.workers.running:
            stage.say(
                f"worker {worker.index} is {'' if worker.is_ready() else 'not '}ready; it said: {worker.said()}"
            )
