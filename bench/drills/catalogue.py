"""The faults of which a random schedule is made, in one table: how long, what each claims, what it needs, its bound.

Two that claim the same part never work at once (`fault.Claim`), all others may:

| fault | claims | may work beside |
|---|---|---|
| a node stopped, killed, black hole, full disk, slow disk, moved clock | a node | faults of one worker and of devices |
| a worker killed, ended, crashing, asleep; a stray member | a worker | faults of one node and of devices |
| all nodes killed or still, state or changelog lost, a network in two parts | both | faults of devices |
| poison, disorder, a hot patient | that kind of trouble | everything but itself |

Not among them: gateways and the history, which have devices and comparisons of their own, and `mass-reconnect`, whose
ten times as many frames are a question of capacity.
"""

from typing import Final

from bench.drills import (
    broker_faults,
    device_faults,
    group_faults,
    node_faults,
    outage_faults,
    ownership_faults,
    worker_faults,
)
from bench.drills.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    worker_faults.KILLED,
    worker_faults.TERMINATED,
    worker_faults.CRASHING_WORKER,
    ownership_faults.ZOMBIE,
    ownership_faults.STATE_GONE,
    ownership_faults.CHANGELOG_GONE,
    broker_faults.STOPPED,
    broker_faults.KILLED,
    broker_faults.ALL_KILLED,
    broker_faults.BLACK_HOLE,
    outage_faults.STILL,
    node_faults.FULL,
    node_faults.SLOW,
    node_faults.MOVED,
    group_faults.STRAYED,
    group_faults.PARTED,
    *device_faults.TROUBLES,
)

BY_NAME: Final = {fault.name: fault for fault in FAULTS}
