"""Writes the audit of what people see without holding up a page: a bounded queue, and a count of what did not fit.

A record counts as written when Kafka has it. What the queue has no room for, and what Kafka did not take in time, is
lost, counted and logged once a minute: `vigil_audit_lost_total` is an alert rule (docs/operations.md).
"""

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from streams.config.settings import Settings
from streams.contracts.audit import Audited, AuditedAct, Outcome
from streams.contracts.people import Person
from streams.contracts.topics import AUDIT
from streams.kafka.producers import AUDITS, Producer

QUEUE_MAX: Final = 10_000
"""Records that wait for Kafka: some minutes of a hospital's boards, 5 MB."""

IN_FLIGHT_MAX: Final = 500
POLL_S: Final = 0.05
LOG_S: Final = 60.0
CLOSE_S_MAX: Final = 5.0
"""At the end: how long what is unwritten may take."""

UNKNOWN: Final = "~unknown"
"""Who tried to sign in under a name that nobody has: what was typed may be a password."""

logger = logging.getLogger(__name__)


class Auditor:
    """Queues what was seen and writes it in the background, in order."""

    def __init__(self, registry: CollectorRegistry, queue_max: int = QUEUE_MAX) -> None:
        self._queue: deque[Audited] = deque()
        self._queue_max = queue_max
        self._under_way: deque[Any] = deque()
        self._logged_s = float("-inf")
        self.lost = Counter(
            "vigil_audit_lost_total", "audit records that were not written", registry=registry
        )
        self.written = Counter("vigil_audit_written_total", "audit records in Kafka", registry=registry)
        waiting = Gauge("vigil_audit_waiting", "audit records that wait for Kafka", registry=registry)
        waiting.set_function(lambda: len(self._queue) + len(self._under_way))

    @property
    def unwritten(self) -> int:
        """Records that Kafka does not have yet."""
        return len(self._queue) + len(self._under_way)

    def audit(
        self,
        person: Person | None,
        act: AuditedAct,
        outcome: Outcome,
        at_ts_ms: int,
        patient: str = "",
        ward: str = "",
        station: str = "",
        reason: str = "",
    ) -> None:
        """Take note; returns at once. `person` None = nobody known, at `station`."""
        said = Audited(
            id=uuid.uuid4().hex,
            at_ts_ms=at_ts_ms,
            person=UNKNOWN if person is None else person.id,
            role=None if person is None else person.role,
            station=station if person is None else person.station,
            session="" if person is None else person.session,
            act=act,
            patient=patient[:128],
            ward=ward[:128],
            outcome=outcome,
            break_glass="" if person is None else person.break_glass,
            reason=reason[:500],
        )
        if len(self._queue) >= self._queue_max:
            self._lose(1)
        else:
            self._queue.append(said)

    async def run(self, producer: Producer) -> None:
        """Write until cancelled, then give what is unwritten `CLOSE_S_MAX`."""
        try:
            while True:
                self.turn(producer)
                await asyncio.sleep(POLL_S)
        finally:
            until_s = asyncio.get_running_loop().time() + CLOSE_S_MAX
            while self.unwritten and asyncio.get_running_loop().time() < until_s:
                self.turn(producer)
                await asyncio.sleep(POLL_S)
            self._lose(self.unwritten)

    @contextlib.asynccontextmanager
    async def writing(self, settings: Settings) -> AsyncIterator[None]:
        """Write in the background as long as this lasts.

        Raises:
            BrokerUnreachable: no broker answers.
            TopicsMismatch: there is no topic for the audit.
        """
        producer = await asyncio.to_thread(Producer, settings, AUDITS, settings.topic(AUDIT))
        running = asyncio.create_task(self.run(producer))
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await asyncio.to_thread(producer.close)

    def turn(self, producer: Producer) -> None:
        """Note what Kafka has taken and hand over what it has room for; returns at once."""
        while self._under_way and self._under_way[0].is_done:
            if self._under_way.popleft().succeeded():
                self.written.inc()
            else:
                self._lose(1)
        while self._queue and len(self._under_way) < IN_FLIGHT_MAX:
            said = self._queue[0]
            sent = producer.send(said.person.encode(), said.model_dump_json().encode())
            if sent is None:
                return
            self._queue.popleft()
            self._under_way.append(sent)

    def _lose(self, count: int) -> None:
        if not count:
            return
        self.lost.inc(count)
        try:
            now_s = asyncio.get_running_loop().time()
        except RuntimeError:
            return
        if now_s - self._logged_s >= LOG_S:
            self._logged_s = now_s
            logger.error("audit records were lost: Kafka does not take them; see vigil_audit_lost_total")
