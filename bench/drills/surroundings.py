"""What a drill needs before its first process starts: brokers, and what stands before, under and beside them."""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.drills.clocks import Clocks, library
from bench.drills.disks import Disks, can_mount
from bench.drills.fault import Need
from bench.drills.group_faults import SIDES, can_stray
from bench.drills.proxy import Proxies
from edge.brokers.cluster import KafkaCluster
from streams.errors import UsageError, VigilError

THERE: Final[dict[Need, Callable[[], bool]]] = {
    Need.PROXIES: lambda: True,
    Need.SIDES: lambda: True,
    Need.DISKS: can_mount,
    Need.CLOCKS: lambda: library() is not None,
    Need.LIBRDKAFKA: can_stray,
}
"""Whether this machine has it; may raise a `VigilError` that says why not."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is, and what was wanted and is not there."""

    cluster: KafkaCluster | None
    bootstrap: str
    proxies: Proxies | None = None
    disks: Disks | None = None
    clocks: Clocks | None = None
    sides: tuple[str, ...] = ()
    missing: frozenset[Need] = frozenset()


def surround(
    needs: Collection[Need],
    wants: Collection[Need],
    nodes: int,
    brokers: str | None,
    folder: Path,
    until: contextlib.ExitStack,
) -> Surroundings:
    """Start brokers with all that is needed, and of what is wanted what can be had; all ends with the stack.

    Args:
        needs: what must be there.
        wants: what may be missing.
        nodes: of Kafka.
        brokers: somebody's that run, instead of some of our own.
        folder: where disks and clocks are kept.
        until: ends all that was started.

    Raises:
        VigilError: something needed cannot be had.
    """
    there = {need for need in needs if THERE[need]()} | {need for need in wants if _is_there(need)}
    if lacking := set(needs) - there:
        raise UsageError(f"this machine does not have what the drill needs: {', '.join(sorted(lacking))}")
    missing = frozenset(set(wants) - there)
    if brokers:
        return Surroundings(None, brokers, missing=missing)
    proxies = until.enter_context(Proxies()) if Need.PROXIES in there else None
    disks = until.enter_context(Disks(folder)) if Need.DISKS in there else None
    preloaded = library() if Need.CLOCKS in there else None
    clocks = Clocks(folder, preloaded) if preloaded else None
    sides = SIDES if Need.SIDES in there else ()
    cluster = until.enter_context(
        KafkaCluster(
            nodes,
            advertise=proxies.add if proxies else None,
            sides=sides,
            data_of=disks.data_of if disks else None,
            environment_of=clocks.environment_of if clocks else None,
        )
    )
    ways = tuple(cluster.bootstrap_of(side) for side in sides)
    return Surroundings(cluster, cluster.bootstrap, proxies, disks, clocks, ways, missing)


def _is_there(need: Need) -> bool:
    try:
        return THERE[need]()
    except VigilError:
        return False
