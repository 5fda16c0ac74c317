"""One channel's messages: which is tried when, over a breaker, with a bound on how many at once.

Every channel has a line and a task of its own, so one that is stuck delays no other.
"""

import asyncio
import heapq
import itertools
import time
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from edge.channels.book import Wanted
from edge.channels.breaker import Breaker
from edge.channels.metrics import ChannelMetrics
from edge.channels.options import Options
from edge.channels.page import CHANNEL_FAULTS, Channel, Outcome, Refused, Retry, Sent, Why
from streams.contracts.deliveries import Milestone

WAITING_MAX: Final = 10_000
"""Messages of one channel that wait. A hospital of 1,000 beds has a tenth of that open."""

GUARD_S: Final = 1.0
"""How long beyond its deadline a channel may take to give up by itself."""

TURN_S: Final = 0.5
"""The line looks around at least so often: for messages whose time is over."""

RANK: Final = {"high": 0, "medium": 1, "low": 2}


class Reports(Protocol):
    """Who is told what becomes of messages."""

    def reached(
        self, wanted: Wanted, milestone: Milestone, attempt: int, reason: str, reference: str
    ) -> None:
        """A milestone of a message."""
        ...

    def ended(self, wanted: Wanted, taken: bool) -> None:
        """Nothing more comes of a message."""
        ...

    def gone(self, channel: str, recipient: str, is_gone: bool) -> None:
        """A recipient cannot be reached any more, or has been."""
        ...

    def of_use(self, wanted: Wanted, attempts: int) -> str | None:
        """Return None while a message is of use, else why it is not; empty where that is not told."""
        ...


@dataclass(slots=True)
class Job:
    """A message on its way; times on the monotonic clock, s. A renewal tells nothing new and leaves no trace."""

    wanted: Wanted
    queued_s: float
    attempt: int
    is_renewal: bool = False

    @property
    def name(self) -> str:
        """The delivery that it is of: messages of one are sent one after another."""
        return self.wanted.delivery.id


class Line:
    """The messages of one channel.

    Attributes:
        breaker: whether the channel is left alone.
        fault: what the last failure was.
        waiting: messages that have not ended, those that are being tried among them.
    """

    def __init__(
        self, name: str, channel: Channel, options: Options, reports: Reports, metrics: ChannelMetrics
    ) -> None:
        self.name, self.channel, self.breaker, self.fault = name, channel, Breaker(), ""
        self._schedule, self._concurrency = options.schedule, options.concurrency
        self._reports, self._metrics = reports, metrics
        self._number = itertools.count()
        self._later: list[tuple[float, int, Job]] = []
        self._ready: list[tuple[int, int, Job]] = []
        self.waiting = 0
        self._behind: dict[str, deque[Job]] = {}
        self._renewals: dict[str, tuple[float, Wanted]] = {}
        self._trying: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._broken: BaseException | None = None

    def stop(self) -> None:
        """Begin nothing any more; what is being tried ends by itself."""
        self._concurrency = 0

    async def settled(self) -> None:
        """Return when nothing is being tried."""
        while self._trying:
            await asyncio.wait(self._trying)

    def add(self, wanted: Wanted, queued_s: float) -> None:
        """Take a message; it is tried at once, unless one of the same delivery is before it."""
        job = Job(wanted, queued_s, wanted.attempts)
        self.waiting += 1
        if self.waiting > WAITING_MAX:
            self._refuse(job, f"more than {WAITING_MAX} messages wait")
        elif job.name in self._behind:
            self._behind[job.name].append(job)
        else:
            self._behind[job.name] = deque()
            self._put(job)

    def renew(self, wanted: Wanted, now_s: float) -> None:
        """Tell an open alarm anew, now and every `renew_s`, until `forget` is called."""
        if self.channel.renew_s and wanted.delivery.id not in self._renewals:
            self._renewals[wanted.delivery.id] = (now_s, wanted)
            self._wake.set()

    def forget(self, delivery: str) -> None:
        """Renew an alarm no more."""
        self._renewals.pop(delivery, None)

    def drop(self, partition: int) -> None:
        """Let go of what is of a partition that another process has now; what is being tried ends by itself."""

        def keeps(job: Job) -> bool:
            return job.wanted.partition != partition

        dropped = {job.name for _, _, job in (*self._later, *self._ready) if not keeps(job)}
        everything = [
            *(job for _, _, job in (*self._later, *self._ready)),
            *itertools.chain(*self._behind.values()),
        ]
        self.waiting -= sum(not keeps(job) and not job.is_renewal for job in everything)
        self._later = [one for one in self._later if keeps(one[2])]
        self._ready = [one for one in self._ready if keeps(one[2])]
        heapq.heapify(self._later)
        heapq.heapify(self._ready)
        for name in dropped:
            self._behind.pop(name, None)
        for queue in self._behind.values():
            if queue and not keeps(queue[0]):
                queue.clear()
        for name, (_, wanted) in list(self._renewals.items()):
            if wanted.partition == partition:
                del self._renewals[name]

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                if self._broken is not None:  # an error of ours: the process ends, and the next one goes on
                    raise self._broken
                wait_s = self._turn(time.monotonic())
                self._wake.clear()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._trying:
                task.cancel()

    def _put(self, job: Job) -> None:
        rank = len(RANK) if job.is_renewal else RANK[job.wanted.page.alert.priority]
        heapq.heappush(self._ready, (rank, next(self._number), job))
        self._wake.set()

    def _turn(self, now_s: float) -> float:
        """Begin what can be begun; return after how many seconds to look again."""
        for name, (due_s, wanted) in list(self._renewals.items()):
            if due_s <= now_s and name not in self._behind:
                self._renewals[name] = (now_s + self.channel.renew_s, wanted)
                self._behind[name] = deque()
                self._put(Job(wanted, now_s, 0, is_renewal=True))
        while self._later and self._later[0][0] <= now_s:
            self._put(heapq.heappop(self._later)[2])
        if self.breaker.state != "closed":
            self._expire(now_s)
        while self._ready and len(self._trying) < self._concurrency and self.breaker.may_send(now_s):
            task = asyncio.create_task(self._try(heapq.heappop(self._ready)[2]))
            self._trying.add(task)
            task.add_done_callback(self._done)
        self._metrics.waiting.labels(self.name).set(self.waiting)
        self._metrics.open.labels(self.name).set(self.breaker.state != "closed")
        next_s = self._later[0][0] - now_s if self._later else TURN_S
        return min(TURN_S, max(0.0, next_s))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._trying.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error

    def _expire(self, now_s: float) -> None:
        """Give up what waits for a channel that is left alone and has no time left."""
        late = [job for _, _, job in self._ready if not self._schedule.deadline_s(job.queued_s, now_s)]
        if late:
            gone = {id(job) for job in late}
            self._ready = [one for one in self._ready if id(one[2]) not in gone]
            heapq.heapify(self._ready)
            for job in late:
                self._give_up(job, f"the channel has failed: {self.fault}")

    async def _try(self, job: Job) -> None:
        now_s = time.monotonic()
        deadline_s = self._schedule.deadline_s(job.queued_s, now_s)
        no_use = None if job.is_renewal else self._reports.of_use(job.wanted, job.attempt)
        if not deadline_s or no_use is not None:
            self.breaker.unproven()
            if no_use == "":
                self._finish(job, taken=False)
            else:
                self._give_up(job, no_use or f"not sent within {self._schedule.total_s:g} s")
            return
        job.attempt += 1
        if not job.is_renewal:
            if job.attempt == 1:
                self._metrics.first_s.labels(self.name).observe(max(0.0, now_s - job.queued_s))
            self._reports.reached(job.wanted, "sent", job.attempt, "", "")
        outcome = await self._outcome(job, deadline_s)
        self._metrics.tries.labels(
            self.name, "sent" if isinstance(outcome, Sent) else outcome.why.value
        ).inc()
        self._take(job, outcome, time.monotonic())

    async def _outcome(self, job: Job, deadline_s: float) -> Outcome:
        try:
            async with asyncio.timeout(deadline_s + GUARD_S):
                return await self.channel.send(job.wanted.page, job.attempt, deadline_s)
        except TimeoutError:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s + GUARD_S:.1f} s")
        except Exception as error:  # a channel that is wrong in itself fails like any other, and is told of
            return Retry(Why.INTERNAL, f"{type(error).__name__} in the channel itself")

    def _take(self, job: Job, outcome: Outcome, now_s: float) -> None:
        """Note what came of a try."""
        if isinstance(outcome, Sent):
            self.breaker.succeeded(now_s)
            self._reports.gone(self.name, job.wanted.page.recipient, False)
            if not job.is_renewal:
                self._reports.reached(job.wanted, "taken", job.attempt, "", outcome.reference)
                if outcome.further is not None:
                    self._reports.reached(job.wanted, outcome.further, job.attempt, "", outcome.reference)
            self._finish(job, taken=True)
            return
        self.fault = outcome.said
        if outcome.why in CHANNEL_FAULTS:
            self.breaker.failed(now_s)
        else:
            self.breaker.unproven()
            self._reports.gone(self.name, job.wanted.page.recipient, True)
        if not job.is_renewal:
            self._reports.reached(job.wanted, "failed", job.attempt, outcome.said, "")
        if isinstance(outcome, Refused):
            self._give_up(job, outcome.said)
            return
        due_s = self._schedule.next_s(job.attempt, job.queued_s, now_s, outcome.after_s)
        if due_s is None:
            self._give_up(job, f"given up after {job.attempt} tries: {outcome.said}")
        else:
            heapq.heappush(self._later, (due_s, next(self._number), job))

    def _give_up(self, job: Job, reason: str) -> None:
        """End a message that is not sent any more, and let the next of its delivery go."""
        if job.is_renewal:
            self._finish(job, taken=False)
            return
        self._refuse(job, reason)
        self._go_on(job)

    def _refuse(self, job: Job, reason: str) -> None:
        self._metrics.given_up.labels(self.name).inc()
        milestone: Milestone = "expired" if job.wanted.page.event == "start" else "failed"
        self._reports.reached(job.wanted, milestone, job.attempt, reason, "")
        self._end(job, taken=False)

    def _finish(self, job: Job, taken: bool) -> None:
        """End a message, and let the next of its delivery go."""
        self._end(job, taken)
        self._go_on(job)

    def _end(self, job: Job, taken: bool) -> None:
        if not job.is_renewal:
            self.waiting -= 1
            self._reports.ended(job.wanted, taken)

    def _go_on(self, job: Job) -> None:
        behind = self._behind.get(job.name)
        if behind:
            self._put(behind.popleft())
        else:
            self._behind.pop(job.name, None)
