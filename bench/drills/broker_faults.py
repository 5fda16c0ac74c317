"""Faults of brokers and of the network before them: a leader lost, all nodes down, a node behind a black hole."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from bench.drills.fault import ALL, Claim, Fault, Need, working
from bench.drills.faults import leader_of
from bench.drills.findings import Findings
from bench.drills.proxy import Mode
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running, wait_in_service
from edge.brokers.cluster import KafkaCluster
from streams.contracts.topics import READINGS
from streams.errors import UsageError

BEGIN: Final = 0.15
DOWN_SHARE: Final = 0.4
"""Of the load's time: 60 s of the 150 s that a whole drill lasts."""

AWAY_S: Final = 5.0
"""How long a single node stays away before it is started again."""

SERVICE_S_MAX: Final = 60.0
"""Workers judge again so soon after the brokers are back."""

BOUNCE_LATENCY_S_MAX: Final = 30.0


def a_leader(stage: Stage) -> tuple[int, str]:
    """Return a node that leads a partition of the readings, of one taken by chance, and that in words."""
    partition = stage.rng.randrange(stage.settings.partitions)
    leader = leader_of(stage.settings, stage.settings.topic(READINGS), partition)
    return leader, f"node {leader}, which leads partition {partition},"


@contextlib.contextmanager
def node_away(stage: Stage, *, in_order: bool) -> Iterator[str]:
    """A leader is stopped or killed; healed, it is started again and serves."""
    cluster = cluster_of(stage)
    leader, words = a_leader(stage)
    (cluster.terminate if in_order else cluster.kill)(leader)
    yield f"{words} is {'stopped' if in_order else 'killed'}"
    cluster.restart(leader)


@contextlib.contextmanager
def all_nodes_killed(stage: Stage) -> Iterator[str]:
    """Every node is killed; healed, all of them are started again and serve."""
    cluster = cluster_of(stage)
    nodes = range(1, cluster.nodes + 1)
    for node in nodes:
        cluster.kill(node)
    yield "all nodes are down"
    cluster.restart(*nodes)


@contextlib.contextmanager
def swallowed(stage: Stage, partition: int | None = None) -> Iterator[str]:
    """Nothing passes to and from a leader, and no connection is closed; healed, what was swallowed is delivered."""
    cluster = cluster_of(stage)
    if stage.proxies is None:
        raise UsageError("a black hole needs proxies in front of the brokers")
    chosen = stage.rng.randrange(stage.settings.partitions) if partition is None else partition
    node = leader_of(stage.settings, stage.settings.topic(READINGS), chosen)
    try:
        for address in cluster.addresses(node):
            stage.proxies.set_mode(address, Mode.BLACK_HOLE)
        yield f"nothing passes to node {node}, which leads partition {chosen}"
    finally:
        for address in cluster.addresses(node):
            stage.proxies.set_mode(address, Mode.FORWARD)


STOPPED, KILLED = (
    Fault(
        name,
        partial(node_away, in_order=in_order),
        (AWAY_S, 4 * AWAY_S),
        BOUNCE_LATENCY_S_MAX,
        frozenset({Claim.NODE}),
    )
    for name, in_order in (("stop-node", True), ("kill-node", False))
)
ALL_KILLED: Final = Fault("brokers-down", all_nodes_killed, (10.0, 60.0), SERVICE_S_MAX, ALL)
BLACK_HOLE: Final = Fault(
    "black-hole",
    swallowed,
    (10.0, 60.0),
    SERVICE_S_MAX,
    frozenset({Claim.NODE}),
    frozenset({Need.PROXIES}),
)


def bounce_leaders(stage: Stage) -> None:
    """Stop the leader of a partition of the readings and start it again, in order and by a kill, several times."""
    stage.sleep_until(BEGIN)
    bounces = 0
    while bounces < 2 or stage.left_s > 2 * BOUNCE_LATENCY_S_MAX:
        with working(stage, (STOPPED, KILLED)[bounces % 2]) as start_again:
            keep_running(stage, AWAY_S)
            start_again()
            wait_in_service(stage, SERVICE_S_MAX)
        bounces += 1
        keep_running(stage, AWAY_S)
    stage.facts["bounces"] = bounces


def take_all_brokers_down(stage: Stage) -> None:
    """Kill every node at once and start all of them again later."""
    stage.sleep_until(BEGIN)
    down_s = DOWN_SHARE * stage.seconds
    with working(stage, ALL_KILLED) as start_again:
        keep_running(stage, down_s)
        start_again()
        wait_in_service(stage, SERVICE_S_MAX)
    stage.facts["down_s"] = round(down_s, 1)
    keep_running(stage, stage.left_s)


def open_a_black_hole(stage: Stage) -> None:
    """Let nothing pass to and from the leader of a partition, without closing a connection, and then everything."""
    stage.sleep_until(BEGIN)
    hole_s = DOWN_SHARE * stage.seconds
    hole = replace(BLACK_HOLE, hold=partial(swallowed, partition=0))
    with working(stage, hole) as let_pass:
        began_s = time.monotonic()
        noticed = keep_running(stage, hole_s, lambda: bool(stage.facts.get("workers_ended")))
        stage.facts["first_fail_stop_s"] = round(time.monotonic() - began_s, 1) if noticed else None
        keep_running(stage, hole_s - (time.monotonic() - began_s))
        let_pass()
        wait_in_service(stage, SERVICE_S_MAX)
    stage.facts["down_s"] = round(hole_s, 1)
    keep_running(stage, stage.left_s)


def no_later_than_a_bounce(found: Findings) -> list[str]:
    """While one of three nodes goes and comes, no alert is later than a request timeout and a takeover."""
    return _later_than(found, BOUNCE_LATENCY_S_MAX)


def no_later_than_the_return(found: Findings) -> list[str]:
    """What could not be judged while brokers were away is judged soon after they are back."""
    down_s = found.facts["down_s"]
    return _later_than(found, float(down_s) + SERVICE_S_MAX)


def _later_than(found: Findings, bound_s: float) -> list[str]:
    late_s = found.latency_max_s()
    return [f"an alert came {late_s:.1f} s late, more than {bound_s:g} s"] if late_s > bound_s else []


def cluster_of(stage: Stage) -> KafkaCluster:
    """Return the drill's own brokers.

    Raises:
        UsageError: they are somebody else's.
    """
    if stage.cluster is None:
        raise UsageError("brokers: this drill needs brokers of its own, which it may stop")
    return stage.cluster
