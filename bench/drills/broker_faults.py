"""Faults of brokers and of the network before them: a leader lost, all nodes down, a node behind a black hole."""

import time
from typing import Final

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


def bounce_leaders(stage: Stage) -> None:
    """Stop the leader of a partition of the readings and start it again, in order and by a kill, several times."""
    cluster, topic = cluster_of(stage), stage.settings.topic(READINGS)
    stage.sleep_until(BEGIN)
    bounces = 0
    while bounces < 2 or stage.left_s > 2 * BOUNCE_LATENCY_S_MAX:
        how, stop = (("stopped", cluster.terminate), ("killed", cluster.kill))[bounces % 2]
        partition = stage.rng.randrange(stage.settings.partitions)
        leader = leader_of(stage.settings, topic, partition)
        with stage.fault(f"node {leader}, which leads partition {partition}, is {how}"):
            stop(leader)
            keep_running(stage, AWAY_S)
            cluster.restart(leader)
            wait_in_service(stage, SERVICE_S_MAX)
        bounces += 1
        keep_running(stage, AWAY_S)
    stage.facts["bounces"] = bounces


def take_all_brokers_down(stage: Stage) -> None:
    """Kill every node at once and start all of them again later."""
    cluster = cluster_of(stage)
    nodes = range(1, cluster.nodes + 1)
    stage.sleep_until(BEGIN)
    down_s = DOWN_SHARE * stage.seconds
    with stage.fault(f"all nodes down for {down_s:g} s"):
        for node in nodes:
            cluster.kill(node)
        keep_running(stage, down_s)
        cluster.restart(*nodes)
        wait_in_service(stage, SERVICE_S_MAX)
    stage.facts["down_s"] = round(down_s, 1)
    keep_running(stage, stage.left_s)


def open_a_black_hole(stage: Stage) -> None:
    """Let nothing pass to and from the leader of a partition, without closing a connection, and then everything."""
    cluster, topic = cluster_of(stage), stage.settings.topic(READINGS)
    if stage.proxies is None:
        raise UsageError("a black hole needs proxies in front of the brokers")
    stage.sleep_until(BEGIN)
    hole_s = DOWN_SHARE * stage.seconds
    node = leader_of(stage.settings, topic, 0)
    with stage.fault(f"nothing passes to node {node}, which leads partition 0, for {hole_s:g} s"):
        began_s = time.monotonic()
        stage.proxies.set_mode(cluster.address(node), Mode.BLACK_HOLE)
        noticed = keep_running(stage, hole_s, lambda: bool(stage.facts.get("workers_ended")))
        stage.facts["first_fail_stop_s"] = round(time.monotonic() - began_s, 1) if noticed else None
        keep_running(stage, hole_s - (time.monotonic() - began_s))
        stage.proxies.set_mode(cluster.address(node), Mode.FORWARD)
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
