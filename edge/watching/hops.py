"""The way of a canary's alert over each channel, hop by hop: which hop lets nothing through any more. Pure.

Once a minute a canary's alert goes over every channel that wants it (`canary = true`). Each hop leaves its milestone on
`vitals.deliveries`; a receiver that answers back closes the circle. What is not heard is cut, whatever the reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from edge.watching.signs import CANARY_S_MAX
from streams.contracts.alert import CHANNEL, Alert, system_alert
from streams.contracts.deliveries import Milestone

Hop = Literal["queued", "sent", "taken", "returned"]

HOP_S_MAX: Final = 140.0
"""Two canaries and the rest of a minute: one that is late raises no alarm, and a cut is told of within 150 s. [M]"""

CHANNEL_CUT: Final = "channel-cut"
"""Rule of the alert that a watcher writes: a channel lets no canary through."""

_HOP_OF: Final[dict[Milestone, Hop]] = {
    "queued": "queued",
    "sent": "sent",
    "taken": "taken",
    "delivered": "returned",
    "shown": "returned",
    "accepted": "returned",
}
NOT_JUDGED: Final = "no canary's alert is judged"
_MISSING: Final[tuple[tuple[Hop, str], ...]] = (
    ("queued", "no canary is queued: does the sender run, and is the channel in its routing file?"),
    ("sent", "no canary is sent: is the sender stuck, or the channel's breaker open?"),
    ("taken", "the provider takes no canary"),
    ("returned", "the receiver does not say any more that canaries arrive"),
)
"""In the order of the way: the first that is missing is the one that is cut."""


def cut_alert(channel: str, onset_ms: int, now_ms: int, why: str | None) -> Alert:
    """Return the alert that a channel is cut, or with no `why` that it is not any more. Times in ms."""
    return system_alert(
        f"{CHANNEL}{channel}",
        CHANNEL_CUT,
        source="channel",
        priority="high",
        onset_ms=onset_ms,
        now_ms=now_ms,
        append_ms=now_ms,
        is_over=not why,
        reason=f"channel {channel} is cut: {why}"
        if why
        else f"canaries come through channel {channel} again",
    )


@dataclass(slots=True)
class _Way:
    """When each hop was heard last, on the watcher's clock, s."""

    heard_s: dict[Hop, float] = field(default_factory=dict)
    returns: bool = False


class Hops:
    """Told what is heard of canaries; asked which channels are cut. Every time is the caller's clock, s.

    Args:
        channels: those over which canaries have to come; others are known once one has come.
        now_s: from when on they are due.
    """

    def __init__(self, channels: Iterable[str], now_s: float) -> None:
        self._ways: dict[str, _Way] = {}
        self._sung_s = now_s
        for name in channels:
            self._begin(name, now_s)

    @property
    def channels(self) -> tuple[str, ...]:
        """Those that are watched."""
        return tuple(self._ways)

    def sang(self, now_s: float) -> None:
        """Take a canary's alert: it was judged."""
        self._sung_s = now_s

    def reached(self, channel: str, milestone: Milestone, now_s: float) -> None:
        """Take a milestone of a canary's message."""
        if (hop := _HOP_OF.get(milestone)) is None:
            return
        way = self._ways.get(channel) or self._begin(channel, now_s)
        way.heard_s[hop] = now_s
        way.returns |= hop == "returned"

    def cut(self, now_s: float) -> dict[str, str]:
        """Return the channels that let no canary through, and at which hop."""
        return {name: why for name, way in self._ways.items() if (why := self._why(way, now_s))}

    def _begin(self, name: str, now_s: float) -> _Way:
        way = self._ways[name] = _Way({hop: now_s for hop, _ in _MISSING})
        return way

    def _why(self, way: _Way, now_s: float) -> str:
        for hop, why in _MISSING:
            if hop == "returned" and not way.returns:
                continue  # most providers say nothing of that
            if (silent_s := now_s - way.heard_s[hop]) >= HOP_S_MAX:
                # What is not judged cannot be queued: the first hop that is missing is the one.
                unsung_s = now_s - self._sung_s
                return (
                    f"{NOT_JUDGED} ({unsung_s:.0f} s)"
                    if unsung_s >= CANARY_S_MAX
                    else f"{why} ({silent_s:.0f} s)"
                )
        return ""
