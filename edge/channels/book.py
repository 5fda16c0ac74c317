"""What a partition's log says of messages: which are to be sent, which are done, and from where on it matters. Pure.

Everything is learnt from `vitals.deliveries` and `vitals.alerts`; what this process itself has reached comes back
through the log. So a restart knows what another process would, and sends again what nobody has taken.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge.channels.page import Event, Page, event_of
from streams.contracts.alert import Alert, Evidence, Source
from streams.contracts.deliveries import FINAL, Delivery, Milestone

ALERT_WAIT_MS: Final = 2_000
"""How long a message waits for its alert, which was written before it; then it goes without the alert's words."""

ALERTS_KEPT_MS: Final = 900_000
"""How long alerts are kept for who may still be told of them: later steps of an escalation. [M]"""

ALERTS_KEPT_MAX: Final = 100_000
EPISODES_MAX: Final = 20_000
"""Alarms of one partition that are open: as many as it may have patients (`streams.config.settings`)."""

KNOWN_MS_MAX: Final = 7 * 86_400_000
"""A delivery whose alarm has not ended for so long is forgotten here. [M]"""

TAKEN: Final[frozenset[Milestone]] = frozenset({"taken", "delivered", "shown", "accepted", "rejected"})


@dataclass(frozen=True, slots=True)
class Held:
    """An alert and where it lies."""

    alert: Alert
    offset: int
    append_ms: int


@dataclass(slots=True)
class Known:
    """One delivery: what was queued, and how far it has come by the log. Times in ms."""

    queued: Delivery
    offset: int
    append_ms: int
    alert_offset: int | None = None
    attempts: int = 0
    is_taken: bool = False
    is_final: bool = False
    told: set[str] = field(default_factory=set)
    """Ids of later alerts of the alarm that were taken over this channel."""
    sent_here: bool = False
    """Whether this process has seen it taken; the log says so a moment later."""
    is_over: bool = False
    """Whether nothing of the alarm can follow any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message to be sent: its page and the delivery that it is of. Times in ms."""

    page: Page
    delivery: Delivery
    partition: int
    append_ms: int
    attempts: int


class Book:
    """One partition. Say what is read with `take_delivery` and `take_alert`; `due` gives what is to be sent.

    Args:
        partition: its number.
        total_s: how long after its time an event of an alarm is still told, s.
        begins: offsets from which on deliveries and alerts are read.
    """

    def __init__(self, partition: int, total_s: float, begins: tuple[int, int] = (0, 0)) -> None:
        self._partition, self._total_ms = partition, round(total_s * 1000)
        self._known: dict[str, Known] = {}
        self._of_episode: dict[str, list[str]] = {}
        self._alerts: OrderedDict[str, Held] = OrderedDict()
        self._events: dict[str, list[Held]] = {}
        """The same, by episode, in their order."""
        self._standing: OrderedDict[str, Held] = OrderedDict()
        self._ended: OrderedDict[str, Held] = OrderedDict()
        self._new: list[str] = []
        self._later: list[tuple[str, Held, Event]] = []
        self._next_delivery, self._next_alert = begins

    def take_delivery(self, record: Delivery, offset: int, append_ms: int) -> None:
        """Take a milestone."""
        self._next_delivery = offset + 1
        known = self._known.get(record.id)
        if record.milestone == "queued":
            if known is None:
                self._queue(record, offset, append_ms)
            return
        if known is None:
            return  # queued before the place from which on the log is read
        known.is_final |= record.milestone in FINAL
        if record.alert == known.queued.alert:
            known.attempts = max(known.attempts, record.attempt)
            known.is_taken |= record.milestone in TAKEN
        elif record.milestone in TAKEN:
            known.told.add(record.alert)

    def take_alert(self, alert: Alert, offset: int, append_ms: int) -> None:
        """Take an event of an alarm."""
        self._next_alert = offset + 1
        held = Held(alert, offset, append_ms)
        if alert.id in self._alerts or (
            (ended := self._ended.get(alert.episode)) and ended.alert.id == alert.id
        ):
            return  # written twice
        self._alerts[alert.id] = held
        self._events.setdefault(alert.episode, []).append(held)
        event = event_of(alert)
        if event == "end":
            self._standing.pop(alert.episode, None)
            self._ended[alert.episode] = held
        elif alert.episode not in self._ended:
            self._standing[alert.episode] = held
        for name in self._of_episode.get(alert.episode, ()):
            known = self._known[name]
            if alert.id == known.queued.alert:
                known.alert_offset = offset
            elif event is not None and event != "start":
                self._later.append((name, held, event))
        self._forget_alerts(append_ms)

    def due(self, now_ms: int) -> Iterator[Wanted]:
        """Yield what is to be sent and was not given before; wait with what lacks its alert for a moment."""
        waiting = []
        for name in self._new:
            known = self._known.get(name)
            if known is None or known.is_final:
                continue
            alert = self._alert_of(known)
            if alert is None and now_ms - known.append_ms < ALERT_WAIT_MS:
                waiting.append(name)
                continue
            if not known.is_taken:
                page = self._page(known, alert or stand_in(known.queued), "start", known.append_ms)
                yield self._wanted(known, page, known.append_ms)
        self._new = waiting
        later, self._later = self._later, []
        for name, held, event in later:
            known = self._known.get(name)
            if known is None or held.alert.id in known.told:
                continue
            if now_ms < held.append_ms + self._total_ms:
                yield self._wanted(
                    known, self._page(known, held.alert, event, held.append_ms), held.append_ms
                )
            elif event == "end":
                known.is_over = True

    def followed(self, name: str, alert_id: str) -> None:
        """Note that nothing comes any more of a later message: it was taken, given up or is not wanted."""
        known = self._known.get(name)
        ended = known and self._ended.get(known.queued.episode)
        if known is not None and ended and ended.alert.id == alert_id:
            known.is_over = True

    def open_pages(self) -> Iterator[Wanted]:
        """Yield the first message of each delivery that was taken and whose alarm has not ended, to be renewed."""
        for known in self._known.values():
            if known.is_taken and not known.is_over and known.queued.episode not in self._ended:
                alert = self._alert_of(known) or stand_in(known.queued)
                yield self._wanted(known, self._page(known, alert, "start", known.append_ms), known.append_ms)

    def sent(self, name: str) -> None:
        """Note that the first message of a delivery was taken; counts as taken once the log says so."""
        if (known := self._known.get(name)) is not None:
            known.sent_here = True

    def of_use(self, wanted: Wanted, attempts: int) -> str | None:
        """Return None while a message is of use; else why it is not, empty where nobody has to be told that."""
        known = self._known.get(wanted.delivery.id)
        if known is None:
            return ""
        told = known.is_taken or known.sent_here
        if wanted.page.event == "start":
            if known.is_final or told:
                return ""
            ended = attempts and wanted.delivery.episode in self._ended
            return "the alarm ended before it could be told" if ended else None
        # An end may be of what arrived without an answer: it is told where anything was tried.
        return None if told or (wanted.page.is_over and known.attempts) else ""

    def find(self, page_id: str) -> Delivery | None:
        """Return the delivery that a message is of."""
        known = self._known.get(page_id.partition(".")[0])
        return None if known is None else known.queued

    def has_ended(self, episode: str) -> bool:
        """Tell whether an alarm has ended."""
        return episode in self._ended

    def low_water(self, now_ms: int) -> tuple[int, int]:
        """Return from which offset on deliveries and alerts matter to who takes over; forgets what does not."""
        for name, known in list(self._known.items()):
            if self._is_settled(known, now_ms):
                del self._known[name]
                self._of_episode[known.queued.episode].remove(name)
                if not self._of_episode[known.queued.episode]:
                    del self._of_episode[known.queued.episode]
        deliveries = min((known.offset for known in self._known.values()), default=self._next_delivery)
        offsets = [known.alert_offset for known in self._known.values() if known.alert_offset is not None]
        first = next(iter(self._alerts.values()), None)
        return deliveries, min([*offsets, first.offset if first else self._next_alert])

    def _is_settled(self, known: Known, now_ms: int) -> bool:
        """Tell whether nothing is to be sent of a delivery any more, now or after an end that is still to come."""
        age_ms = now_ms - known.append_ms
        if age_ms > KNOWN_MS_MAX:
            return True
        if age_ms < ALERTS_KEPT_MS:
            return False  # who decides may queue it again after a restart: that is known then, and not sent again
        if not known.is_final and not known.is_taken:
            return False
        if known.is_over or (not known.is_taken and not known.attempts):
            return True
        ended = self._ended.get(known.queued.episode)
        if ended is None:
            return False
        return ended.alert.id in known.told or now_ms > ended.append_ms + self._total_ms

    def _queue(self, record: Delivery, offset: int, append_ms: int) -> None:
        known = self._known[record.id] = Known(record, offset, append_ms)
        if (held := self._alerts.get(record.alert)) is not None:
            known.alert_offset = held.offset
        self._of_episode.setdefault(record.episode, []).append(record.id)
        self._new.append(record.id)
        # The alarm may have gone on before this was read: the two topics have no common order.
        for later in self._events.get(record.episode, ()):
            event = event_of(later.alert)
            if later.offset > (known.alert_offset or 0) and event is not None and event != "start":
                self._later.append((record.id, later, event))

    def _alert_of(self, known: Known) -> Alert | None:
        held = self._alerts.get(known.queued.alert) or self._standing.get(known.queued.episode)
        return None if held is None else held.alert

    def _page(self, known: Known, alert: Alert, event: Event, append_ms: int) -> Page:
        queued = known.queued
        number = alert.id.removeprefix(f"{alert.episode}-")
        name = queued.id if event == "start" else f"{queued.id}.{number}"
        until_ms = append_ms + self._total_ms
        return Page(name, event, alert, queued.ward, queued.recipient, queued.step, until_ms)

    def _wanted(self, known: Known, page: Page, append_ms: int) -> Wanted:
        attempts = known.attempts if page.event == "start" else 0
        return Wanted(page, known.queued, self._partition, append_ms, attempts)

    def _forget_alerts(self, now_ms: int) -> None:
        while self._alerts:
            oldest = next(iter(self._alerts.values()))
            if now_ms - oldest.append_ms < ALERTS_KEPT_MS and len(self._alerts) <= ALERTS_KEPT_MAX:
                break
            self._alerts.popitem(last=False)
            events = self._events[oldest.alert.episode]
            events.remove(oldest)
            if not events:
                del self._events[oldest.alert.episode]
        while len(self._standing) > EPISODES_MAX:
            self._standing.popitem(last=False)
        while len(self._ended) > EPISODES_MAX:
            episode, _ = self._ended.popitem(last=False)
            for name in self._of_episode.get(episode, ()):
                self._known[name].is_over = True


def stand_in(queued: Delivery) -> Alert:
    """Return an alert for a message whose own cannot be read any more: nobody is left untold for want of words."""
    return Alert(
        id=queued.alert,
        episode=queued.episode,
        patient=queued.patient,
        rule=queued.rule,
        event="MDC_EVT_ALARM",
        source=Source(kind="alarm-system", name="delivery"),
        phase="start",
        state="active",
        priority=queued.priority,
        type="advisory",
        onset_ts_ms=queued.at_ts_ms,
        event_ts_ms=queued.at_ts_ms,
        append_ts_ms=queued.at_ts_ms,
        evidence=Evidence(),
        reason=f"{queued.rule}: an alarm whose record cannot be read any more; look at the board",
    )
