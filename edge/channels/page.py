"""What a channel is given and what it answers: the one protocol of every channel.

An answer of a provider is not a page: `Sent` says only that it took the message, unless it says more by itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Protocol

from streams.contracts.alert import Alert
from streams.contracts.deliveries import Milestone

Event = Literal["start", "update", "acknowledge", "end"]
"""What a message is about: the alarm itself, its new priority, that somebody has acknowledged it, its end."""

ENDED: Final = frozenset({"end", "reset"})
CHANGED: Final = frozenset({"escalate", "deescalate"})


def event_of(alert: Alert) -> Event | None:
    """Return what an alert's event is for a channel that follows the alarm; None: nothing that it tells."""
    if alert.phase in ENDED:
        return "end"
    if alert.acknowledged_by is not None:
        return "acknowledge"
    if alert.phase in CHANGED:
        return "update"
    return "start" if alert.phase == "start" else None


@dataclass(frozen=True, slots=True)
class Page:
    """One message: the same `id` with every try, after a restart too.

    Attributes:
        id: names the message; for what opens a delivery it is the delivery's id.
        event: what it is about.
        alert: the alert that it tells: its texts, times and PCD-04 facets.
        ward: ward of the patient when the delivery was queued.
        recipient: opaque id of who is told.
        step: of the escalation, from 1.
        until_ts_ms: after this it is of no use, ms.
    """

    id: str
    event: Event
    alert: Alert
    ward: str
    recipient: str
    step: int
    until_ts_ms: int

    @property
    def is_over(self) -> bool:
        """Whether the alarm has ended."""
        return self.event == "end"


class Why(StrEnum):
    """Why a try did not succeed: by it a failed try is told apart, in metrics and for the breaker."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    SERVER = "server-error"
    DENIED = "denied"
    GONE = "gone"
    REFUSED = "refused"
    INTERNAL = "internal"


CHANNEL_FAULTS: Final = frozenset(Why) - {Why.GONE}
"""These speak of the channel, and open its breaker when they come one after another. `gone` is of one recipient."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it; `reference` is its own id, `further` what it says of people by itself."""

    reference: str = ""
    further: Milestone | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: try again, at the earliest after `after_s` where the provider named a time."""

    why: Why
    said: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: this message would be refused again."""

    why: Why
    said: str


Outcome = Sent | Retry | Refused


class Channel(Protocol):
    """A way to people. Made once, used by many tasks at once.

    Attributes:
        follows: events that are sent beyond the start, of an alarm that was told over this channel.
        renew_s: how often an open alarm is told anew, s; 0 = never.
    """

    follows: frozenset[Event]
    renew_s: float

    async def start(self) -> None:
        """Open what has to be open before the first message.

        Raises:
            UsageError: an address cannot be had.
        """
        ...

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Send a message; ends within `deadline_s` seconds, and raises nothing that the network can cause."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """What a provider says later of a message: it names it by the message's id."""

    page_id: str
    milestone: Milestone
    reason: str = ""
