"""A simulated worker: the production parts as `agents.wiring` binds them, on a lane over the simulated broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from faust.types import TP

from agents import wiring
from agents.health.metrics import Metrics
from agents.judging.judge import Judge
from bench.simulation.broker import ALERTS, ANSWERS, CHANGELOG, Broker, Pair
from bench.simulation.ward import PATIENT_TTL_S, RULES
from streams.config.settings import Settings
from streams.contracts import topics
from streams.engine import Engine
from streams.kafka.admin import changelog_topic
from streams.kafka.publisher import Publisher
from streams.lane.admission import Admission, Left
from streams.lane.block import Block, Blocks
from streams.lane.log_faults import LogFaults
from streams.lane.protocol import Lag, Reader
from streams.lane.work_off import work_off

PUBLISH_TIMEOUT_S: Final = 15.0
EARLY_SHARE: Final = 0.5
"""Of partitions that are judged as soon as they are recovered; the others wait for all."""

TURNS_MAX: Final = 100_000
"""Turns of the loop that a worker waits for its own block; the schedule goes on meanwhile."""

SETTINGS: Final = Settings(time_base="recorded", partitions=1, patient_ttl_s=PATIENT_TTL_S)
READINGS: Final = SETTINGS.topic(topics.READINGS)
PLACES: Final = {
    SETTINGS.topic(topics.ALERTS): ALERTS,
    SETTINGS.topic(topics.COMMANDS): ANSWERS,
    changelog_topic(SETTINGS): CHANGELOG,
}
"""What the simulated broker calls the topics that a promise hangs on."""


class Died(Exception):
    """A simulated worker stopped its process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of; a test puts a broken part in here."""

    wired: wiring.Parts = field(default_factory=wiring.Parts)
    publisher: type[Publisher] = Publisher
    admission: type[Admission] = Admission


def new_judge(engine: Engine = "auto") -> Judge:
    """Return the judge that workers use; the oracle's is NumPy's, so that each schedule compares the two."""
    return wiring.judge_of(SETTINGS.model_copy(update={"engine": engine}), RULES)


class Worker:
    """One worker process: what it owns, what it has fetched, and what it believes. It is the lane of its parts, too."""

    metrics: Final = Metrics()

    def __init__(self, number: int, broker: Broker, parts: Parts) -> None:
        self.number, self.broker = number, broker
        self.alive, self.paused = True, False
        self.why = ""
        self.held: set[int] = set()
        """The partitions that it owns."""
        self.generation = -1
        self.position: dict[int, int] = {}
        self.admissions: dict[int, Admission] = {}
        self.rewinds = 0
        self.faults = LogFaults()
        self._moving = asyncio.Event()
        self._moving.set()
        self._blocks: asyncio.Queue[Block] = asyncio.Queue()
        self._in_work = 0
        self.flowing = False
        """Whether it fetches and checkpoints by itself: not while it hands over or recovers."""
        self._handing = asyncio.Lock()
        self._taking: asyncio.Task[Any] | None = None
        self._new_admission = parts.admission
        self._readers: dict[str, Reader] = {}
        self.known_committed: dict[int, int] = {}
        publisher = parts.publisher(self._send, self._send_batch, PUBLISH_TIMEOUT_S, self.die)
        flow = wiring.wire(
            *(SETTINGS, RULES, self, publisher),
            metrics=self.metrics,
            parts=parts.wired,
            on_failure=self.die,
        )
        self.store, self.checkpointer = flow.store, flow.checkpointer
        self._tasks: set[asyncio.Task[Any]] = set()
        self.start(work_off(self, self._admit, self._reader.take, self.die))

    @property
    def _reader(self) -> Reader:
        return self._readers[READINGS]

    def start(self, work: Any) -> "asyncio.Task[Any]":
        """Run something of this worker beside the rest until it dies."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Died) and self.alive:
            self.alive, self.why = False, repr(error)

    def die(self, reason: str) -> None:
        """Stop at once, as `os._exit` does."""
        if self.alive:
            self.crash(reason)
        raise Died(reason)

    def crash(self, reason: str) -> None:
        """Be killed."""
        self.alive, self.why = False, reason
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        self.broker.lose(self.number)

    def pause(self, paused: bool) -> None:
        """Stop and continue, as SIGSTOP and SIGCONT do."""
        self.paused = paused
        self._moving.clear() if paused else self._moving.set()

    # What Faust gives to the agent.

    def noack(self) -> "Worker":
        return self

    async def events(self) -> AsyncIterator[Any]:
        while True:
            turns = [[await self._blocks.get()]]
            await self._moving.wait()
            while not self._blocks.empty():
                block = self._blocks.get_nowait()
                if block.partition in {other.partition for other in turns[-1]}:
                    turns.append([])
                turns[-1].append(block)
            blocks = sum(map(len, turns))
            self._in_work += blocks
            yield SimpleNamespace(value=Blocks(turns), ack=partial(self._done_with, blocks))

    def _done_with(self, blocks: int) -> None:
        self._in_work -= blocks

    @property
    def waiting(self) -> int:
        """How many blocks wait for the agent or are in its hands."""
        return self._blocks.qsize() + self._in_work

    def fetch(self, partition: int, count: int) -> str:
        """Fetch up to `count` records into the agent's queue."""
        at = self.position[partition]
        found = self.broker.readings[partition][at : min(at + count, self.broker.visible[partition])]
        if not found:
            return "nothing"
        self._blocks.put_nowait(Block(READINGS, partition, list(found), rewinds=self.rewinds))
        self.position[partition] = found[-1].offset + 1
        return f"{found[0].offset} to {found[-1].offset}"

    def clear_queue(self) -> int:
        """Forget what waits for the agent; return how many blocks that were."""
        lost = self._blocks.qsize()
        while not self._blocks.empty():
            self._blocks.get_nowait()
        return lost

    # The lane, as the parts see it.

    def blocks(self, topic: str, reader: Reader) -> None:
        self._readers[topic] = reader

    def owned(self, topic: str | None = None) -> frozenset[int] | None:
        return frozenset(self.held) if self.flowing else None

    def lag(self, topic: str, partition: int, at: int | None = None) -> Lag | None:
        if partition not in self.admissions:
            return None
        at = self.expected(partition) if at is None else at
        waiting = self.broker.visible[partition] - at
        return Lag(at, waiting, False, self.known_committed.get(partition, 0))

    async def read_again(self, topic: str, partition: int) -> None:
        self.rewind(partition)

    def durable(self, topic: str, partition: int, offset: int) -> None:
        if partition in self.held:
            self.admissions[partition].declare(offset)

    async def commit(self) -> None:
        self.commit_durable()

    # What they ask of Faust and of the broker.

    async def _admit(self, block: Block) -> Sequence[Any] | None:
        admission = self.admissions.get(block.partition)
        records = Left.OUT if admission is None else admission.admit(block)
        if records is Left.READ_AGAIN:
            self.rewind(block.partition)
        return None if isinstance(records, Left) else records

    def expected(self, partition: int) -> int:
        """Return the offset of a partition that is admitted next, 0 where none is."""
        admission = self.admissions.get(partition)
        return 0 if admission is None else admission.expected or 0

    def is_rewound(self) -> bool:
        """Return whether a partition is being read again."""
        return any(admission.rewound is not None for admission in self.admissions.values())

    def rewind(self, partition: int) -> None:
        """Read the partition again from the first record that was not admitted."""
        if partition in self.held and partition in self.admissions:
            self.rewinds += 1
            self.admissions[partition].rewound = self.rewinds
            self.position[partition] = self.expected(partition)

    async def _send(self, topic: str, key: Any, value: Any, partition: Any, headers: Any) -> Awaitable[Any]:
        await self._moving.wait()
        return self.broker.send(self.number, PLACES.get(topic, topic), 0, [(key, value)])

    async def _send_batch(self, topic: str, partition: int, records: Sequence[Pair]) -> Awaitable[int]:
        await self._moving.wait()
        return self.broker.send(self.number, PLACES.get(topic, topic), partition, records)

    # What the group asks of it.

    async def hand_over(self) -> None:
        """Finish the block in work, make everything durable and commit it; then own nothing."""
        self.flowing = False
        if self._taking is not None:
            self._taking.cancel()  # a recovery does not survive the next rebalance
        async with self._handing:
            await self._hand_over()

    async def _hand_over(self) -> None:
        self.clear_queue()
        for _ in range(TURNS_MAX):
            if not self._in_work:
                break
            await asyncio.sleep(0)
        await self._reader.hand_over()
        self.commit_durable()
        self.admissions.clear()
        self.held = set()

    def durables(self) -> dict[int, int]:
        """Return what was declared durable of each partition."""
        return {p: own.durable for p, own in self.admissions.items() if own.durable is not None}

    def commit_durable(self) -> bool:
        """Commit what is durable; return whether the group has taken it."""
        durable = self.durables()
        taken = self.broker.commit(self.generation, durable)
        if taken:
            self.known_committed.update(durable)
        return taken

    async def take_over(self, generation: int, partitions: set[int]) -> None:
        """Recover the partitions' state and begin to read them."""
        self._taking = asyncio.current_task()
        self.generation = generation
        self._reader.assign(sorted(partitions))
        self.known_committed = {}
        tps = {TP(CHANGELOG, partition) for partition in partitions}
        early = set[int]()
        for tp in sorted(tps):
            await self._recover(tp)
            recovered = self._reader.recovered
            if recovered is not None and self.broker.random.random() < EARLY_SHARE:
                recovered(tp.partition)
                await self._go_on({tp.partition})
                early.add(tp.partition)
        await self.store.on_recovery_completed(tps, set())
        if early:
            self.clear_queue()
        for partition in sorted(early):
            self.rewind(partition)
        await self._go_on(partitions - early)

    async def _go_on(self, partitions: set[int]) -> None:
        """Have partitions judged whose state is whole."""
        await self._moving.wait()
        committed = {partition: self.broker.committed.get(partition, 0) for partition in sorted(partitions)}
        self.known_committed.update(committed)
        resume_at = self._reader.resume_at(committed, dict.fromkeys(committed, 0))
        self.rewinds += 1
        for partition, offset in resume_at.items():
            self.admissions[partition] = self._new_admission()
            self.admissions[partition].begin(offset)
            self.position[partition] = offset
        self.held, self.flowing = self.held | partitions, True

    async def _recover(self, tp: TP) -> None:
        """Read the changelog to its end, from the last record that the state holds, as Faust does."""
        log, random = self.broker.changelog[tp.partition], self.broker.random
        at, end = max(0, self.store.persisted_offset(tp) or 0), len(log)
        while at < end:
            await asyncio.sleep(0)
            await self._moving.wait()
            records = [
                SimpleNamespace(offset=offset, timestamp=0, key=key, value=value)
                for offset, (key, value) in enumerate(log[at : at + random.randint(1, 8)], at)
            ]
            block = Block(CHANGELOG, tp.partition, records)
            at = block.offset + 1
            event = SimpleNamespace(
                message=SimpleNamespace(partition=tp.partition, offset=block.offset, value=block)
            )
            self.store.apply_changelog_batch([event], None, None)  # type: ignore[arg-type]
