"""All faults on one cluster under one load, by a schedule of chance that a seed gives, judged once at the end."""

import contextlib
import time
from typing import Final

from kafka.errors import KafkaError

from bench.drills.catalogue import BY_NAME, FAULTS
from bench.drills.chaos_schedule import Planned, agenda, draw
from bench.drills.device_faults import TROUBLES
from bench.drills.fault import Claim, Fault, working
from bench.drills.faults import in_sync
from bench.drills.findings import Findings
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running, wait_in_service
from streams.errors import VigilError

SERVICE_S_MAX: Final = 60.0
IN_SYNC_S_MAX: Final = 60.0
"""A node that was away has caught up by then; the next one goes only after that, as in an orderly maintenance."""


def schedule(seed: int, seconds: float) -> tuple[Planned, ...]:
    """Return what happens in a run: the same for the same seed and time, on every machine."""
    return draw(seed, seconds, FAULTS)


def troubles(seed: int, seconds: float) -> list[tuple[str, float, float]]:
    """Return the part of the schedule that the devices play: name, from and to, s of the load."""
    names = {fault.name for fault in TROUBLES}
    return [(one.name, one.from_s, one.to_s) for one in schedule(seed, seconds) if one.name in names]


def play(stage: Stage) -> None:
    """Begin and end every fault of the schedule at its time; note those that could not be played, and why."""
    planned = schedule(stage.seed, stage.seconds)
    left_out: list[str] = []
    stage.facts["schedule"] = [f"{one.from_s:.1f} to {one.to_s:.1f} s {one.name}" for one in planned]
    stage.facts["not_played"] = left_out
    stage.say(f"chaos of seed {stage.seed}: {len(planned)} faults in {stage.seconds:g} s")
    with contextlib.ExitStack() as at_end:
        works: dict[int, contextlib.ExitStack] = {}
        for at_s, begins, place in agenda(planned):
            keep_running(stage, max(0.0, stage.start_s + at_s - time.time()))
            name = planned[place].name
            if not begins:
                if place in works:
                    _end(stage, name, works.pop(place))
                    stage.say(f"[{place + 1}/{len(planned)}] {name}: healed")
                continue
            one = at_end.enter_context(contextlib.ExitStack())
            if why := _begin(stage, BY_NAME[name], one):
                left_out.append(f"{name} at {at_s:.1f} s: {why}")
                stage.say(f"[{place + 1}/{len(planned)}] {name}: not played, {why}")
            else:
                works[place] = one
                lasts_s = planned[place].to_s - planned[place].from_s
                stage.say(f"[{place + 1}/{len(planned)}] {name}: for {lasts_s:.1f} s")
    wait_in_service(stage, SERVICE_S_MAX)
    keep_running(stage, max(0.0, stage.left_s))


def _begin(stage: Stage, fault: Fault, until: contextlib.ExitStack) -> str | None:
    """Have a fault work until the stack is closed; return why it does not."""
    if missing := stage.missing & fault.needs:
        return f"this machine does not have: {', '.join(sorted(missing))}"
    try:
        if Claim.NODE in fault.claims and not keep_running(
            stage, IN_SYNC_S_MAX, lambda: in_sync(stage.settings)
        ):
            return f"the brokers' copies were not in sync after {IN_SYNC_S_MAX:g} s"
        if Claim.WORKER in fault.claims and not stage.workers.running:
            return "no worker runs"
        until.enter_context(working(stage, fault))
    except (VigilError, KafkaError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _end(stage: Stage, name: str, until: contextlib.ExitStack) -> None:
    """Heal a fault; what cannot be healed breaks the drill, but all others go on, and the log is judged."""
    try:
        until.close()
    except (VigilError, KafkaError, OSError) as error:
        stage.broken.append(f"{name} could not be healed: {error}")


def something_was_played(found: Findings) -> list[str]:
    """A run in which hardly anything happened shows nothing."""
    planned, left_out = found.facts["schedule"], found.facts["not_played"]
    if len(left_out) * 2 >= len(planned):
        return [f"only {len(planned) - len(left_out)} of {len(planned)} faults were played"]
    return []
