"""One alarm as its events tell it: each event counts once, and in whatever order they come the same is known. Pure."""

from typing import Any, Final

from edge.ward_state import state_of
from streams.contracts.alert import Alert, Responsibility
from streams.contracts.patient_state import OpenAlarm

CLOSING: Final = frozenset({"end", "reset"})


def number_of(alert: Alert) -> int:
    """Return the number of an event in its episode, which ends its id; -1 for an id that has none."""
    _, _, number = alert.id.rpartition("-")
    return int(number) if number.isdecimal() and len(number) < 10 else -1


class Episode:
    """What the events of one episode have said so far."""

    __slots__ = ("acknowledged", "asked", "bounded", "closed", "last", "valued")

    def __init__(self) -> None:
        self.last: tuple[int, Alert] | None = None
        """The newest event."""
        self.valued: tuple[int, Alert] | None = None
        """The newest event with a value; that of an end is none that violated."""
        self.bounded: tuple[int, Alert] | None = None
        """The first event that has the newest bound: those after it only repeat it."""
        self.asked: tuple[int, Responsibility] | None = None
        self.acknowledged: tuple[int, str] | None = None
        self.closed = False

    def take(self, alert: Alert) -> None:
        """Take one event."""
        number = number_of(alert)
        if self.last is None or number > self.last[0]:
            self.last = (number, alert)
        is_closing = alert.phase in CLOSING
        has_value = alert.evidence.value is not None and not is_closing
        if has_value and (self.valued is None or number > self.valued[0]):
            self.valued = (number, alert)
        if alert.evidence.bound is not None:
            self._take_bound(number, alert)
        if alert.responsibility is not None and (self.asked is None or number > self.asked[0]):
            self.asked = (number, alert.responsibility)
        if alert.acknowledged_by is not None and (self.acknowledged is None or number > self.acknowledged[0]):
            self.acknowledged = (number, alert.acknowledged_by)
        self.closed = self.closed or is_closing

    def _take_bound(self, number: int, alert: Alert) -> None:
        # A bound gives way to a worse one only, so that events with the same one lie together.
        known = self.bounded
        is_known = known is not None and known[1].evidence.bound == alert.evidence.bound
        if known is None or (number < known[0] if is_known else number > known[0]):
            self.bounded = (number, alert)

    @property
    def measured(self) -> tuple[int, Alert] | None:
        """The newest event that says what was measured, as a value or as a bound in place of one."""
        found = (one for one in (self.valued, self.bounded) if one is not None)
        return max(found, key=lambda one: one[0], default=None)

    @property
    def append_ts_ms(self) -> int:
        """When the broker took the record that decided the newest event, ms."""
        return self.last[1].append_ts_ms if self.last else -1

    def shown(self, deliveries: list[dict[str, object]], newer: OpenAlarm | None) -> dict[str, Any]:
        """Return the alarm as a page gets it; `newer` is what a later word says of its state."""
        assert self.last is not None
        last = self.last[1]
        measured = self.measured[1] if self.measured else last
        asked = self.asked[1] if self.asked else None
        return {
            "episode": last.episode,
            "alert": last.id,
            "rule": last.rule,
            "event": last.event,
            "priority": newer.priority if newer else last.priority,
            "type": last.type,
            "state": newer.state if newer else state_of(last),
            "inactivation": last.inactivation,
            "onset_ts_ms": last.onset_ts_ms,
            "value": measured.evidence.value,
            "bound": measured.evidence.bound if measured.evidence.value is None else None,
            "low": measured.evidence.low,
            "high": measured.evidence.high,
            "unit": measured.source.unit,
            "signal": last.source.name if last.source.kind in ("signal", "trend") else None,
            "reason": last.reason,
            "asked": {"to": asked.to, "status": asked.status, "step": asked.step} if asked else None,
            "acknowledged_by": self.acknowledged[1] if self.acknowledged else None,
            "deliveries": deliveries,
        }


def untold(alarm: OpenAlarm, deliveries: list[dict[str, object]]) -> dict[str, Any]:
    """Return an alarm of which only the patient's own record is known: its events are older than what was read."""
    return {
        "episode": alarm.episode,
        "alert": None,
        "rule": alarm.rule,
        "event": None,
        "priority": alarm.priority,
        "type": None,
        "state": alarm.state,
        "inactivation": None,
        "onset_ts_ms": alarm.onset_ts_ms,
        **dict.fromkeys(("value", "bound", "low", "high", "unit", "signal")),
        "reason": "",
        "asked": None,
        "acknowledged_by": None,
        "deliveries": deliveries,
    }


def severity(alarm: dict[str, Any]) -> str:
    """Return how severe an alarm is shown; of unknown type it counts as the patient's own."""
    return "technical" if alarm["type"] == "technical" else str(alarm["priority"])
