"""The table of drills."""

from typing import Final

from bench.drills import (
    broker_faults,
    chaos,
    device_faults,
    gateway_faults,
    gateway_flood,
    group_faults,
    history_faults,
    node_faults,
    outage_faults,
    ownership_faults,
    upgrade_faults,
    worker_faults,
)
from bench.drills.fault import Fault, Need
from bench.drills.one_fault import once
from bench.drills.run import Drill
from bench.drills.shapes import BACK_NAME, HOT_NAME

CHAOS: Final = "chaos"


def _alone(about: str, fault: Fault, *, nodes: int = 3, seconds: float = 120.0) -> Drill:
    return Drill(
        fault.name,
        about,
        once(fault),
        seconds=seconds,
        nodes=nodes,
        needs=fault.needs,
        bounded=True,
        settle_s=30.0,
    )


_DRILLS: Final = (
    Drill("steady", "load and no fault", device_faults.none, seconds=60),
    Drill(
        "kill-worker",
        "workers killed at random moments, at least ten times",
        worker_faults.kill_workers,
        seconds=260,
        check=worker_faults.no_later_than_a_death_that_was_seen,
        attended=True,
        settings=(("session_timeout_s", worker_faults.LONG_SESSION_S),),
    ),
    Drill(
        "crash-points",
        "workers that exit at named points of a checkpoint, a commit and a recovery",
        worker_faults.crash_workers,
        seconds=180,
        check=worker_faults.no_later_than_a_takeover,
    ),
    Drill(
        "term-worker",
        "every worker stopped and replaced in turn",
        worker_faults.restart_workers,
        seconds=90,
        check=worker_faults.no_later_than_a_handover,
    ),
    Drill(
        "upgrade",
        "workers and gateways of an earlier release become ours one by one, and then the earlier again",
        upgrade_faults.upgrade,
        seconds=150,
        check=upgrade_faults.both_ways_like_a_restart,
        from_earlier=True,
    ),
    Drill(
        "poison",
        "one record in ten is malformed, of every kind",
        device_faults.none,
        shape="poison",
        check=device_faults.something_was_refused,
    ),
    Drill(
        "disorder",
        "frames three times, out of order, late, future-dated, from clocks that step",
        device_faults.none,
        shape="disorder",
        seconds=90,
    ),
    Drill(
        "hot-patient",
        "one device at 500 times its rate",
        device_faults.one_device_runs_hot,
        shape="hot",
        seconds=90,
        troubled=HOT_NAME,
        settle_s=0.0,
        check=device_faults.others_are_not_delayed,
    ),
    Drill(
        "mass-reconnect",
        "as many devices again come back at once, each with ten minutes of backlog",
        device_faults.all_devices_come_back,
        shape="reconnect",
        seconds=120,
        troubled=BACK_NAME,
        settle_s=0.0,
        check=device_faults.others_are_not_delayed,
    ),
    Drill(
        "scale",
        "one worker, then four, then two",
        ownership_faults.scale,
        seconds=90,
        workers=1,
        check=ownership_faults.no_later_than_a_rebalance,
    ),
    Drill(
        "zombie",
        "a worker is stopped while another takes over, and then goes on",
        ownership_faults.make_zombies,
        seconds=270,
        check=ownership_faults.no_later_than_a_takeover,
    ),
    Drill(
        "state-lost",
        "state folder and changelog deleted, with workers away and under them",
        ownership_faults.lose_the_state,
        seconds=120,
        settle_s=30.0,
        check=ownership_faults.all_was_rebuilt,
    ),
    Drill(
        "broker-bounce",
        "leaders among three nodes stop in order or are killed, and come back",
        broker_faults.bounce_leaders,
        seconds=180,
        nodes=3,
        check=broker_faults.no_later_than_a_bounce,
    ),
    Drill(
        "brokers-down",
        "all three nodes are away for a minute",
        broker_faults.take_all_brokers_down,
        seconds=150,
        nodes=3,
        settle_s=30.0,
        check=broker_faults.no_later_than_the_return,
    ),
    Drill(
        "black-hole",
        "a leader's connections stay open and nothing passes for a minute",
        broker_faults.open_a_black_hole,
        seconds=150,
        nodes=3,
        needs=frozenset({Need.PROXIES}),
        settle_s=30.0,
        check=broker_faults.no_later_than_the_return,
    ),
    Drill(
        "long-outage",
        "all three nodes stand still for 150 s; simulator and watcher run beside the workers",
        outage_faults.let_brokers_stand_still,
        seconds=240,
        nodes=3,
        settle_s=30.0,
        check=outage_faults.no_later_than_all_are_back,
    ),
    Drill(
        "gateway-kill",
        "two gateways and the broker are killed in turn, fifty times, under devices that speak HTTP, HL7 and FHIR",
        gateway_faults.kill_in_turn,
        seconds=720,
        workers=1,
    ),
    Drill(
        "gateway-kill-lines",
        "a gateway is killed fifty times, half of them with no broker, under MQTT, Vital Recorder and SDC",
        gateway_faults.kill_with_lines,
        seconds=720,
        workers=1,
    ),
    Drill(
        "gateway-flood",
        "clients offer a gateway ten times what Kafka takes from it, for a third of the time",
        gateway_flood.flood,
        seconds=90,
        troubled=gateway_flood.FLOOD_PATIENTS,
        settle_s=0.0,
        check=device_faults.others_are_not_delayed,
    ),
    Drill(
        "history-kill",
        "the history is killed fifty times under load, and then compared with the topics",
        history_faults.kill_the_history,
        seconds=200,
        check=history_faults.something_was_compared,
    ),
    _alone("a client of the group with another protocol takes partitions", group_faults.STRAYED, nodes=1),
    _alone("half of the workers cannot reach one node, half another one", group_faults.PARTED),
    _alone("a leader's disk is full, and freed", node_faults.FULL),
    _alone("writes to a leader's disk stand still four fifths of the time", node_faults.SLOW),
    _alone("a leader's clock is set 90 s off, and right again", node_faults.MOVED),
    Drill(
        CHAOS,
        "all of these by a schedule of chance, on one cluster under one load",
        chaos.play,
        seconds=600,
        shape="troubled",
        nodes=3,
        workers=3,
        wants=frozenset(Need),
        troubles=chaos.troubles,
        bounded=True,
        settle_s=30.0,
        troubled=HOT_NAME,
        check=chaos.something_was_played,
    ),
)

DRILLS: Final[dict[str, Drill]] = {drill.name: drill for drill in _DRILLS}
