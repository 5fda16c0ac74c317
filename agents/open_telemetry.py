"""The one adapter to OpenTelemetry: a span of each block and of each alert, sent to a collector over OTLP/HTTP.

Names are those of the semantic conventions for messaging. No span has anything of a record's key or value in it, nor
of an error's text: they are not read here. Spans wait in a bounded queue for a thread of the SDK's; while the collector
is away they are dropped and counted, and nothing else waits.
"""

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, set_span_in_context
from prometheus_client import Counter

from agents.traces import Take
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS
from streams.decoding.decoded import Record
from streams.kafka.publisher import Sender
from streams.lane.block import Block
from streams.lane.work_off import Admitted

SPANS_MAX: Final = 4_096
"""Spans that wait to be sent, those under way included; further ones are dropped."""

SEND_SPANS_MAX: Final = 512
SEND_EVERY_MS: Final = 1_000.0
SEND_TIMEOUT_S: Final = 2.0
"""For one request to the collector and what it is tried again meanwhile."""

CLOSE_S: Final = 1.0
"""At the end: for what is left."""

_BLOCKS: ContextVar[Mapping[int, Span]] = ContextVar("blocks that are judged, by partition")
_NONE: Final[Mapping[int, Span]] = {}

logger = logging.getLogger(__name__)


class OpenTelemetry:
    """Makes spans: `process` of a block, and below it `send` of each alert that it led to.

    Blocks that were judged at once have a link to the first of them. Whether a block has a span is drawn for each; its
    alerts then have one, too.

    Args:
        settings: name the collector, the share of blocks, the group and the topics.
        spans: counts spans: `sent`, `refused` by the collector or not taken in time, `dropped` with the queue full.
    """

    def __init__(self, settings: Settings, spans: Counter) -> None:
        # The SDK would log each request that fails; we say when that begins and when it is over.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        self._alerts, self._group = settings.topic(ALERTS), settings.group
        self._is_live = settings.time_base == "live"
        exporter = CountedExporter(
            OTLPSpanExporter(settings.otlp_endpoint, timeout=SEND_TIMEOUT_S), settings.otlp_endpoint, spans
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.otlp_share)),
            resource=Resource.create(
                {
                    "service.name": "vigil-shadow" if settings.shadow else "vigil-worker",
                    "service.namespace": settings.group,
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            ),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(Bounded(exporter, spans))
        self._tracer = self._provider.get_tracer("vigil")

    def around(self, take: Take) -> Take:
        """Return what works off blocks with a span of each."""

        async def traced(admitted: Admitted) -> None:
            spans = self._begin(admitted)
            token = _BLOCKS.set(spans)
            try:
                await take(admitted)
            except BaseException as error:
                for span in spans.values():
                    _fail(span, error)
                raise
            finally:
                _BLOCKS.reset(token)
                for span in spans.values():
                    span.end()

        return traced

    def sending(self, send: Sender) -> Sender:
        """Return what sends records with a span of each alert, until the broker has it."""

        async def traced(
            topic: str,
            key: bytes | None,
            value: bytes | None,
            partition: int | None,
            headers: Sequence[tuple[str, bytes]],
        ) -> Awaitable[Any]:
            if topic != self._alerts:
                return await send(topic, key, value, partition, headers)
            span = self._alert(topic, partition)
            try:
                arrival = asyncio.ensure_future(await send(topic, key, value, partition, headers))
            except BaseException as error:
                _fail(span, error)
                span.end()
                raise
            arrival.add_done_callback(partial(_arrived, span))
            return arrival

        return traced

    def close(self) -> None:
        """Send what is left, for `CLOSE_S` at most; the thread that would go on ends with the process."""
        ending = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        ending.start()
        ending.join(CLOSE_S)

    def _begin(self, admitted: Admitted) -> dict[int, Span]:
        spans: dict[int, Span] = {}
        first: Span | None = None
        for block, records in admitted:
            span = self._tracer.start_span(
                f"process {block.topic}",
                Context(),
                SpanKind.CONSUMER,
                self._facts(block, records),
                None if first is None else [Link(first.get_span_context())],
            )
            spans[block.partition] = span
            if first is None and span.is_recording():
                first = span
        return spans

    def _facts(self, block: Block, records: Sequence[Record]) -> dict[str, str | int | float]:
        facts: dict[str, str | int | float] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": block.topic,
            "messaging.destination.partition.id": str(block.partition),
            "messaging.consumer.group.name": self._group,
            "messaging.batch.message_count": len(records),
            "messaging.kafka.offset": block.first,
        }
        if records and self._is_live:
            facts["vigil.waited_s"] = round(time.time() - records[0].timestamp / 1000, 3)
        return facts

    def _alert(self, topic: str, partition: int | None) -> Span:
        block = None if partition is None else _BLOCKS.get(_NONE).get(partition)
        context = Context() if block is None else set_span_in_context(block, Context())
        facts: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
        }
        if partition is not None:
            facts["messaging.destination.partition.id"] = str(partition)
        return self._tracer.start_span(f"send {topic}", context, SpanKind.PRODUCER, facts)


def _fail(span: Span, error: BaseException) -> None:
    """Note what kind of error it was; its text may name a patient."""
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(Status(StatusCode.ERROR))


def _arrived(span: Span, arrival: asyncio.Future[Any]) -> None:
    if arrival.cancelled():
        _fail(span, asyncio.CancelledError())
    elif (error := arrival.exception()) is not None:
        _fail(span, error)
    elif (offset := getattr(arrival.result(), "offset", None)) is not None:
        span.set_attribute("messaging.kafka.offset", offset)
    span.end()


class CountedExporter(SpanExporter):
    """Sends spans, counts what became of them, and says once that they do not arrive and once that they do again."""

    def __init__(self, inner: SpanExporter, endpoint: str, spans: Counter) -> None:
        self._inner, self._endpoint, self._spans = inner, endpoint, spans
        self._arrives = True
        self.done = 0
        """Spans that are no longer waited for; written by the thread that sends alone."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, which the SDK never does twice at once."""
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            self.done += len(spans)
            arrives = result is SpanExportResult.SUCCESS
            self._spans.labels("sent" if arrives else "refused").inc(len(spans))
            if arrives != self._arrives:
                self._arrives = arrives
                logger.warning(
                    "spans %s %s", "arrive again at" if arrives else "do not arrive at", self._endpoint
                )
        return result

    def shutdown(self) -> None:
        """Give up what is under way."""
        self._inner.shutdown()


class Bounded(SpanProcessor):
    """Hands ended spans to the SDK's thread while fewer than `SPANS_MAX` wait, and counts those that it drops."""

    def __init__(self, exporter: CountedExporter, spans: Counter) -> None:
        self._exporter, self._dropped = exporter, spans.labels("dropped")
        self._taken = 0
        self._batches = BatchSpanProcessor(
            exporter,
            max_queue_size=SPANS_MAX,
            schedule_delay_millis=SEND_EVERY_MS,
            max_export_batch_size=SEND_SPANS_MAX,
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended, in the event loop."""
        if self._taken - self._exporter.done >= SPANS_MAX:
            self._dropped.inc()
            return
        self._taken += 1
        self._batches.on_end(span)

    def shutdown(self) -> None:
        """Send what waits."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]
