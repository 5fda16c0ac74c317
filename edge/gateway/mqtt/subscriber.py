"""The gateway as a client of an MQTT broker: messages in, stored, acknowledged; and back again when the line is cut."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Final

from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.mqtt.access import Access
from edge.gateway.mqtt.batches import Batches
from edge.gateway.mqtt.session import Message, NoSession, Session
from edge.gateway.mqtt.topic_map import TopicMap
from streams.errors import Busy, NotStored

BACKOFF_S_MIN: Final = 0.5
BACKOFF_S_MAX: Final = 15.0
"""Between two tries to connect, doubled each time; a random part of it is left out, or all gateways come at once."""

LOOK_S: Final = 1.0
"""How often the topics are looked at, whether the clients file has changed."""

BATCH_BYTES_MAX: Final = 1_048_576
STOP_S_MAX: Final = 10.3
"""How long what is in flight may take at the end; Kafka's acknowledgement may take ten of it. With the `CLOSE_S_MAX` of
a session it is below the `ANSWER_S_MAX` of the process."""

QOS_0: Final = "qos-0"
"""Gaps: messages that do not come again, in hand when a session ended."""

logger = logging.getLogger(__name__)


class Subscriber:
    """One line to one broker.

    Args:
        access: the broker.
        topics: returns the topics of this moment; another object when they have changed.
        batches: stores messages.
        metrics: of this protocol.
    """

    def __init__(
        self, access: Access, topics: Callable[[], TopicMap], batches: Batches, metrics: ProtocolMetrics
    ) -> None:
        self._access, self._topics, self._batches = access, topics, batches
        self._metrics = metrics
        self._session: Session | None = None
        self._former: tuple[str, ...] = ()
        self._at_work = 0
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.connected = False

    @property
    def where(self) -> str:
        """The broker's address, for the log."""
        return f"{self._access.host}:{self._access.port}"

    async def start(self) -> None:
        """Begin; the broker need not be there."""
        self._metrics.watch(lambda: int(self.connected), lambda: self._at_work + self._waiting())
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take nothing new, acknowledge what is in flight, end within `STOP_S_MAX` and a session's end."""
        self._stopping.set()
        if self._session is not None:
            self._session.wake()
        if self._running is not None:
            # What is cut off here was not acknowledged: the broker sends it again.
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._running, STOP_S_MAX)

    def _waiting(self) -> int:
        return 0 if self._session is None else self._session.waiting

    async def _run(self) -> None:
        wait_s, told = BACKOFF_S_MIN, ""
        while not self._stopping.is_set():
            try:
                await self._one_session()
                wait_s, told = BACKOFF_S_MIN, ""
                continue
            except NoSession as error:
                why = str(error)
            except (Busy, NotStored):
                why = "Kafka does not take what came; the broker is to send it again"
            except Exception as error:  # its text may quote a reading
                logger.error("MQTT: the session failed: %s", type(error).__name__)
                why = "an error of the gateway's own"
            if self.connected:
                wait_s, told = BACKOFF_S_MIN, ""
            self.connected = False
            if why != told:  # the same is told once
                logger.warning("MQTT: no session with %s: %s; trying again", self.where, why)
                told = why
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s * random.uniform(0.5, 1.0)):
                    await self._stopping.wait()
            wait_s = min(2 * wait_s, BACKOFF_S_MAX)
        self.connected = False

    async def _one_session(self) -> None:
        """Work until the gateway stops or is to subscribe to others; raises what ends a session before."""
        topics, messages = self._topics(), list[Message]()
        session = self._session = Session(self._access)
        try:
            await session.open(topics.filters, self._former)
            self._former, self.connected = topics.filters, True
            logger.info("MQTT: connected to %s", self.where)
            while not self._stopping.is_set():
                if (now := self._topics()) is not topics:
                    if now.filters != topics.filters:
                        break
                    topics = now  # whose a topic is, or for which devices, is asked of each message
                messages = await session.messages(self._access.receive_max, BATCH_BYTES_MAX, LOOK_S)
                self._at_work = len(messages)
                if messages:
                    session.acknowledge(await self._batches.settle(messages, topics.route))
                    messages = []
        finally:
            self._at_work, self._session = 0, None
            await session.close()
            if lost := session.waiting_once + sum(not one.mid for one in messages):
                self._metrics.gaps(QOS_0, lost)
