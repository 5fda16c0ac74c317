"""A fault as a value: how it is made and healed, how long it may last, what it costs, what it claims and needs."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.drills.findings import FaultTime
from bench.drills.stage import Stage


class Claim(StrEnum):
    """A part that a fault takes for itself: two faults that claim the same one must not work at once."""

    NODE = "node"
    """One of three nodes at a time: with two away nothing is acknowledged, and that is a fault of its own."""

    WORKER = "worker"
    POISON = "poison"
    DISORDER = "disorder"
    HOT = "hot"


class Need(StrEnum):
    """What must be there before the first process starts."""

    PROXIES = "proxies before them"
    SIDES = "a way to the brokers for each side of the workers"
    DISKS = "a file system for each node (as root, with loop devices and e2fsprogs)"
    CLOCKS = "a clock for each node (Debian's libfaketime)"
    LIBRDKAFKA = "confluent-kafka in an environment of its own"


Hold = Callable[[Stage], AbstractContextManager[str]]
"""Entered, the fault works, and a sentence says what was done; left, it is healed. Neither waits for recovery."""

ALL: Final = frozenset({Claim.NODE, Claim.WORKER})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, played by itself or among others.

    Args:
        name: as reports have it.
        hold: makes it and heals it.
        lasts_s: for how long it holds in a random schedule, at least and at most.
        bound_s: how long after it was healed an alert that it held up may come.
        claims: what it takes for itself.
        needs: what must be there.
        skew_s: by how much it moves the brokers' clocks, and so the times in records.
    """

    name: str
    hold: Hold
    lasts_s: tuple[float, float]
    bound_s: float
    claims: frozenset[Claim]
    needs: frozenset[Need] = frozenset()
    skew_s: float = 0.0


@contextlib.contextmanager
def working(stage: Stage, fault: Fault) -> Iterator[Callable[[], None]]:
    """Make a fault and mark the time of the `with` block as its time; yields what heals it, else its end does."""
    from_ms = _now_ms()
    healed: list[int] = []
    with contextlib.ExitStack() as healing:
        healing.callback(lambda: healed.append(_now_ms()))  # the last that the stack does
        if Claim.NODE in fault.claims:
            stage.disturbed.append(fault.name)
            healing.callback(stage.disturbed.remove, fault.name)
        what = healing.enter_context(fault.hold(stage))
        stage.say(f"{fault.name}: {what}")
        yield healing.close
    stage.faults.append(FaultTime(what, from_ms, _now_ms(), healed[0], fault.bound_s, fault.skew_s))


def _now_ms() -> int:
    return int(time.time() * 1000)
