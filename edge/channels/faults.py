"""What the sender tells of its channels themselves: technical alerts `channel-failed` and `recipient-gone`.

Each is told once and ended once; one that a sender before this one has left open is ended by the first success.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.channels.breaker import Breaker
from streams.contracts.alert import CHANNEL, Alert, Priority, system_alert

CHANNEL_FAILED: Final = "channel-failed"
RECIPIENT_GONE: Final = "recipient-gone"
GONE_MAX: Final = 1_000
"""Recipients of which that stands; more are not told."""

_PRIORITY: Final[dict[str, Priority]] = {CHANNEL_FAILED: "high", RECIPIENT_GONE: "medium"}


def fault_alert(
    rule: str, channel: str, recipient: str, onset_ms: int, now_ms: int, why: str | None
) -> Alert:
    """Return the alert that a channel or a recipient fails, or with no `why` that this is over; times in ms."""
    what = f"channel {channel}" if not recipient else f"recipient {recipient} over channel {channel}"
    lasting = f"{what} reaches nobody: {why}" if not recipient else f"{what}: {why}"
    return system_alert(
        f"{CHANNEL}{channel}",
        rule,
        source="channel",
        priority=_PRIORITY[rule],
        onset_ms=onset_ms,
        now_ms=now_ms,
        append_ms=now_ms,
        is_over=why is None,
        reason=f"{what} works again" if why is None else lasting,
        named=f"{rule} {recipient}" if recipient else "",
    )


@dataclass(slots=True)
class Faults:
    """Told how channels are; `put` takes an alert to be written."""

    put: Callable[[Alert], None]
    _failed: dict[str, int] = field(default_factory=dict)
    _gone: dict[tuple[str, str], int] = field(default_factory=dict)
    _left: dict[str, dict[str, Alert]] = field(default_factory=dict)
    """By channel: alerts that another sender left open, by their episode."""

    def look(self, name: str, breaker: Breaker, fault: str, now_s: float, now_ms: int) -> None:
        """Tell what has changed of a channel."""
        if breaker.state == "open" and name not in self._failed:
            since_s = breaker.failing_since_s if breaker.failing_since_s is not None else now_s
            self._failed[name] = now_ms - round((now_s - since_s) * 1000)
            self.put(fault_alert(CHANNEL_FAILED, name, "", self._failed[name], now_ms, fault))
        elif breaker.state == "closed" and name in self._failed:
            self.put(fault_alert(CHANNEL_FAILED, name, "", self._failed.pop(name), now_ms, None))

    def worked(self, name: str, now_ms: int) -> None:
        """Note a success of a channel: what others left open of it is over."""
        for alert in self._left.pop(name, {}).values():
            self.put(_end_of(alert, now_ms))

    def recipient(self, name: str, recipient: str, why: str | None, now_ms: int) -> None:
        """Note that a recipient cannot be reached over a channel, or with no `why` that it was."""
        key = (name, recipient)
        if why is not None and key not in self._gone and len(self._gone) < GONE_MAX:
            self._gone[key] = now_ms
            self.put(fault_alert(RECIPIENT_GONE, name, recipient, now_ms, now_ms, why))
        elif why is None and key in self._gone:
            self.put(fault_alert(RECIPIENT_GONE, name, recipient, self._gone.pop(key), now_ms, None))

    def found(self, alert: Alert, channels: Mapping[str, object], now_ms: int) -> None:
        """Take an alert of this kind that was in the log before this process began."""
        name = alert.patient.removeprefix(CHANNEL)
        if alert.phase == "end":
            self._left.get(name, {}).pop(alert.episode, None)
        elif name in channels:
            self._left.setdefault(name, {})[alert.episode] = alert
        else:
            self.put(_end_of(alert, now_ms))  # the channel is in use no more


def is_fault(alert: Alert) -> bool:
    """Tell whether an alert is one of these."""
    return alert.rule in _PRIORITY and alert.patient.startswith(CHANNEL)


def _end_of(alert: Alert, now_ms: int) -> Alert:
    """Return the end of an alert of this kind, with the same episode."""
    return alert.model_copy(
        update={
            "id": f"{alert.episode}-1",
            "phase": "end",
            "state": "inactive",
            "event_ts_ms": now_ms,
            "append_ts_ms": now_ms,
            "reason": f"{alert.patient.removeprefix(CHANNEL)}: in use again, or no more",
        }
    )
