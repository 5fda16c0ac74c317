"""The loader: sends what is due on a schedule that never waits for the broker, and keeps the ledger.

Runs as a process of its own: `python -m bench.drills.load PLAN LEDGER`, the plan as JSON. Records that the broker
cannot take at the moment wait here, as they would in a device's memory; each partition sends in order.
"""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from bench.drills.ledger import Ledger, Outcome, fingerprint
from bench.drills.shapes import SHAPES
from bench.drills.ward import Due, LoadPlan, Ward

REQUEST_MS: Final = 15_000
BATCH_BYTES: Final = 900_000
"""The broker takes a megabyte at once; the largest malformed record must fit."""

BATCH_RECORDS_MAX: Final = 500
SLOT_S: Final = 0.01
DRAIN_S_MAX: Final = 90.0
"""How long after the last record the loader waits for answers; beyond it they are unknown."""


class Lane:
    """Sends one partition's records in order, as many at a time as have come together."""

    def __init__(self, producer: Any, plan: LoadPlan, partition: int, ledger: Ledger) -> None:
        self._producer, self._topic, self._partition = producer, plan.topic, partition
        self._start_s = plan.start_ms / 1000
        self._ledger = ledger
        self._waiting: deque[Due] = deque()
        self._something = asyncio.Event()
        self._unanswered: dict[asyncio.Future[Any], list[Due]] = {}
        self.closing = False

    def put(self, due: Due) -> None:
        """Take over one record."""
        self._waiting.append(due)
        self._something.set()

    async def run(self) -> None:
        """Send until closed and empty, then wait for the answers."""
        while self._waiting or not self.closing:
            if not self._waiting:
                self._something.clear()
                await self._something.wait()
                continue
            await self._send_some()
        if self._unanswered:
            await asyncio.wait(tuple(self._unanswered))

    def close(self) -> None:
        """Say that nothing more comes."""
        self.closing = True
        self._something.set()

    def give_up(self) -> None:
        """Note what was never handed over, and what has no answer yet."""
        self._note(list(self._waiting), Outcome.REFUSED)
        self._waiting.clear()
        for answer, taken in self._unanswered.items():
            answer.remove_done_callback(self._answered)
            self._note(taken, Outcome.UNKNOWN)
        self._unanswered.clear()

    async def _send_some(self) -> None:
        batch = self._producer.create_batch()
        taken: list[Due] = []
        while self._waiting and len(taken) < BATCH_RECORDS_MAX:
            due = self._waiting[0]
            if batch.append(key=due.key, value=due.value, timestamp=None) is None:
                break
            taken.append(self._waiting.popleft())
        if not taken:  # alone it is too large for any batch
            self._note([self._waiting.popleft()], Outcome.REFUSED)
            return
        try:
            answer = await self._producer.send_batch(batch, self._topic, partition=self._partition)
        except KafkaTimeoutError:  # no room in the producer: nothing was sent
            self._note(taken, Outcome.REFUSED)
            return
        except (KafkaError, asyncio.CancelledError):
            self._note(taken, Outcome.UNKNOWN)
            raise
        self._unanswered[answer] = taken
        answer.add_done_callback(self._answered)

    def _answered(self, done: asyncio.Future[Any]) -> None:
        taken = self._unanswered.pop(done)
        if done.cancelled() or done.exception() is not None:
            self._note(taken, Outcome.UNKNOWN)
        else:
            self._note(taken, Outcome.ACCEPTED, done.result().offset)

    def _note(self, records: list[Due], outcome: Outcome, base: int = -1) -> None:
        now_s = time.time() - self._start_s
        for i, due in enumerate(records):
            self._ledger.enter(
                fingerprint(due.key, due.value),
                self._partition,
                outcome,
                base + i if base >= 0 else -1,
                round(1000 * (now_s - due.due_s)),
            )


class Lanes:
    """A lane a partition, as many as the plan says."""

    def __init__(self, producer: Any, plan: LoadPlan, ledger: Ledger) -> None:
        self._producer, self._plan, self._ledger = producer, plan, ledger
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.grow(plan.partitions)

    def grow(self, partitions: int) -> None:
        """Have as many lanes as that."""
        for partition in range(len(self._lanes), partitions):
            lane = Lane(self._producer, self._plan, partition, self._ledger)
            self._lanes.append(lane)
            self._tasks.append(asyncio.create_task(lane.run()))

    def put(self, due: Due) -> None:
        """Take over one record."""
        self._lanes[due.partition].put(due)

    async def settle(self) -> None:
        """Wait until all has been sent and answered, for `DRAIN_S_MAX` at most."""
        for lane in self._lanes:
            lane.close()
        await asyncio.wait(self._tasks, timeout=DRAIN_S_MAX)

    def end(self) -> None:
        """Send nothing more, and note what has no answer."""
        for task, lane in zip(self._tasks, self._lanes, strict=True):
            task.cancel()
            lane.give_up()


async def run(plan: LoadPlan, ledger: Ledger, kind: type[Lanes] = Lanes, **options: Any) -> None:
    """Send everything that the plan says, on time, in lanes of a kind; `options` are the producer's."""
    source = SHAPES[plan.shape](Ward(plan))
    producer = AIOKafkaProducer(
        bootstrap_servers=plan.brokers,
        acks="all",
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=REQUEST_MS,
        client_id="vigil-drill",
        **options,
    )
    await producer.start()
    lanes = kind(producer, plan, ledger)
    try:
        await _keep_to_schedule(source, lanes, plan.start_ms / 1000)
        await lanes.settle()
    finally:
        lanes.end()
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


def main(kind: type[Lanes] = Lanes, **options: Any) -> int:
    """Run the plan in the first argument and write the ledger to the second."""
    plan, ledger = LoadPlan(**json.loads(sys.argv[1])), Ledger()
    asyncio.run(run(plan, ledger, kind, **options))
    ledger.save(Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
