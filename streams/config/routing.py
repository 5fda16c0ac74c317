"""Who is told of which alerts over which channels, and who next when nobody answers: the routing in force.

`streams.config.routing_file` reads it from a file; without one nothing leaves the house, and only boards show what is
told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from streams.contracts.alert import AlertType, Priority

ChannelKind = Literal[
    "board", "alertmanager", "pagerduty", "webhook", "web-push", "email", "pcd-04", "fhir-subscription"
]
CHANNEL_KINDS: Final[tuple[ChannelKind, ...]] = ChannelKind.__args__  # type: ignore[attr-defined]

BOARD: Final = "board"
"""Name and kind of the channel that needs no sender: boards show every alert and say that they did."""

WAIT_S_DEFAULT: Final = 60.0
"""How long a step has for an answer [M]: as long as the rules' first steps of responsibility (`clinical.rules`)."""

TAKEN_S_DEFAULT: Final = 30.0
"""How long a step has until a channel has taken one of its messages [M]: a minute is left to try another way before
`FAILED_S`."""

FAILED_S: Final = 100.0
"""After so long without anybody reached a technical alert tells of it: promised within 120 s [M]."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to people; what its options mean, its kind knows (`edge.channels`)."""

    name: str
    kind: ChannelKind
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who can be told: whoever is assigned to the bed or ward in a role, or, without one, the receiver itself."""

    name: str
    channels: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class RouteStep:
    """Receivers who are told together, and how long they have before the next step is."""

    to: tuple[str, ...]
    wait_s: float = WAIT_S_DEFAULT
    """For somebody to answer: acknowledge, accept, or reject."""
    taken_s: float = TAKEN_S_DEFAULT
    """For a channel to have taken a message of this step; if none has, nobody was asked, and the next step comes."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go which way; an empty matcher takes all. Names may hold * and ?."""

    name: str
    steps: tuple[RouteStep, ...]
    ward: tuple[str, ...] = ()
    priority: tuple[Priority, ...] = ()
    rule: tuple[str, ...] = ()
    type: tuple[AlertType, ...] = ()
    days: tuple[str, ...] = ()
    begins: time | None = None
    """Local time of day from which on it is used; None = all day."""
    ends: time | None = None
    fallback: str = ""
    """Receiver who is told when a step names a role that nobody is assigned to."""
    also: bool = False
    """Whether routes behind this one are asked too."""

    def takes(self, ward: str, priority: Priority, rule: str, kind: AlertType, local: datetime) -> bool:
        """Tell whether an alert at a local time goes this way."""
        return (
            _one_of(self.ward, ward)
            and (not self.priority or priority in self.priority)
            and _one_of(self.rule, rule)
            and (not self.type or kind in self.type)
            and self._is_in_use(local)
        )

    def _is_in_use(self, local: datetime) -> bool:
        if self.days and DAYS[local.weekday()] not in self.days:
            return False
        if self.begins is None or self.ends is None:
            return True
        now = local.time()
        if self.begins <= self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


@dataclass(frozen=True, slots=True)
class Routing:
    """All of it: channels and receivers by name, routes in their order."""

    channels: Mapping[str, Channel]
    receivers: Mapping[str, Receiver]
    routes: tuple[Route, ...]
    zone: str = "UTC"

    def matching(
        self, ward: str, priority: Priority, rule: str, kind: AlertType, at_ts_ms: int
    ) -> Iterator[Route]:
        """Yield the routes that an alert takes at a moment (ms): the first that fits, and more where it says so."""
        local = datetime.fromtimestamp(at_ts_ms / 1000, ZoneInfo(self.zone))
        for route in self.routes:
            if route.takes(ward, priority, rule, kind, local):
                yield route
                if not route.also:
                    return

    def of_role(self, role: str) -> Iterator[Receiver]:
        """Yield the receivers that are told when the rules ask a role."""
        return (receiver for receiver in self.receivers.values() if receiver.role == role)

    def route(self, name: str) -> Route | None:
        """Return a route by its name."""
        return next((route for route in self.routes if route.name == name), None)


def _one_of(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)


DEFAULT_ROUTING: Final = Routing(
    channels={BOARD: Channel(BOARD, "board")},
    receivers={BOARD: Receiver(BOARD, (BOARD,))},
    routes=(Route("everything", (RouteStep((BOARD,), taken_s=FAILED_S),)),),
)
"""Without a file: boards are all that tells anybody."""
