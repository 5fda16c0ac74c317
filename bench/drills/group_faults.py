"""Faults between the workers: a stranger in their group, and a network in which each reaches other nodes."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.drills.broker_faults import cluster_of
from bench.drills.fault import Claim, Fault, Need
from bench.drills.proxy import Mode
from bench.drills.said import said
from bench.drills.stage import Stage
from bench.peers import environments
from edge.brokers.tether import spawn, stop
from streams.contracts.topics import READINGS
from streams.errors import UsageError, VigilError

SIDES: Final = ("EAST", "WEST")
"""Listeners of every node. Workers know one of them each; who cuts one cuts the way of half of the workers."""

STRAY: Final = Path(__file__).with_name("stray_member.py")
REQUIREMENTS: Final = environments.HERE / environments.FOLDERS["raw-librdkafka"] / "requirements.txt"
JOIN_S_MAX: Final = 30.0
POLL_S: Final = 0.1
END_S_MAX: Final = 15.0
STRAY_BOUND_S: Final = 60.0
PARTED_BOUND_S: Final = 60.0
"""As after a black hole: a worker that lost its coordinator has stopped itself, and another one comes."""


def can_stray() -> bool:
    """Make the environment for a client of the consumer protocol, if it is not there yet.

    Raises:
        VigilError: it could not be made.
    """
    return environments.environment(REQUIREMENTS).is_dir()


@contextlib.contextmanager
def strayed(stage: Stage) -> Iterator[str]:
    """A client with the group's id and another protocol wants to join; healed, it leaves.

    At first it comes with a classic assignor that no worker has: the broker must refuse it. Of the consumer protocol
    Kafka 4.3.1 refuses it as well while workers are there; a broker that does not gives it partitions.
    """
    python = environments.environment(REQUIREMENTS) / "bin" / "python"
    log = stage.folder / f"stray-{len(stage.faults)}.log"
    settings = stage.settings
    command = [str(python), "-P", str(STRAY), settings.brokers, settings.group, settings.topic(READINGS)]
    with log.open("wb") as output:
        process = spawn(command, output)
    try:
        _wait_answered(process, log)
        became = "was refused by" if any("consumer" in one for one in said(log)) else "has joined"
        yield f"a client of the consumer protocol {became} the workers' group"
    finally:
        code = stop(process, END_S_MAX)
    lines = said(log)
    stage.facts["stray"] = [*_list(stage.facts.get("stray")), lines]
    stage.say(f"the stray member ended with {code} and said {lines}")
    if any(one.get("classic") == "joined" for one in lines):
        stage.broken.append("the broker let a classic member with another assignor into the group")


def _wait_answered(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + JOIN_S_MAX
    while not any(one.keys() & {"partitions", "consumer"} for one in said(log)):
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise VigilError(f"the stray member got no answer: {log.read_text()[-500:]}")
        time.sleep(POLL_S)


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


@contextlib.contextmanager
def parted(stage: Stage) -> Iterator[str]:
    """Half of the workers do not reach one node and half another one, nothing being closed; healed, all reach all."""
    cluster, proxies = cluster_of(stage), stage.proxies
    if proxies is None or not stage.workers.sides:
        raise UsageError(f"a network in two parts needs {Need.SIDES} and {Need.PROXIES}")
    nodes = stage.rng.sample(range(1, cluster.nodes + 1), len(SIDES))
    cut = [cluster.address(node, side) for node, side in zip(nodes, SIDES, strict=True)]
    try:
        for address in cut:
            proxies.set_mode(address, Mode.BLACK_HOLE)
        words = (
            f"node {node} from workers {[w.index for w in stage.workers.running if w.side == place]}"
            for place, node in enumerate(nodes)
        )
        yield f"nothing passes to {' and to '.join(words)}"
    finally:
        for address in cut:
            proxies.set_mode(address, Mode.FORWARD)


STRAYED: Final = Fault(
    "stray-member",
    strayed,
    (10.0, 30.0),
    STRAY_BOUND_S,
    frozenset({Claim.WORKER}),
    frozenset({Need.LIBRDKAFKA}),
)
PARTED: Final = Fault(
    "network-partition",
    parted,
    (15.0, 60.0),
    PARTED_BOUND_S,
    frozenset({Claim.NODE, Claim.WORKER}),
    frozenset({Need.PROXIES, Need.SIDES}),
)
