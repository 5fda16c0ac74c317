"""Faults of workers: killed at random moments, crashing at named points, restarted in turn."""

import contextlib
import itertools
import subprocess
import time
from collections.abc import Iterator
from typing import Final

from bench.drills.fault import Claim, Fault, working
from bench.drills.findings import Findings
from bench.drills.stage import Stage
from bench.drills.workers import Worker
from streams.errors import PromiseBroken, VigilError

BEGIN: Final = 0.12
"""Share of the load's time that passes before the first fault."""

KILL_AFTER_S: Final = (0.5, 8.0)
"""When the next worker is killed, counted from when all were ready."""

RESTART_AFTER_S: Final = (0.2, 2.0)
KILLS_MIN: Final = 10
KILL_EVERY_S: Final = 22.0
"""Time that one kill takes at most on average."""

RECOVER_S: Final = 15.0
"""What may come on top of the session timeout until alerts flow again."""

LONG_SESSION_S: Final = 30.0
"""The session timeout where a worker's parent sees its death: who waited for it cannot be overlooked."""

SEEN_DEATH_S_MAX: Final = 10.0
"""Then alerts flow again: a rebalance without the dead, and a second one when another takes its place."""

TAKEOVER_S: Final = 10.0 + RECOVER_S
"""A session timeout as it is without settings, and what comes on top."""

TERM_LATENCY_S_MAX: Final = 10.0
STAY_S: Final = (1.0, 4.0)
"""Between two restarts of an orderly stop."""

CRASH_CODE: Final = 137
CRASH_S_MAX: Final = 60.0
CRASHING: Final = "bench.drills.crashing_worker"
CRASH_POINTS: Final = ("after-state-write", "after-send", "before-commit", "in-commit", "in-recovery")


@contextlib.contextmanager
def killed(stage: Stage) -> Iterator[str]:
    """A worker is killed; healed, another one starts."""
    victim = stage.rng.choice(stage.workers.running)
    stage.workers.kill(victim)
    yield f"worker {victim.index} killed"
    stage.workers.start()


@contextlib.contextmanager
def terminated(stage: Stage, worker: Worker) -> Iterator[str]:
    """A worker is told to end, and does; healed, another one starts."""
    began_s = time.monotonic()
    disturbed = list(stage.disturbed)
    stage.workers.terminate(worker)
    took_s = round(time.monotonic() - began_s, 2)
    # Before it ends it writes and commits; where a node takes nothing for so long, it says by its code that it did not.
    if worker.exit_code != 0 and not (worker.exit_code == PromiseBroken.exit_code and disturbed):
        stage.broken.append(f"worker {worker.index} ended with {worker.exit_code}, not 0")
    drains_s = stage.facts.setdefault("drains_s", [])
    assert isinstance(drains_s, list)
    drains_s.append(took_s)
    yield f"worker {worker.index} ended with {worker.exit_code} after {took_s} s"
    stage.workers.start()


@contextlib.contextmanager
def crashing(stage: Stage, point: str, times: int) -> Iterator[str]:
    """One more worker joins and crashes by itself; healed, it is gone."""
    worker = stage.workers.start(CRASHING, (point, str(times)))
    worker.meant_to_end_with = CRASH_CODE
    yield f"a worker crashes {point}, at the {times}. time"
    if worker.running:
        stage.say(f"worker {worker.index} did not come to its crash {point}: it is killed")
        stage.workers.kill(worker)


def _one_terminated(stage: Stage) -> contextlib.AbstractContextManager[str]:
    return terminated(stage, stage.rng.choice(stage.workers.running))


def _one_crashing(stage: Stage) -> contextlib.AbstractContextManager[str]:
    return crashing(stage, stage.rng.choice(CRASH_POINTS), stage.rng.randint(1, 3))


KILLED: Final = Fault("kill-worker", killed, RESTART_AFTER_S, TAKEOVER_S, frozenset({Claim.WORKER}))
TERMINATED: Final = Fault("term-worker", _one_terminated, (0.2, 5.0), TAKEOVER_S, frozenset({Claim.WORKER}))
CRASHING_WORKER: Final = Fault(
    "crash-worker", _one_crashing, (20.0, 40.0), TAKEOVER_S, frozenset({Claim.WORKER})
)


def kill_workers(stage: Stage) -> None:
    """Kill a worker at a random moment, start another after a short while, and again."""
    room_s = SEEN_DEATH_S_MAX + RECOVER_S
    kills = 0
    stage.sleep_until(BEGIN)
    while kills == 0 or stage.left_s > room_s:
        time.sleep(stage.rng.uniform(*KILL_AFTER_S))
        with working(stage, KILLED) as start_another:
            kills += 1
            time.sleep(stage.rng.uniform(*RESTART_AFTER_S))
            start_another()
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
        with crashing(stage, point, times) as what, stage.fault(what):
            worker = stage.workers.all[-1]
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
        replace_workers(stage, STAY_S)


def replace_workers(stage: Stage, stay_s: tuple[float, float]) -> None:
    """Stop each worker in an orderly way and start another in its place; facts tell how long each took to end.

    `stay_s` is how long, at least and at most, the others go on before the next one.
    """
    for worker in stage.workers.running:
        with terminated(stage, worker) as what:
            stage.say(what)
        stage.workers.wait_ready()
        time.sleep(stage.rng.uniform(*stay_s))


def no_later_than_a_death_that_was_seen(found: Findings) -> list[str]:
    """An alert is no later than a rebalance and a recovery: nobody waits for the session of a dead worker to end."""
    late_s = found.latency_max_s()
    return (
        [f"an alert came {late_s:.1f} s late, more than {SEEN_DEATH_S_MAX:g} s"]
        if late_s > SEEN_DEATH_S_MAX
        else []
    )


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
