"""Faults of one node's machine: its disk is full, or slow, or somebody sets its clock."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from bench.drills.broker_faults import a_leader, cluster_of
from bench.drills.fault import Claim, Fault, Need
from bench.drills.stage import Stage
from streams.errors import UsageError

STILL_S, FLOW_S = 0.8, 0.2
"""A slow disk takes no write for so long, then all that wait, and again: four fifths of the time nothing moves."""

STEP_S: Final = 90
"""Further than the live horizon (60 s): what a clock so far off stamps is no frame of now."""

FULL_BOUND_S: Final = 60.0
"""The node is started again when there is room, as by an operator."""

SLOW_BOUND_S: Final = 15.0
"""A request timeout: the node stays in service all the time."""


@contextlib.contextmanager
def full(stage: Stage) -> Iterator[str]:
    """Something else takes every free block of a leader's disk; healed, they are free and the node is started again."""
    disks, cluster = stage.disks, cluster_of(stage)
    if disks is None:
        raise UsageError(f"a full disk needs {Need.DISKS}")
    node, words = a_leader(stage)
    disks.fill(node)
    filled_s = time.monotonic()
    yield f"{words} has a full disk"
    by_itself = cluster.pid(node) is None
    ends = stage.facts.setdefault("full_nodes_ended_by_themselves", [])
    assert isinstance(ends, list)
    ends.append(by_itself)
    stage.say(
        f"node {node} {'had ended by itself' if by_itself else 'still ran'} after {time.monotonic() - filled_s:.0f} s"
    )
    disks.free(node)
    cluster.kill(node)
    cluster.restart(node)


@contextlib.contextmanager
def slow(stage: Stage) -> Iterator[str]:
    """Writes to a leader's disk wait most of the time; healed, they do not."""
    if stage.disks is None:
        raise UsageError(f"a slow disk needs {Need.DISKS}")
    node, words = a_leader(stage)
    stalling = stage.disks.stall(node, STILL_S, FLOW_S)
    try:
        yield f"{words} has a disk that stands still for {STILL_S:g} of every {STILL_S + FLOW_S:g} s"
    finally:
        stage.disks.flow(stalling)


@contextlib.contextmanager
def moved(stage: Stage) -> Iterator[str]:
    """A leader's clock is set ahead or back; healed, it is right again: two steps, one of them backwards."""
    if stage.clocks is None:
        raise UsageError(f"a clock that steps needs {Need.CLOCKS}")
    node, words = a_leader(stage)
    by_s = stage.rng.choice((STEP_S, -STEP_S))
    stage.clocks.move(node, by_s)
    try:
        yield f"{words} has its clock set {by_s:+d} s"
    finally:
        stage.clocks.move(node, 0)


FULL: Final = Fault(
    "full-disk",
    full,
    (15.0, 40.0),
    FULL_BOUND_S,
    frozenset({Claim.NODE}),
    frozenset({Need.DISKS}),
)
SLOW: Final = Fault(
    "slow-disk",
    slow,
    (20.0, 60.0),
    SLOW_BOUND_S,
    frozenset({Claim.NODE}),
    frozenset({Need.DISKS}),
)
MOVED: Final = Fault(
    "clock-step",
    moved,
    (10.0, 30.0),
    SLOW_BOUND_S,
    frozenset({Claim.NODE}),
    frozenset({Need.CLOCKS}),
    skew_s=STEP_S,
)
