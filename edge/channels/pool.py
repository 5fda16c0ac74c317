"""The sender: what the log says is to be sent goes to its channel's line, what becomes of it goes to the log.

All of this runs in one event loop; the log is read by `feed`, and written by outboxes.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from edge.channels.book import Book, Wanted
from edge.channels.faults import Faults, is_fault
from edge.channels.line import Line
from edge.channels.metrics import ChannelMetrics
from edge.channels.options import TOTAL_S_MAX, Options
from edge.channels.outbox import Letter, Outbox
from edge.channels.page import Channel, Status
from edge.ward_state import CANARY
from streams.config.routing import BOARD
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery, Milestone, delivery_id

LOOK_S: Final = 0.25
CANARY_EVERY_MS: Final = 55_000
"""A canary's alert comes every ten seconds of each partition; one a minute goes over each channel."""

CANARY_RECIPIENT: Final = "canary"
CANARY_AGE_MS_MAX: Final = 30_000
REASON_CHARS_MAX: Final = 300


class Read(NamedTuple):
    """A record of the log, read: a milestone or an alert, and where it lies."""

    partition: int
    offset: int
    append_ms: int
    record: Delivery | Alert


@dataclass(frozen=True, slots=True)
class Boxes:
    """Where the sender writes: milestones, alerts about channels, dead letters."""

    deliveries: Outbox
    alerts: Outbox
    letters: Outbox


@dataclass(slots=True)
class _Part:
    """A partition of ours; nothing is sent of it before its log was read to the end."""

    book: Book
    is_current: bool = False


class Pool:
    """Every channel's line, and a book of each partition that is ours."""

    def __init__(
        self, channels: Mapping[str, tuple[Channel, Options]], boxes: Boxes, metrics: ChannelMetrics
    ) -> None:
        self._boxes, self._metrics = boxes, metrics
        self._parts: dict[int, _Part] = {}
        self._faults = Faults(lambda alert: boxes.alerts.put(_alert_letter(alert)))
        self._canaries = [name for name, (_, options) in channels.items() if options.canary]
        self._canary_ms = 0
        self.lines = {
            name: Line(name, channel, options, self, metrics) for name, (channel, options) in channels.items()
        }

    async def run(self) -> None:
        """Work until cancelled; one task for each channel."""
        async with asyncio.TaskGroup() as group:
            for line in self.lines.values():
                group.create_task(line.run())
            while True:
                self._look()
                await asyncio.sleep(LOOK_S)

    async def settle(self) -> None:
        """Return when nothing is being tried any more; nothing new is begun. Call it once the feed is closed."""
        for line in self.lines.values():
            line.stop()
        await asyncio.gather(*(line.settled() for line in self.lines.values()))

    # What the feed says.

    def assigned(self, partition: int, begins: tuple[int, int]) -> None:
        """Begin a partition, whose deliveries and alerts are read from these offsets on."""
        self._parts[partition] = _Part(Book(partition, TOTAL_S_MAX, begins))

    def revoked(self, partition: int) -> None:
        """Let go of a partition."""
        self._parts.pop(partition, None)
        for line in self.lines.values():
            line.drop(partition)

    def take(self, records: Sequence[Read]) -> None:
        """Take records of the log in the order in which they came."""
        for one in records:
            if (part := self._parts.get(one.partition)) is None:
                continue
            if isinstance(one.record, Delivery):
                part.book.take_delivery(one.record, one.offset, one.append_ms)
            else:
                part.book.take_alert(one.record, one.offset, one.append_ms)
                if is_fault(one.record) and not part.is_current:
                    self._faults.found(one.record, self.lines, now_ms())
                elif one.record.rule == CANARY and part.is_current:
                    self._sing(one)
        for number in {one.partition for one in records}:
            self._send(number)

    def caught_up(self, partition: int) -> None:
        """Begin to send: the partition was read to its end."""
        if (part := self._parts.get(partition)) is not None and not part.is_current:
            part.is_current = True
            self._send(partition)
            for wanted in part.book.open_pages():
                if (line := self.lines.get(wanted.delivery.channel)) is not None:
                    line.renew(wanted, time.monotonic())

    def low_water(self) -> dict[int, tuple[int, int]]:
        """Return of each partition that is read to its end from which offsets on it matters: deliveries, alerts."""
        at_ms = now_ms()
        return {number: part.book.low_water(at_ms) for number, part in self._parts.items() if part.is_current}

    # What the lines say (`line.Reports`).

    def reached(
        self, wanted: Wanted, milestone: Milestone, attempt: int, reason: str, reference: str
    ) -> None:
        """Write a milestone."""
        found = wanted.delivery.model_copy(
            update={
                "alert": wanted.page.alert.id if wanted.page.event != "start" else wanted.delivery.alert,
                "milestone": milestone,
                "at_ts_ms": now_ms(),
                "attempt": attempt,
                "reason": reason[:REASON_CHARS_MAX],
                "reference": reference,
            }
        )
        self._put(found, wanted.partition)
        if milestone == "expired":
            headers = {"reason": "not-delivered", "channel": found.channel, "detail": found.reason}
            letter = Letter(
                found.patient.encode(),
                found.model_dump_json().encode(),
                headers=tuple((name, text.encode()) for name, text in headers.items()),
            )
            self._boxes.letters.put(letter)

    def ended(self, wanted: Wanted, taken: bool) -> None:
        """Note the end of a message."""
        if (part := self._parts.get(wanted.partition)) is None:
            return
        line, delivery = self.lines[wanted.delivery.channel], wanted.delivery
        if taken:
            self._faults.worked(delivery.channel, now_ms())
        if wanted.page.event == "end":
            part.book.followed(delivery.id, wanted.page.alert.id)
        elif taken:
            if wanted.page.event == "start":
                part.book.sent(delivery.id)
            if line.channel.renew_s and not part.book.has_ended(delivery.episode):
                line.forget(delivery.id)
                line.renew(wanted, time.monotonic() + line.channel.renew_s)

    def gone(self, channel: str, recipient: str, is_gone: bool) -> None:
        """Tell that a recipient is gone, or is back."""
        why = "it has no address or subscription any more" if is_gone else None
        self._faults.recipient(channel, recipient, why, now_ms())

    def of_use(self, wanted: Wanted, attempts: int) -> str | None:
        """Return None while a message is of use, else why not."""
        part = self._parts.get(wanted.partition)
        return "" if part is None else part.book.of_use(wanted, attempts)

    def told(self, status: Status) -> None:
        """Take what a provider says later of a message."""
        for number, part in self._parts.items():
            if (delivery := part.book.find(status.page_id)) is not None:
                update = {"milestone": status.milestone, "at_ts_ms": now_ms(), "reason": status.reason}
                self._put(delivery.model_copy(update=update), number)
                return

    def _look(self) -> None:
        """Do what time alone asks for."""
        now_s, at_ms = time.monotonic(), now_ms()
        for name, line in self.lines.items():
            self._faults.look(name, line.breaker, line.fault, now_s, at_ms)
        for number in tuple(self._parts):
            self._send(number)
        self._metrics.partitions.set(sum(part.is_current for part in self._parts.values()))
        self._metrics.unwritten.set(self._boxes.deliveries.unwritten)

    def _send(self, number: int) -> None:
        """Give lines what is to be sent of a partition."""
        part = self._parts.get(number)
        if part is None or not part.is_current:
            return
        at_ms, now_s = now_ms(), time.monotonic()
        for wanted in part.book.due(at_ms):
            delivery, event = wanted.delivery, wanted.page.event
            if delivery.channel == BOARD:
                continue
            line = self.lines.get(delivery.channel)
            if line is None:
                if event == "start":
                    self.reached(wanted, "expired", 0, "no such channel in the routing file", "")
                continue
            if event == "end":
                line.forget(delivery.id)
            quiet = delivery.rule == CANARY and not line.channel.renew_s
            if event == "start" or (event in line.channel.follows and not quiet):
                line.add(wanted, now_s - max(0, at_ms - wanted.append_ms) / 1000)
            elif event == "end":
                part.book.followed(delivery.id, wanted.page.alert.id)

    def _sing(self, one: Read) -> None:
        """Queue a canary's alert of the first partition over each channel that wants it, once a minute."""
        alert, at_ms = one.record, now_ms()
        if not isinstance(alert, Alert) or alert.phase != "start" or one.partition != 0:
            return
        if at_ms - self._canary_ms < CANARY_EVERY_MS or at_ms - one.append_ms > CANARY_AGE_MS_MAX:
            return
        self._canary_ms = at_ms
        for name in self._canaries:
            queued = Delivery(
                id=delivery_id(alert.episode, 1, CANARY_RECIPIENT, name),
                alert=alert.id,
                episode=alert.episode,
                patient=alert.patient,
                ward="",
                rule=alert.rule,
                priority=alert.priority,
                step=1,
                recipient=CANARY_RECIPIENT,
                channel=name,
                milestone="queued",
                at_ts_ms=at_ms,
            )
            self._put(queued, one.partition)

    def _put(self, delivery: Delivery, partition: int) -> None:
        # Beside what was queued, wherever that lies: a canary's partition is not the one of its name.
        value = delivery.model_dump_json().encode()
        self._boxes.deliveries.put(Letter(delivery.patient.encode(), value, partition))


def _alert_letter(alert: Alert) -> Letter:
    return Letter(alert.patient.encode(), alert.model_dump_json().encode())


def now_ms() -> int:
    """Return the time, Unix epoch, ms."""
    return time.time_ns() // 1_000_000
