"""The lane of a worker, over Faust and its consumer."""

from collections.abc import Callable
from typing import Any

from faust.types import TP

from clinical.limits import NEVER
from streams.kafka.publisher import fail_stop
from streams.lane.lane import BlockSchema
from streams.lane.log_faults import LogFaults
from streams.lane.protocol import Lag, Reader
from streams.lane.work_off import work_off


class FaustLane:
    """See `streams.lane.protocol.Lane`.

    Args:
        app: the Faust app, of `streams.lane.app.create_app`; its consumer need not be there yet.
        judged: the topic whose partitions are this worker's.
        on_failure: what to do when a block cannot be worked off; the default stops the process.
    """

    def __init__(self, app: Any, judged: str, on_failure: Callable[[str], None] = fail_stop) -> None:
        self._app = app
        self._judged = judged
        self._on_failure = on_failure
        self.faults: LogFaults = app.transport.lane.faults

    def blocks(self, topic: str, reader: Reader) -> None:
        """Make a Faust agent of the reader; Faust wants a function with a name and a docstring, not a method."""
        app = self._app
        app.transport.readers[topic] = reader

        async def watch(stream: Any) -> None:
            """Works off every block of the topic."""
            await work_off(stream, app.consumer.admit, reader.take, self._on_failure)

        channel = app.topic(topic, schema=BlockSchema(), key_serializer="raw", value_serializer="raw")
        app.agent(channel, name=reader.name, concurrency=1)(watch)

    def owned(self, topic: str | None = None) -> frozenset[int] | None:
        """Return the partitions that are assigned and recovered; None while there is none of these."""
        app, topic = self._app, topic or self._judged
        if app.should_stop:
            return None
        if app.rebalancing or not app.tables.actives_ready:
            return app.consumer.begun_early(topic) or None
        return frozenset(tp.partition for tp in app.consumer.assignment() if tp.topic == topic)

    def lag(self, topic: str, partition: int, at: int | None = None) -> Lag | None:
        """Return how far a partition is; takes note of an open transaction that holds it up."""
        consumer, tp = self._app.consumer, TP(topic, partition)
        if at is None and (at := consumer.expected(tp)) is None:
            return None
        records = max(0, (consumer.highwater(tp) or 0) - max(NEVER + 1, at))
        stable = consumer.stable_end(tp)
        self.faults.held(tp, stable if records and at >= stable else None)
        return Lag(at, records, self.faults.stops(tp), consumer.committed(tp))

    async def read_again(self, topic: str, partition: int) -> None:
        """Read a partition again from the first record that was not admitted."""
        await self._app.consumer.read_again(TP(topic, partition))

    def durable(self, topic: str, partition: int, offset: int) -> None:
        """Declare that everything below the offset needs no replay."""
        self._app.consumer.mark_durable(TP(topic, partition), offset)

    async def commit(self) -> None:
        """Commit what was declared durable."""
        await self._app.consumer.commit()
