"""A simulated worker: the production parts wired as in `agents.wiring`, on the simulated broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from faust.types import TP

from agents.board_writer import Boards
from agents.dead_letters import DeadLetters
from agents.health.metrics import Metrics
from agents.judge_kernel import judge_kernel
from agents.judging.judge import Judge
from agents.monitor import Monitor
from agents.wards.counts import Reports
from bench.simulation.broker import ALERTS, ANSWERS, CHANGELOG, READINGS, Broker, Pair
from bench.simulation.ward import PATIENT_TTL_S, RULES
from clinical.clock import TimeRules
from streams.config.settings import Settings
from streams.contracts import topics
from streams.decoding.decoded import Noted
from streams.engine import Engine
from streams.kafka.publisher import Publisher
from streams.lane.admission import Admission, Left
from streams.lane.block import Block, Blocks
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore
from tables.changelog.restore import Restorer

PUBLISH_TIMEOUT_S: Final = 15.0
TURNS_MAX: Final = 100_000
"""Turns of the loop that a worker waits for its own block; the schedule goes on meanwhile."""


class Died(Exception):
    """A simulated worker stopped its process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of; a test wires a broken part in from here."""

    store: type[ColumnStore] = ColumnStore
    publisher: type[Publisher] = Publisher
    checkpointer: type[Checkpointer] = Checkpointer
    admission: type[Admission] = Admission


async def _no_note(noted: Noted) -> None:
    """Stand in for telling that a note is over: the simulated broker loses nothing and damages nothing."""
    raise AssertionError(noted)


def new_judge(engine: Engine = "auto") -> Judge:
    """Return the judge that workers use; the oracle's is NumPy's, so that each schedule compares the two."""
    return Judge(RULES, TimeRules(recorded=True), PATIENT_TTL_S * 1000, kernel=judge_kernel(engine))


class Worker:
    """One worker process: what it owns, what it has fetched, and what it believes."""

    settings: Final = Settings(time_base="recorded")
    metrics: Final = Metrics()

    def __init__(self, number: int, broker: Broker, parts: Parts) -> None:
        self.number, self.broker = number, broker
        self.alive, self.paused = True, False
        self.why = ""
        self.owned: set[int] = set()
        self.generation = -1
        self.position: dict[int, int] = {}
        self.durable: dict[int, int] = {}
        self.rewinds = 0
        self._moving = asyncio.Event()
        self._moving.set()
        self._blocks: asyncio.Queue[Block] = asyncio.Queue()
        self._in_work = 0
        self.flowing = False
        """Whether it fetches and checkpoints by itself: not while it hands over or recovers."""
        self._handing = asyncio.Lock()
        self._taking: asyncio.Task[Any] | None = None
        judge = new_judge()
        self.store = parts.store("memory://", None, None, table_name="patients")
        self.store.new_table = judge.new_table
        self.store.on_failure = self.die
        self.publisher = parts.publisher(self._send, self._send_batch, PUBLISH_TIMEOUT_S, self.die)
        self.checkpointer = parts.checkpointer(
            self.store, self.publisher, CHANGELOG, self._mark_durable, self.die
        )
        self.known_committed: dict[int, int] = {}
        self.checkpointer.committed = lambda partition: self.known_committed.get(partition, 0)
        self.admission = parts.admission()
        self.restorer = Restorer(self.store, CHANGELOG, self._earliest)
        letters = DeadLetters(self.settings, self.publisher, self.metrics)
        parties = self.store, self.publisher, self.checkpointer
        boards = Boards(self.settings, judge, self.publisher, self.checkpointer.whole_blocks, self.die)
        self.checkpointer.write_beside = boards.write
        beside, flow = (boards, Reports(self.settings, self.publisher)), (self._admit, _no_note)
        self.monitor = Monitor(self.settings, judge, *parties, self.metrics, letters, *beside, *flow)
        self.monitor.on_failure = self.die
        self._tasks: set[asyncio.Task[Any]] = set()
        self.start(self.monitor.watch(self))

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

    # What the parts ask of Faust and of the broker.

    async def _admit(self, block: Block) -> list[Any] | None:
        records = self.admission.admit(block.partition, block)
        if records is Left.READ_AGAIN:
            self.read_again(block.partition)
        return None if isinstance(records, Left) else records

    def read_again(self, partition: int) -> None:
        """Read the partition again from the first record that was not admitted."""
        if partition in self.owned and partition in self.admission.expected:
            self.rewinds += 1
            self.admission.rewound[partition] = self.rewinds
            self.position[partition] = self.admission.expected[partition]

    def _mark_durable(self, partition: int, offset: int) -> None:
        if partition in self.owned:
            self.durable[partition] = max(offset, self.durable.get(partition, 0))

    async def _send(self, topic: str, key: Any, value: Any, partition: Any, headers: Any) -> Awaitable[Any]:
        await self._moving.wait()
        to = {topics.ALERTS: ALERTS, topics.COMMANDS: ANSWERS}.get(topic, topic)
        return self.broker.send(self.number, to, 0, [(key, value)])

    async def _send_batch(self, topic: str, partition: int, records: Sequence[Pair]) -> Awaitable[int]:
        await self._moving.wait()
        return self.broker.send(self.number, topic, partition, records)

    async def _earliest(self, *tps: TP) -> Mapping[TP, int | None]:
        return dict.fromkeys(tps, 0)

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
        await self.checkpointer.checkpoint_all()
        self.commit()
        self.durable.clear()
        for partition in self.owned:
            self.admission.forget(partition)
        self.owned = set()

    def commit(self) -> bool:
        """Commit what is durable."""
        taken = self.broker.commit(self.generation, dict(self.durable))
        if taken:
            self.known_committed.update(self.durable)
        return taken

    async def take_over(self, generation: int, partitions: set[int]) -> None:
        """Recover the partitions' state and begin to read them."""
        self._taking = asyncio.current_task()
        self.generation = generation
        tps = {TP(CHANGELOG, partition) for partition in partitions}
        for tp in sorted(tps):
            await self._recover(tp)
        await self.store.on_recovery_completed(tps, set())
        await self._moving.wait()
        committed = {partition: self.broker.committed.get(partition, 0) for partition in sorted(partitions)}
        self.known_committed = dict(committed)
        resume_at = await self.restorer.resume_at(committed)
        self.rewinds += 1
        for partition, offset in resume_at.items():
            self.admission.begin(partition, offset)
            self.position[partition] = offset
        self.owned, self.flowing = set(partitions), True

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
