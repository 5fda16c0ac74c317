"""The Faust app with settings that suit an alarm system, and the live lane as its transport."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import faust
from yarl import URL

from streams.config.settings import Settings
from streams.contracts.topics import (
    ALERTS,
    COMMANDS,
    DEAD_LETTERS,
    DELIVERIES,
    ESCALATIONS,
    HEARTBEAT,
    LIMITS,
    PATIENTS,
    READINGS,
    WARDS,
)
from streams.engine import is_compiled
from streams.errors import PromiseBroken
from streams.kafka.admin import changelog_topic
from streams.kafka.partition_guard import METADATA_AGE_S_MAX, PartitionGuard
from streams.kafka.publisher import Publisher, Sender
from streams.kafka.security import password_of, tls_context, uses_sasl, uses_tls
from streams.kafka.shadows import ShadowPublisher, outlets
from streams.kafka.stamping import stamp_by
from streams.lane.block_consumer import BlockTransport
from streams.lane.early_start import PartitionwiseTables
from streams.lane.fetched import OpenRaw
from streams.lane.lane import LanePlan
from streams.lane.own_assignor import OwnAssignor

PATIENTS_TABLE: Final = "patients"
"""The one table: Faust applies a record of an unknown changelog to the table before it, so there is one."""

EPISODES: Final = "escalations"
"""Likewise the one table of delivery."""

FETCH_PAUSE_S_MAX: Final = 300.0
"""After so long without a fetch the Kafka client leaves the group and never joins it again, and Faust fetches nothing
while it waits for a rebalance: longer than any patience of the watchdog, which ends what is stuck."""

HEARTBEAT_S: Final = 0.1
"""A worker learns by the answer to a heartbeat that the group divides its partitions anew, and all wait for the last
to learn it. Far below the shortest session timeout (6 s), and three small requests a second."""

FETCHES_BUFFERED: Final = 2
"""Fetches that wait for the agent, each with blocks of several partitions; when one waits, Faust takes no others."""

RECORD_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest record that the producer sends: a dead letter carries the refused record as it came."""

BATCH_BYTES: Final = 256 * 1024
"""A checkpoint's records travel together; alerts are sent at once, however few there are."""


def judging_lane(settings: Settings) -> LanePlan:
    """Return the lane of a worker: readings, commands and wards."""
    return LanePlan(
        topics=frozenset({settings.topic(name) for name in (READINGS, COMMANDS, WARDS)}),
        stateless=frozenset({settings.topic(COMMANDS)}),
        rebuilt=frozenset({settings.topic(WARDS)}),
        records_max=settings.block_records_max,
        fetch_wait_ms=settings.fetch_wait_ms,
        changelogs=frozenset({changelog_topic(settings)}),
        unhurried=frozenset(
            {changelog_topic(settings)}
            | {settings.topic(name) for name in (PATIENTS, HEARTBEAT, LIMITS, DEAD_LETTERS)}
        ),
        stamp=stamp_by(time.time, settings.clock_ahead_ms_max) if settings.time_base == "live" else None,
        raw=raw_topics(settings),
        watch_client=PartitionGuard(
            {settings.topic(topic): settings.partitions for topic in (COMMANDS, WARDS, ALERTS)}
            | dict.fromkeys(as_the_readings(settings), settings.reading_partitions)
        ).watch,
    )


def as_the_readings(settings: Settings) -> frozenset[str]:
    """Return the topics of as many partitions as the readings, which may be a multiple of all others'."""
    return frozenset({settings.topic(READINGS), changelog_topic(settings)})


def raw_topics(settings: Settings) -> dict[str, OpenRaw]:
    """Return the topics whose records compiled code reads as they come, and what opens their batches."""
    if not is_compiled(settings.engine):
        return {}
    from streams.lane.raw_batches import open_raw  # only with Numba it can be imported

    return {settings.topic(READINGS): open_raw}


def delivery_lane(settings: Settings) -> LanePlan:
    """Return the lane of delivery, whose settings are those of its own group: alerts, milestones, and its log."""
    topics = {settings.topic(name): settings.partitions for name in (ALERTS, DELIVERIES, ESCALATIONS)}
    return LanePlan(
        topics=frozenset(topics),
        stateless=frozenset({settings.topic(ALERTS), settings.topic(DELIVERIES)}),
        records_max=settings.block_records_max,
        fetch_wait_ms=settings.fetch_wait_ms,
        changelogs=frozenset({f"{settings.group}-{EPISODES}-changelog"}),
        stamp=stamp_by(time.time, settings.clock_ahead_ms_max),
        watch_client=PartitionGuard(topics).watch,
    )


def create_app(settings: Settings, lane: LanePlan | None = None, **overrides: Any) -> faust.App:
    """Return the app; nothing is connected yet. Its lane is the worker's unless another is given.

    Sources of the values: at-least-once with one actor per partition, because Faust's exactly-once is not atomic
    across topics; short session and request timeouts bound how long a dead worker's patients go unwatched.
    """
    urls = ";".join(f"kafka://{server}" for server in settings.bootstrap)
    lane = lane or judging_lane(settings)
    options: dict[str, Any] = {
        "broker": urls,
        "PartitionAssignor": OwnAssignor,
        "TableManager": PartitionwiseTables,
        "broker_client_id": settings.client_id,
        "broker_credentials": credentials(settings),
        "store": "memory://",
        "datadir": str(settings.data_dir / settings.judging_group),
        "processing_guarantee": "at_least_once",
        "autodiscover": False,
        "web_enabled": False,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": settings.reading_partitions,
        "topic_replication_factor": settings.replication,
        "table_standby_replicas": 0,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": HEARTBEAT_S,
        "broker_request_timeout": max(settings.request_timeout_s, settings.session_timeout_s),
        "broker_rebalance_timeout": 2 * settings.session_timeout_s,
        "broker_max_poll_interval": FETCH_PAUSE_S_MAX,
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": int(METADATA_AGE_S_MAX * 1000),
        "producer_metadata_max_age_ms": int(METADATA_AGE_S_MAX * 1000),
        "consumer_max_fetch_size": settings.fetch_bytes_max,
        "stream_buffer_maxsize": FETCHES_BUFFERED,
        "stream_wait_empty": True,
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_request_timeout": settings.request_timeout_s,
        "producer_max_request_size": RECORD_BYTES_MAX,
        "producer_max_batch_size": BATCH_BYTES,
        "worker_redirect_stdouts": False,
    }
    app = faust.App(settings.judging_group, **(options | overrides))
    app.transport = BlockTransport([URL(url) for url in urls.split(";")], app, lane)
    return app


def credentials(settings: Settings) -> Any:
    """Return what Faust's consumer and producer prove themselves with; None = a plain connection.

    Raises:
        UsageError: a certificate, key or password cannot be read.
    """
    context = tls_context(settings) if uses_tls(settings) else None
    if uses_sasl(settings):
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=password_of(settings),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


def publisher_of(
    app: faust.App, settings: Settings, through: Callable[[Sender], Sender] = lambda send: send
) -> Publisher:
    """Return a publisher on the app's producers, past Faust's buffer: that one may drop a record with a log line.

    Args:
        app: has the producers.
        settings: say how long records may be on their way, and whether all of them count.
        through: given what sends a record, returns what is to send it.
    """
    wide = as_the_readings(settings)

    def place(topic: str, partition: int) -> int:
        """Put what a partition of the readings leads to where it always has lain: their number is a multiple."""
        return partition if topic in wide else partition % settings.partitions

    async def send(topic: str, key: Any, value: Any, partition: Any, headers: Any) -> Any:
        partition = None if partition is None else place(topic, partition)
        headers = list(headers) or None
        return await app.producer.of(topic).send(topic, value, key=key, partition=partition, headers=headers)

    async def send_batch(
        topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]
    ) -> Awaitable[int]:
        producer, partition = app.producer.of(topic), place(topic, partition)
        arrivals: list[tuple[Awaitable[Any], int]] = []
        batch, count = producer.create_batch(), 0
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                arrivals.append((await producer.send_batch(batch, topic, partition=partition), count))
                batch, count = producer.create_batch(), 0
                if batch.append(key=key, value=value, timestamp=None) is None:
                    raise PromiseBroken(f"a record of {len(value or b'')} bytes does not fit a batch")
            count += 1
        arrivals.append((await producer.send_batch(batch, topic, partition=partition), count))
        return _last_offset(arrivals)

    sender = through(send)
    if settings.shadow:
        return ShadowPublisher(
            sender, send_batch, settings.request_timeout_s, outlets(settings), settings.shadow
        )
    return Publisher(sender, send_batch, settings.request_timeout_s)


async def _last_offset(arrivals: Sequence[tuple[Awaitable[Any], int]]) -> int:
    """Wait for batches (each with its number of records) and return the offset of the last record."""
    last = -1
    for arrival, count in arrivals:
        last = max(last, (await arrival).offset + count - 1)
    return last
