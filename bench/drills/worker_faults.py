"""Faults of workers: killed at random moments, crashing at named points, restarted in turn."""

import itertools
import subprocess
import time
from typing import Final

from bench.drills.findings import Findings
from bench.drills.stage import Stage
from streams.errors import VigilError

BEGIN: Final = 0.12
"""Share of the load's time that passes before the first fault."""

KILL_AFTER_S: Final = (0.5, 8.0)
"""When the next worker is killed, counted from when all were ready."""

RESTART_AFTER_S: Final = (0.2, 2.0)
KILLS_MIN: Final = 10
KILL_EVERY_S: Final = 22.0
"""Time that one kill takes on average: noticing it takes a session timeout."""

RECOVER_S: Final = 15.0
"""What may come on top of the session timeout until alerts flow again."""

TERM_LATENCY_S_MAX: Final = 10.0
STAY_S: Final = (1.0, 4.0)
"""Between two restarts of an orderly stop."""

CRASH_CODE: Final = 137
CRASH_S_MAX: Final = 60.0
CRASHING: Final = "bench.drills.crashing_worker"
CRASH_POINTS: Final = ("after-state-write", "after-send", "before-commit", "in-commit", "in-recovery")


def kill_workers(stage: Stage) -> None:
    """Kill a worker at a random moment, start another after a short while, and again."""
    room_s = stage.settings.session_timeout_s + RECOVER_S
    kills = 0
    stage.sleep_until(BEGIN)
    while kills == 0 or stage.left_s > room_s:
        time.sleep(stage.rng.uniform(*KILL_AFTER_S))
        victim = stage.rng.choice(stage.workers.running)
        with stage.fault(f"worker {victim.index} killed"):
            stage.workers.kill(victim)
            kills += 1
            time.sleep(stage.rng.uniform(*RESTART_AFTER_S))
            stage.workers.start()
            stage.workers.wait_ready()
    stage.facts["kills"] = kills
    if kills < min(KILLS_MIN, stage.seconds // KILL_EVERY_S):
        stage.broken.append(f"only {kills} kills in {stage.seconds:g} s")


def crash_workers(stage: Stage) -> None:
    """Let one more worker join that crashes at a named point, for each point in turn, again and again."""
    stage.sleep_until(BEGIN)
    hits = dict.fromkeys(CRASH_POINTS, 0)
    for point in itertools.cycle(CRASH_POINTS):
        if all(hits.values()) and stage.left_s < stage.settings.session_timeout_s + RECOVER_S:
            break
        times = stage.rng.randint(1, 3)
        with stage.fault(f"a worker crashes {point}, at the {times}. time"):
            worker = stage.workers.start(CRASHING, (point, str(times)))
            try:
                worker.exit_code = worker.process.wait(CRASH_S_MAX)
            except subprocess.TimeoutExpired:
                raise VigilError(f"no crash {point} in {CRASH_S_MAX:g} s: {worker.said()}") from None
            if worker.exit_code != CRASH_CODE:
                raise VigilError(f"worker ended with {worker.exit_code} {point}: {worker.said()}")
            time.sleep(stage.settings.session_timeout_s)
            stage.workers.wait_ready()
        hits[point] += 1
    stage.facts["crashes"] = hits


def restart_workers(stage: Stage) -> None:
    """Stop each worker in an orderly way and start another in its place, one after the other."""
    stage.sleep_until(BEGIN)
    with stage.fault("rolling restart"):
        stage.facts["drains_s"] = replace_workers(stage, STAY_S)


def replace_workers(stage: Stage, stay_s: tuple[float, float]) -> list[float]:
    """Stop each worker in an orderly way and start another in its place; return how long each took to end, s.

    `stay_s` is how long, at least and at most, the others go on before the next one.
    """
    drains_s: list[float] = []
    for worker in stage.workers.running:
        began_s = time.monotonic()
        stage.workers.terminate(worker)
        drains_s.append(round(time.monotonic() - began_s, 2))
        stage.say(f"worker {worker.index} ended with {worker.exit_code} after {drains_s[-1]} s")
        if worker.exit_code != 0:
            stage.broken.append(f"worker {worker.index} ended with {worker.exit_code}, not 0")
        stage.workers.start()
        stage.workers.wait_ready()
        time.sleep(stage.rng.uniform(*stay_s))
    return drains_s


def no_later_than_a_takeover(found: Findings) -> list[str]:
    """An alert is no later than the session timeout and a recovery."""
    bound_s = float(found.facts["session_timeout_s"]) + RECOVER_S
    late_s = found.latency_max_s()
    return [f"an alert came {late_s:.1f} s late, more than {bound_s:g} s"] if late_s > bound_s else []


def no_later_than_a_handover(found: Findings) -> list[str]:
    """An orderly stop costs at most `TERM_LATENCY_S_MAX`, and nothing that was checkpointed is judged again."""
    broken = []
    if (late_s := found.latency_max_s()) > TERM_LATENCY_S_MAX:
        broken.append(f"an alert came {late_s:.1f} s late, more than {TERM_LATENCY_S_MAX:g} s")
    if replayed := found.facts["frames_replayed"]:
        broken.append(f"{replayed:.0f} frames were processed that had been checkpointed")
    if repeated := found.facts["alerts_repeated_in_topic"]:
        broken.append(f"{repeated} alerts were written twice: frames were judged again after an orderly stop")
    return broken
