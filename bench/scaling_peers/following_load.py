"""The drill's load from a writer that follows the topic: what partitions there are, it learns as any producer does.

Runs as a process of its own: `python -m bench.scaling_peers.following_load PLAN LEDGER`. The frames are those of
`bench.drills.load` with the same plan; a frame goes to the partition that its key's hash says among those that the
writer knows at the moment.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bench.drills.ledger import Ledger
from bench.drills.load import BATCH_BYTES, DRAIN_S_MAX, REQUEST_MS, SLOT_S, Lane
from bench.drills.shapes import SHAPES
from bench.drills.ward import Due, LoadPlan, Ward
from streams.contracts.partitions import partition_of

METADATA_AGE_MS: Final = 1_000
"""How old what the writer knows of the topic may be. Kafka's default is five minutes: longer than the drill."""

ASK_S: Final = 0.25


class Lanes:
    """A lane a partition; more of them when the topic has more."""

    def __init__(self, producer: Any, plan: LoadPlan, ledger: Ledger) -> None:
        self._producer, self._plan, self._ledger = producer, plan, ledger
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._places: dict[bytes, int] = {}
        self.grow(plan.partitions)

    def grow(self, partitions: int) -> None:
        """Have as many lanes as that."""
        for partition in range(len(self._lanes), partitions):
            lane = Lane(self._producer, self._plan, partition, self._ledger)
            self._lanes.append(lane)
            self._tasks.append(asyncio.create_task(lane.run()))
            self._places.clear()

    async def follow(self) -> None:
        """Ask for ever how many partitions the topic has."""
        while True:
            self.grow(len(await self._producer.partitions_for(self._plan.topic)))
            await asyncio.sleep(ASK_S)

    def put(self, due: Due) -> None:
        """Take over one record."""
        assert due.key is not None  # the plain shape has a key everywhere
        place = self._places.get(due.key)
        if place is None:
            place = self._places[due.key] = partition_of(due.key.decode(), len(self._lanes))
        self._lanes[place].put(due)

    async def close(self) -> None:
        """Wait until all has been sent and answered, or give it up."""
        for lane in self._lanes:
            lane.close()
        await asyncio.wait(self._tasks, timeout=DRAIN_S_MAX)
        for task, lane in zip(self._tasks, self._lanes, strict=True):
            task.cancel()
            lane.give_up()


async def run(plan: LoadPlan, ledger: Ledger) -> None:
    """Send everything that the plan says, on time."""
    source = SHAPES[plan.shape](Ward(plan))
    producer = AIOKafkaProducer(
        bootstrap_servers=plan.brokers,
        acks="all",
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=REQUEST_MS,
        metadata_max_age_ms=METADATA_AGE_MS,
        client_id="vigil-drill",
    )
    await producer.start()
    lanes = Lanes(producer, plan, ledger)
    following = asyncio.create_task(lanes.follow())
    try:
        await _keep_to_schedule(source, lanes, plan.start_ms / 1000)
        await lanes.close()
    finally:
        following.cancel()
        try:
            await asyncio.wait_for(producer.stop(), REQUEST_MS / 1000)
        except (TimeoutError, KafkaError) as error:
            print(f"the loader's producer did not stop: {error!r}", file=sys.stderr)


async def _keep_to_schedule(source: Iterator[Due], lanes: Lanes, start_s: float) -> None:
    now_s = time.time() - start_s
    for due in source:
        while due.due_s > now_s:
            await asyncio.sleep(min(max(due.due_s - now_s, SLOT_S), 1.0))
            now_s = time.time() - start_s
        lanes.put(due)


def main() -> int:
    """Run the plan in the first argument and write the ledger to the second."""
    plan, ledger = LoadPlan(**json.loads(sys.argv[1])), Ledger()
    asyncio.run(run(plan, ledger))
    ledger.save(Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
