"""The agent of delivery's log: decides record by record, publishes what follows, and remembers.

A block counts as done when its milestones and alerts, and then what is remembered of them, have arrived. Who dies in
between decides the same again: ids and times are of the log.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydantic import ValidationError

from agents.blocks import Admitted, work_off
from agents.dead_letters import DeadLetters
from agents.delivery.episode_store import END_KEY, Episodes, EpisodeStore, changes
from agents.delivery.escalation import LATE_MS, Decided, Escalation
from agents.delivery.metrics import DeliveryMetrics
from streams.config.settings import Settings
from streams.contracts.deliveries import Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import TICK_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS, DELIVERIES, ESCALATIONS
from streams.decoding.decoded import Record, Reject
from streams.decoding.decoder import read_tick
from streams.decoding.sealed import first_fault
from streams.kafka.publisher import Publisher, fail_stop
from streams.lane.block import Block


class _Kind(msgspec.Struct):
    kind: str = ""


_kind_of = msgspec.json.Decoder(_Kind).decode


@dataclass(slots=True)
class Escalator:
    """Everything the agent works with; `watch` is the agent itself.

    `new_decider` makes the deciding half of one partition, `ready` waits until it knows who is on.
    """

    settings: Settings
    store: EpisodeStore
    changelog: str
    publisher: Publisher
    dead_letters: DeadLetters
    metrics: DeliveryMetrics
    new_decider: Callable[[], Escalation]
    ready: Callable[[], Awaitable[None]]
    admit: Callable[[Block], Awaitable[Sequence[Any] | None]]
    mark_durable: Callable[[str, int, int], None]
    on_failure: Callable[[str], None] = fail_stop
    _deciders: dict[int, Escalation] = field(default_factory=dict)

    async def watch(self, stream: Any) -> None:
        """Decide every block of the log, in order."""
        await work_off(stream, self.admit, self.take, self.on_failure)

    async def take(self, admitted: Admitted) -> None:
        """Decide blocks of different partitions, and make what follows durable."""
        await self.ready()
        changed: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for block, records in admitted:
            for reject, decided in self._decide(block.partition, records):
                if reject is not None:
                    await self.dead_letters.refuse(reject, block.topic, block.partition)
                await self._publish(decided)
                changed[block.partition] |= decided.changed
        await self.publisher.settled()
        await self._remember(changed)
        for block, _ in admitted:
            self.mark_durable(self.settings.topic(ESCALATIONS), block.partition, block.offset + 1)

    def _decide(self, partition: int, records: Sequence[Record]) -> list[tuple[Reject | None, Decided]]:
        decider = self._deciders.setdefault(partition, self.new_decider())
        episodes = self.store.state(partition)
        found: list[tuple[Reject | None, Decided]] = []
        for record in records:
            try:
                found.append((None, self._take(decider, episodes, record)))
            except ValidationError as error:
                found.append((Reject(record, "invalid", first_fault(error)), Decided()))
        return found

    def _take(self, decider: Escalation, episodes: Episodes, record: Record) -> Decided:
        """Decide one record; what is none of ours changes nothing, and is told by whoever put it here."""
        now_ms, offset, value = record.timestamp, record.offset, record.value or b""
        if record.key == TICK_KEY:
            return (
                Decided() if isinstance(read_tick(record), Reject) else decider.tick(episodes, now_ms, offset)
            )
        if _is_told(value):
            told = Told.model_validate_json(value)
            is_late = now_ms - told.told_ts_ms > LATE_MS
            return decider.take_alert(episodes, told.alert, told.ward, now_ms, offset, is_late)
        delivery = Delivery.model_validate_json(value)
        self.metrics.note(delivery, now_ms)
        return decider.take_milestone(episodes, delivery, now_ms, offset)

    async def _publish(self, decided: Decided) -> None:
        """Send what was decided: first what brings an alarm to people."""
        count = self.settings.partitions
        for delivery in decided.milestones:
            key = delivery.patient.encode()
            value, partition = delivery.model_dump_json().encode(), partition_of(delivery.patient, count)
            await self.publisher.publish(self.settings.topic(DELIVERIES), key, value, partition=partition)
        for alert in decided.alerts:
            value, partition = alert.model_dump_json().encode(), partition_of(alert.patient, count)
            await self.publisher.publish(
                self.settings.topic(ALERTS), alert.patient.encode(), value, partition=partition
            )
            self.metrics.troubles.labels(alert.rule, alert.phase).inc()

    async def _remember(self, changed: dict[int, dict[str, None]]) -> None:
        written = False
        for partition, names in changed.items():
            if names:
                written = True
                records = changes(self.store.state(partition), names)
                await self.publisher.publish_batch(self.changelog, partition, records)
        if not written:
            return
        await self.publisher.settled()
        for partition, names in changed.items():
            if names:
                await self.publisher.publish_batch(self.changelog, partition, [(END_KEY, b"{}")])
        await self.publisher.settled()


def _is_told(value: bytes) -> bool:
    try:
        return _kind_of(value).kind == "told"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
