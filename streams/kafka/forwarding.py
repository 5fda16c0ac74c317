"""Records read in a group and written again elsewhere, by aiokafka: many at once, each of its partitions in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.config.settings import Settings
from streams.errors import VigilError
from streams.kafka.security import client_security
from streams.lane.producer_shortcuts import end

CLIENT_ID: Final = "vigil-forwarding"
POLL_RECORDS_MAX: Final = 5_000
POLL_MS: Final = 100
LOOK_MS_MAX: Final = 60_000
"""Between two polls: a stretch and its acknowledgements are far shorter."""

BATCH_BYTES: Final = 512 * 1024
"""Of one batch, uncompressed: half of what a topic takes. One record alone may be larger."""

RECORD_BYTES_MAX: Final = 1024 * 1024
"""Of one record."""

REQUEST_S_MAX: Final = 5.0
DELIVERY_S_MAX: Final = 20.0
START_S_MAX: Final = 20.0
LEAVE_S_MAX: Final = 2.0
"""For leaving the group; who has not left is missed when the session is over."""


class Copy(NamedTuple):
    """What is written again."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class _AfterWork(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Has a rebalance wait until what was taken is done: whoever gets its partition next would overtake it."""

    def __init__(self) -> None:
        self.working = asyncio.Lock()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait; aiokafka joins the group anew only after this."""
        async with self.working:
            pass

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on."""


class Forwarding:
    """A consumer in a group, and a producer; made by `forwarding`.

    Args:
        consumer: has started.
        producer: likewise.
        working: held while a partition must stay with us.
    """

    def __init__(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, working: asyncio.Lock) -> None:
        self._consumer, self._producer, self._working = consumer, producer, working

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Mapping[TopicPartition, Sequence[Any]]]:
        """Give the next records of each partition, after `POLL_MS` at the latest; they stay ours in the block."""
        found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS_MAX)
        async with self._working:
            yield found

    async def positions(self) -> dict[TopicPartition, int]:
        """Return up to where each partition was read: what ends a transaction is no record, and counts too."""
        async with asyncio.timeout(REQUEST_S_MAX):
            return {tp: await self._consumer.position(tp) for tp in sorted(self._consumer.assignment())}

    async def commit(self, places: Mapping[TopicPartition, int]) -> None:
        """Commit offsets."""
        async with asyncio.timeout(REQUEST_S_MAX):
            await self._consumer.commit(dict(places))

    async def send(self, records: Iterable[tuple[str, int, Copy]]) -> None:
        """Write (topic, partition, copy), and wait until all have arrived.

        Raises:
            VigilError: one is too large, or has not arrived within `DELIVERY_S_MAX`.
            KafkaError: the broker refused one.
        """
        batches: dict[tuple[str, int], Any] = {}
        arrivals: list[Awaitable[Any]] = []
        try:
            async with asyncio.timeout(DELIVERY_S_MAX):
                for topic, partition, record in records:
                    place = topic, partition
                    batch = batches.get(place)
                    if batch is None or not _append(batch, record):
                        if batch is not None:
                            arrivals.append(await self._hand_over(batch, place))
                        batch = batches[place] = self._producer.create_batch()
                        if not _append(batch, record):
                            raise VigilError(f"a record of {topic} is larger than {RECORD_BYTES_MAX} bytes")
                arrivals += [await self._hand_over(batch, place) for place, batch in batches.items()]
                await asyncio.gather(*arrivals)
        except TimeoutError:
            raise VigilError(f"records were not forwarded within {DELIVERY_S_MAX:g} s") from None

    async def _hand_over(self, batch: Any, place: tuple[str, int]) -> Awaitable[Any]:
        arrival: Awaitable[Any] = await self._producer.send_batch(batch, place[0], partition=place[1])
        return arrival


def _append(batch: Any, record: Copy) -> bool:
    """Put a record into a batch, if it has room."""
    taken = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return taken is not None


@asynccontextmanager
async def forwarding(settings: Settings, group: str, topics: Sequence[str]) -> AsyncIterator[Forwarding]:
    """Read topics in a group while the block lasts; what was not acknowledged by its end never arrives.

    Raises:
        VigilError: no broker answers within `START_S_MAX`.
        KafkaError: it refuses.
        UsageError: a certificate, key or password cannot be read.
    """
    common = {"bootstrap_servers": settings.bootstrap, "client_id": CLIENT_ID} | client_security(settings)
    session_ms = round(settings.session_timeout_s * 1000)
    after_work = _AfterWork()
    consumer = AIOKafkaConsumer(
        **common,
        group_id=group,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 5,
        max_poll_interval_ms=LOOK_MS_MAX,
        enable_auto_commit=False,
        # Without a committed offset nobody knows where to begin: neither all nor nothing may be forwarded.
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=POLL_MS,
    )
    producer = AIOKafkaProducer(
        **common,
        acks="all",
        enable_idempotence=False,
        request_timeout_ms=round(REQUEST_S_MAX * 1000),
        max_batch_size=BATCH_BYTES,
        max_request_size=RECORD_BYTES_MAX,
    )
    consumer.subscribe(topics, listener=after_work)
    try:
        try:
            async with asyncio.timeout(START_S_MAX):
                await producer.start()
                await consumer.start()
        except TimeoutError:
            raise VigilError(f"no broker answered within {START_S_MAX:g} s") from None
        yield Forwarding(consumer, producer, after_work.working)
    finally:
        # First the producer: while we are in the group nobody forwards what it holds, and then it holds nothing.
        await end(producer)
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(LEAVE_S_MAX):
                await consumer.stop()
