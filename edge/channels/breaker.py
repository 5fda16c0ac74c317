"""The breaker of a channel: one that fails is left alone, probed, and told of. Pure; a transition table.

Closed: everything is sent. Open: nothing is. Half-open: one message is, and what becomes of it decides.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

State = Literal["closed", "open", "half-open"]
Happening = Literal["success", "failure", "limit", "cooled"]

STATES: Final[tuple[State, ...]] = ("closed", "open", "half-open")
HAPPENINGS: Final[tuple[Happening, ...]] = ("success", "failure", "limit", "cooled")

TABLE: Final[dict[tuple[State, Happening], State]] = {
    ("closed", "success"): "closed",
    ("closed", "failure"): "closed",
    ("closed", "limit"): "open",
    ("closed", "cooled"): "closed",
    ("open", "success"): "closed",  # a message that was under way when it opened
    ("open", "failure"): "open",
    ("open", "limit"): "open",
    ("open", "cooled"): "half-open",
    ("half-open", "success"): "closed",
    ("half-open", "failure"): "open",
    ("half-open", "limit"): "open",
    ("half-open", "cooled"): "half-open",
}
"""`limit` is the failure by which enough have come one after another, or have lasted for long enough."""


@dataclass(frozen=True, slots=True)
class BreakerBounds:
    """When it opens and how long it stays open, s.

    [M] With tries of 5 s, five failures one after another take 33 s at most, and a channel without a success since its
    first failure `failing_s` ago is open by then too: an alarm is due within 120 s.
    """

    failures_max: int = 5
    failing_s: float = 30.0
    open_s: float = 5.0
    open_s_max: float = 30.0


@dataclass(slots=True)
class Breaker:
    """State of one channel. Every time is the caller's monotonic clock, s."""

    bounds: BreakerBounds = field(default_factory=BreakerBounds)
    state: State = "closed"
    failures: int = 0
    failing_since_s: float | None = None
    _opened_s: float = 0.0
    _wait_s: float = 0.0
    _probing: bool = False

    def may_send(self, now_s: float) -> bool:
        """Tell whether a message may be sent now; a half-open breaker says so once, until it has heard what came."""
        if self.state == "open" and now_s - self._opened_s >= self._wait_s:
            self._go("cooled", now_s)
        if self.state == "half-open" and not self._probing:
            self._probing = True
            return True
        return self.state == "closed"

    def due_s(self, now_s: float) -> float:
        """Return after how many seconds it is worth asking again."""
        return max(0.0, self._opened_s + self._wait_s - now_s) if self.state == "open" else 0.0

    def succeeded(self, now_s: float) -> None:
        """Note a success."""
        self.failures, self.failing_since_s = 0, None
        self._go("success", now_s)

    def failed(self, now_s: float) -> None:
        """Note a failure of the channel itself."""
        self.failures += 1
        if self.failing_since_s is None:
            self.failing_since_s = now_s
        long = now_s - self.failing_since_s >= self.bounds.failing_s
        self._go("limit" if self.failures >= self.bounds.failures_max or long else "failure", now_s)

    def unproven(self) -> None:
        """Note that a message said nothing of the channel: a probe is free again."""
        self._probing = False

    def _go(self, happening: Happening, now_s: float) -> None:
        before, self.state = self.state, TABLE[self.state, happening]
        if happening != "cooled":
            self._probing = False
        if self.state == "open" and before != "open":
            self._opened_s = now_s
            again = before == "half-open"
            self._wait_s = min(self._wait_s * 2, self.bounds.open_s_max) if again else self.bounds.open_s
