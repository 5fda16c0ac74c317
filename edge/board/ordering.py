"""Sends commands of people at the page and waits for the answer, which the board's one reader brings."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from edge.order_sending import BEST, ELSEWHERE_S, rank, signed
from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.command import Answer, Order
from streams.contracts.people import Person
from streams.contracts.topics import COMMANDS
from streams.errors import BrokerUnreachable, Busy
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.security import seals_of

ANSWER_S_MAX: Final = 10.0
"""How long a page waits; a worker answers within a second or two. After that it is "not answered yet"."""

SENDING_MAX: Final = 16
"""Commands on their way to Kafka at once."""

WAITING_MAX: Final = 1_000
"""Commands whose answer is waited for; further ones are told to try again."""

KNOWN_MAX: Final = 5_000
"""Answers that are remembered: a command that is asked about again is answered once, and never by the worker again."""


@dataclass(slots=True)
class _Waiting:
    """A command whose answer is waited for: what has come so far."""

    order: Order
    done: asyncio.Future[None]
    missing: int
    best: Answer | None = None
    settle: asyncio.TimerHandle | None = None
    is_begun: bool = False
    """Handed to the producer, or about to be: it may take effect."""


class Desk:
    """Where commands are handed in. `answered` is told what the reader reads.

    Args:
        settings: where the brokers are.
        partitions: of the topic of commands: that many answers may come.
    """

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings, self._seals = settings, seals_of(settings)
        self._partitions = partitions
        self._topic = settings.topic(COMMANDS)
        self._seals = seals_of(settings)
        self._producer: Producer | None = None
        self._making = asyncio.Lock()
        self._sending = asyncio.Semaphore(SENDING_MAX)
        self._threads = ThreadPoolExecutor(SENDING_MAX, thread_name_prefix="board-orders")
        """Of its own: nothing else that waits may hold up an acknowledgement."""
        self._waiting: dict[str, _Waiting] = {}
        self._known: OrderedDict[str, Answer] = OrderedDict()

    async def order(self, order: Order, person: Person, wait_s: float = ANSWER_S_MAX) -> Answer | None:
        """Send a command; return its answer, the first that accepts it, or None if none came within `wait_s`.

        Raises:
            Busy: too many are waited for, or it could not be sent in time: it was not stored.
            BrokerUnreachable: Kafka did not take it; it may still take effect.
            VigilError: Kafka refused it.
        """
        if (known := self._known.get(order.id)) is not None and known.patient == order.patient:
            return known
        if len(self._waiting) >= WAITING_MAX:
            raise Busy("too many commands wait for their answer", 2.0)
        waiting = _Waiting(order, asyncio.get_running_loop().create_future(), self._partitions)
        self._waiting[order.id] = waiting
        try:
            async with asyncio.timeout(wait_s):
                value = signed(self._seals, order, person)
                async with self._sending:
                    producer = await self._made()
                    loop = asyncio.get_running_loop()
                    await loop.run_in_executor(self._threads, self._send, producer, waiting, value)
                await waiting.done
        except TimeoutError:
            if not waiting.is_begun:
                raise Busy("the command was not sent: say it again", 2.0) from None
        finally:
            del self._waiting[order.id]
            if waiting.settle is not None:
                waiting.settle.cancel()
        return waiting.best

    def _send(self, producer: Producer, waiting: _Waiting, value: bytes) -> None:
        order, waiting.is_begun = waiting.order, True
        send(producer, f"{order.kind} {order.id}", order.patient.encode(), value)

    def answered(self, answers: Iterable[Answer]) -> None:
        """Take answers in."""
        for answer in answers:
            self._remember(answer)
            waiting = self._waiting.get(answer.id)
            if waiting is None or waiting.done.done():
                continue
            waiting.missing -= 1
            best = waiting.best
            waiting.best = answer if best is None else max(best, answer, key=rank)
            if answer.patient.startswith(WARD) or rank(waiting.best) == BEST or waiting.missing <= 0:
                waiting.done.set_result(None)
            elif waiting.settle is None:
                # Another partition may know the patient better; each judges every second.
                loop = asyncio.get_running_loop()
                waiting.settle = loop.call_later(ELSEWHERE_S, _settle, waiting.done)

    def _remember(self, answer: Answer) -> None:
        known = self._known.get(answer.id)
        self._known[answer.id] = answer if known is None else max(known, answer, key=rank)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    async def close(self) -> None:
        """Let the producer go."""
        if self._producer is not None:
            await asyncio.to_thread(self._producer.close)

    async def _made(self) -> Producer:
        async with self._making:
            if self._producer is None:
                try:
                    self._producer = await asyncio.to_thread(Producer, self._settings, ORDERS, self._topic)
                except BrokerUnreachable:
                    raise Busy("Kafka does not answer", 2.0) from None
            return self._producer


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
