"""One schedule: a seed decides the log, who owns what, and the order of every write, crash and rebalance."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bench.simulation.broker import Broker, Write
from bench.simulation.clock import run
from bench.simulation.verdict import check
from bench.simulation.ward import ward_log
from bench.simulation.worker import Parts, Worker

WORKERS: Final = 3
LOG_LENGTH: Final = (10, 70)
STEPS: Final = (30, 200)
SETTLE_STEPS_MAX: Final = 20_000
"""Turns that a schedule may take to come to its end once no more faults happen."""

SETTLE_DEATHS_MAX: Final = 20
"""Workers that may die then; in 1,000 schedules of sound parts none did, and a broken one would go on for ever."""

PATIENCE_TURNS: Final = 2_000
"""Turns that the group waits for members to hand over, unless it has less patience this time."""

NOTICED: Final = 0.1
"""How likely a worker learns at each step that the group has gone on without it."""

STALL_S: Final = 20.0
"""Longer than a publisher waits for its acknowledgements."""

TOGETHER_MAX: Final = 3
"""Writes of one place that arrive, or are acknowledged, at one step."""

CHOICES: Final = 3
"""Actions that are tried at a step until one has something to do."""

ACTIONS: Final = {
    "arrive": 30,
    "acknowledge": 30,
    "fetch": 22,
    "grow": 14,
    "checkpoint": 8,
    "commit": 8,
    "look": 3,
    "repeat": 2,
    "lose blocks": 2,
    "rebalance": 2,
    "crash": 2,
    "pause": 2,
    "continue": 3,
    "stall": 0.3,
}
"""What can happen next, and how often in proportion."""

MILD: Final = ("arrive", "acknowledge", "fetch", "grow", "checkpoint", "commit", "look")


@dataclass(slots=True)
class Outcome:
    """What became of one seed: broken promises (none is good) and everything that happened, in order."""

    seed: int
    broken: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)


def simulate(seed: int, parts: Parts | None = None) -> Outcome:
    """Run one schedule to its end and check the promises."""
    outcome = Outcome(seed)
    run(_Schedule(outcome, parts or Parts()).play())
    return outcome


class _Schedule:
    def __init__(self, outcome: Outcome, parts: Parts) -> None:
        self._outcome, self._parts = outcome, parts
        self._random = random = Random(outcome.seed)
        length = random.randint(*LOG_LENGTH)
        self._broker = Broker(random, [ward_log(random, p, length) for p in range(random.choice((1, 1, 2)))])
        # Not every fault in every schedule: some bugs show only where others do not hide them.
        faults = [action for action in ACTIONS if action not in MILD and random.random() < 0.6]
        self._actions = [*MILD, *faults]
        self._weights = [ACTIONS[action] * random.choice((0.3, 1, 3)) for action in self._actions]
        self._workers: list[Worker] = []
        self._members: list[Worker] = []
        self._started = 0
        self._deaths: list[str] = []
        self._rebalance: asyncio.Task[None] | None = None
        self._do: dict[str, Callable[[], str]] = {
            action: getattr(self, "_do_" + action.replace(" ", "_")) for action in ACTIONS
        }

    async def play(self) -> None:
        """Let faults happen, then calm down, then judge what came out."""
        for _ in range(self._random.randint(1, WORKERS)):
            self._start_worker()
        self._begin_rebalance()
        for _ in range(self._random.randint(*STEPS)):
            for action in self._random.choices(self._actions, self._weights, k=CHOICES):
                if said := self._do[action]():
                    self._note(f"{action}: {said}")
                    break
            await self._turns(self._random.randint(0, 4))
            self._after()
        if await self._settle():
            self._outcome.broken += check(self._broker, self._members, self._parts)

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    def _note(self, what: str) -> None:
        self._outcome.happened.append(what)

    def _after(self) -> None:
        """Bury the dead; somebody always comes back."""
        for worker in [worker for worker in self._workers if not worker.alive]:
            self._note(f"worker {worker.number} is dead: {worker.why}")
            self._deaths.append(worker.why)
            self._workers.remove(worker)
            if self._random.random() < 0.7 or not self._workers:
                self._start_worker()
            self._begin_rebalance()
        if self._rebalance is not None and self._rebalance.done():
            if error := self._rebalance.exception():
                raise error
            self._rebalance = None
        left_out = [w for w in self._workers if not w.paused and w not in self._members]
        if self._rebalance is None and left_out and self._random.random() < NOTICED:
            self._begin_rebalance()

    # Members of the group.

    def _start_worker(self) -> None:
        self._started += 1
        number = self._started
        self._workers.append(Worker(number, self._broker, self._parts))
        self._note(f"worker {number} starts")

    def _begin_rebalance(self) -> None:
        """Everybody who answers hands over; then the partitions are dealt out anew."""
        if self._rebalance is not None:
            self._rebalance.cancel()
        self._rebalance = asyncio.get_running_loop().create_task(self._share_out())

    async def _share_out(self) -> None:
        asked = [worker for worker in self._workers if worker.alive and not worker.paused]
        self._note(f"rebalance of {[worker.number for worker in asked]}")
        handing = [worker.start(worker.hand_over()) for worker in asked]
        patience = self._random.choice((5, 50, PATIENCE_TURNS, PATIENCE_TURNS, PATIENCE_TURNS))
        for _ in range(patience):
            if all(task.done() for task in handing):
                break
            await asyncio.sleep(0)
        # Who is still at it, or stopped, is left out and learns it later.
        members = [
            worker
            for worker, task in zip(asked, handing, strict=True)
            if task.done() and worker.alive and not worker.paused
        ]
        self._broker.generation += 1
        generation, self._members = self._broker.generation, members
        if not members:
            return
        shares: dict[int, set[int]] = {worker.number: set() for worker in members}
        for partition in range(len(self._broker.readings)):
            shares[self._random.choice(members).number].add(partition)
        self._note(f"generation {generation}: {shares}, {self._broker.state()}")
        taking = [worker.start(worker.take_over(generation, shares[worker.number])) for worker in members]
        await asyncio.wait(taking)

    # What can happen.

    def _someone(self, moving: bool = True) -> Worker | None:
        found = [worker for worker in self._workers if worker.alive and not (moving and worker.paused)]
        return self._random.choice(found) if found else None

    def _do_arrive(self) -> str:
        if self._broker.sent:
            place = self._random.choice(sorted(self._broker.sent))
            count = self._random.randint(1, min(TOGETHER_MAX, len(self._broker.sent[place])))
            for _ in range(count):
                self._broker.arrive(place)
            return f"{count} of worker {place[0]} to {place[1]}-{place[2]}"
        return ""

    def _do_acknowledge(self) -> str:
        alive = {worker.number for worker in self._workers if not worker.paused}
        told: Write | None = None
        for _ in range(self._random.randint(1, TOGETHER_MAX)):
            arrived = [i for i, write in enumerate(self._broker.arrived) if write.worker in alive]
            if arrived:
                told = self._broker.arrived[self._random.choice(arrived)]
                # A producer is told in the order of a partition's writes.
                self._broker.acknowledge(
                    next(
                        i
                        for i, other in enumerate(self._broker.arrived)
                        if (other.worker, other.topic, other.partition)
                        == (told.worker, told.topic, told.partition)
                    )
                )
        return f"worker {told.worker}, {told.topic}-{told.partition}" if told else ""

    def _do_grow(self) -> str:
        partition = self._random.randrange(len(self._broker.readings))
        end = len(self._broker.readings[partition])
        before = self._broker.visible[partition]
        self._broker.visible[partition] = min(end, before + self._random.randint(1, 12))
        return f"partition {partition} to {self._broker.visible[partition]}" if before < end else ""

    def _do_fetch(self) -> str:
        worker = self._someone()
        if worker is None or not worker.flowing or not worker.held:
            return ""
        partition = self._random.choice(sorted(worker.held))
        fetched = worker.fetch(partition, self._random.randint(1, 10))
        return f"worker {worker.number}, partition {partition}, {fetched}"

    def _do_checkpoint(self) -> str:
        worker = self._someone()
        if worker is None or not worker.flowing or not worker.held:
            return ""
        partition = self._random.choice(sorted(worker.held))
        worker.start(worker.checkpointer.checkpoint(partition))
        return f"worker {worker.number}, partition {partition}"

    def _do_commit(self) -> str:
        worker = self._someone()
        if worker is None or not (durable := worker.durables()):
            return ""
        return f"worker {worker.number}, {durable} {'taken' if worker.commit_durable() else 'refused'}"

    def _do_look(self) -> str:
        """A partition that stands still though it has more records is read again, as the overview does."""
        worker = self._someone()
        if worker is None or not worker.flowing or worker.waiting:
            return ""
        for partition in sorted(worker.held):
            if worker.position[partition] >= self._broker.visible[partition]:
                worker.rewind(partition)
        return f"worker {worker.number}"

    def _do_repeat(self) -> str:
        """The same records are fetched again, as after a retried request."""
        worker = self._someone()
        if worker is None or not worker.flowing or not worker.held:
            return ""
        partition = self._random.choice(sorted(worker.held))
        worker.position[partition] = max(0, worker.position[partition] - self._random.randint(1, 8))
        return f"worker {worker.number}, partition {partition}, from {worker.position[partition]}"

    def _do_lose_blocks(self) -> str:
        """Faust empties the agent's queue after a fetch, but not while a hole is being read again."""
        worker = self._someone()
        if worker is None or not worker.held or worker.is_rewound():
            return ""
        fetched = self._do_fetch()
        lost = sum(other.clear_queue() for other in self._workers if not other.is_rewound())
        return f"{lost}, the last was {fetched}" if lost else ""

    def _do_rebalance(self) -> str:
        self._begin_rebalance()
        return "now"

    def _do_crash(self) -> str:
        worker = self._someone(moving=False)
        if worker is None:
            return ""
        worker.crash("killed")
        return f"worker {worker.number}"

    def _do_pause(self) -> str:
        """A worker stops for so long that the group goes on without it."""
        worker = self._someone()
        if worker is None or len(self._workers) < 2:
            return ""
        worker.pause(True)
        self._begin_rebalance()
        return f"worker {worker.number}"

    def _do_continue(self) -> str:
        """A zombie wakes up; some time later it learns that it was left out and joins again."""
        paused = [worker for worker in self._workers if worker.paused]
        if not paused:
            return ""
        worker = self._random.choice(paused)
        worker.pause(False)
        return f"worker {worker.number}"

    def _do_stall(self) -> str:
        """Acknowledgements take longer than a publisher waits."""
        asyncio.get_running_loop().advance(STALL_S)  # type: ignore[attr-defined]
        return f"{STALL_S:g} s"

    # The end.

    async def _settle(self) -> bool:
        """No more faults: everything arrives, one worker takes it all to the end and makes it durable."""
        for worker in self._workers:
            worker.pause(False)
        broker = self._broker
        broker.visible = [len(log) for log in broker.readings]
        deaths_max = len(self._deaths) + SETTLE_DEATHS_MAX
        self._begin_rebalance()
        for step in range(SETTLE_STEPS_MAX):
            while broker.sent:
                broker.arrive(next(iter(broker.sent)))
            while broker.arrived:
                broker.acknowledge(0)
            await self._turns(3)
            self._after()
            if len(self._deaths) > deaths_max:
                self._outcome.broken.append(f"workers keep dying: {self._deaths[-1]}")
                return False
            if self._rebalance is None and not self._advance(step):
                return True
        self._outcome.broken.append(f"did not come to its end: {broker.state()}")
        return False

    def _advance(self, step: int) -> bool:
        """Fetch and make durable; return whether anything is left to do."""
        broker = self._broker
        owned = {partition for worker in self._members for partition in worker.held}
        left = len(owned) < len(broker.readings)
        if left and not self._members:
            self._begin_rebalance()
        for worker in self._members:
            for partition in sorted(worker.held):
                end = broker.visible[partition]
                if worker.position[partition] < end:
                    worker.fetch(partition, 5)
                elif not worker.waiting and worker.expected(partition) < end:
                    worker.rewind(partition)
                elif broker.committed.get(partition, 0) < end and step % 5 == 0:
                    worker.start(worker.checkpointer.checkpoint(partition))
                    worker.commit_durable()
                left |= broker.committed.get(partition, 0) < end
        return left
