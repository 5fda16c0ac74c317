"""The stage of a drill: brokers, topics, workers and the time of the load; what a fault function may touch."""

import contextlib
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kafka import TopicPartition

from bench.drills.clocks import Clocks
from bench.drills.disks import Disks
from bench.drills.findings import FaultTime
from bench.drills.proxy import Proxies
from bench.drills.releases import Release
from bench.drills.workers import Workers
from edge.brokers.cluster import KafkaCluster
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import VigilError
from streams.kafka.connect import connect_admin

POLL_S: Final = 0.2


@dataclass(slots=True)
class Stage:
    """Handed to a fault function. `start_s` is when the load begins (wall clock), `seconds` how long it lasts."""

    settings: Settings
    cluster: KafkaCluster | None
    workers: Workers
    folder: Path
    rng: random.Random
    seconds: float
    start_s: float = 0.0
    faults: list[FaultTime] = field(default_factory=list)
    disturbed: list[str] = field(default_factory=list)
    """Faults of nodes that work now, by name: meanwhile a write may be refused for longer than a worker waits."""
    broken: list[str] = field(default_factory=list)
    """Promises that the fault function itself saw broken, in sentences."""
    facts: dict[str, object] = field(default_factory=dict)
    """What the fault function wants in the JSON."""
    proxies: Proxies | None = None
    """In front of every node, where the drill asked for them."""
    sabotage: str | None = None
    """The fault that is built in, of whatever process it is."""
    seed: int = 1
    disks: Disks | None = None
    """Under every node, where the drill asked for them."""
    clocks: Clocks | None = None
    """Of every node, likewise."""
    missing: frozenset[str] = frozenset()
    """What the drill would have liked and this machine does not have (`fault.Need`)."""
    earlier: Release | None = None
    """Where the drill begins with an earlier release."""

    def sleep_until(self, share: float) -> None:
        """Wait until this share of the load's time has passed."""
        time.sleep(max(0.0, self.start_s + share * self.seconds - time.time()))

    @property
    def left_s(self) -> float:
        """How long the load still lasts, s."""
        return self.start_s + self.seconds - time.time()

    @contextlib.contextmanager
    def fault(self, what: str) -> Iterator[None]:
        """Mark the time in which a fault works."""
        from_ms = int(time.time() * 1000)
        self.say(what)
        try:
            yield
        finally:
            self.faults.append(FaultTime(what, from_ms, int(time.time() * 1000)))

    def say(self, line: str) -> None:
        """Tell on standard error what happens."""
        at_s = max(0.0, time.time() - self.start_s) if self.start_s else 0.0
        print(f"{at_s:7.1f} s  {line}", file=sys.stderr, flush=True)

    def committed(self) -> list[int]:
        """Return the group's committed offset of each partition of the readings, 0 where there is none."""
        topic = self.settings.topic(READINGS)
        tps = [TopicPartition(topic, partition) for partition in range(self.settings.reading_partitions)]
        group = self.settings.judging_group
        with contextlib.closing(connect_admin(self.settings)) as admin:
            found = admin.list_group_offsets({group: tps})[group]
        return [max(0, found[tp].offset) if tp in found else 0 for tp in tps]

    def wait_committed(self, ends: list[int], wait_s: float) -> list[int]:
        """Wait until the group has committed each partition up to `ends`; return what is missing, by partition."""
        deadline_s = time.monotonic() + wait_s
        while True:
            with contextlib.suppress(VigilError):
                missing = [max(0, end - done) for end, done in zip(ends, self.committed(), strict=True)]
                if not any(missing) or time.monotonic() > deadline_s:
                    return missing
            if time.monotonic() > deadline_s:
                return ends
            time.sleep(POLL_S)
