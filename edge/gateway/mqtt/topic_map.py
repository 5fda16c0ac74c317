"""Which client a topic of MQTT is of, and which device stands in it: a device sends only for itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.gateway.accept import Reading, Refusal, Sender

DEVICE_LEVEL: Final = "{device}"
USUAL_PATTERN: Final = "vitals/{device}/frames"
"""Where there is no clients file."""

PATTERN_CHARACTERS_MAX: Final = 255
PATTERNS_MAX: Final = 64
"""Of one client."""

TOPICS_KNOWN_MAX: Final = 200_000
"""Topics whose route is kept in mind, of those that are no longer than a pattern."""

UNKNOWN_TOPIC: Final = Refusal("unknown-topic", "no client has this topic, or two have")


ReadMessage = Callable[[bytes, str], tuple[list[Reading | Refusal], list[str]]]
"""Reads a message of another form than the contract's, given the topic's device: its readings or why there are none,
and why something was left out of it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who sends what comes on a topic; `device` stands in the topic, empty where the pattern has none.

    `read` reads its messages, none = they are frames of the contract.
    """

    sender: Sender
    device: str
    read: ReadMessage | None = None


class MqttEntry(BaseModel):
    """What the clients file says of a client that sends over MQTT: the patterns of its topics.

    A pattern is a filter of MQTT, in which one level may be `{device}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=PATTERN_CHARACTERS_MAX)], ...],
        Field(max_length=PATTERNS_MAX),
    ] = ()

    @field_validator("topics")
    @classmethod
    def _well_formed(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in topics:
            levels = pattern.split("/")
            plain = [level for level in levels if level not in (DEVICE_LEVEL, "+", "#")]
            if any(sign in level for level in plain for sign in "+#{}\0") or "#" in levels[:-1]:
                raise ValueError("a level is text, + or {device}, the last one may be #")
            if levels.count(DEVICE_LEVEL) > 1 or levels[0].startswith("$"):
                raise ValueError("{device} stands in it once at most, and it does not begin with $")
        return topics


class TopicMap:
    """All patterns of all clients.

    Args:
        entries: each pattern with whose it is.
        others: those of messages of another form, with what reads them.
    """

    def __init__(
        self, entries: Sequence[tuple[str, Sender]], others: Sequence[tuple[str, Sender, ReadMessage]] = ()
    ) -> None:
        claims = [*((*entry, None) for entry in entries), *others]
        self._exact: dict[
            str, list[Route]
        ] = {}  # each device may have a topic of its own: ten thousand of them
        self._patterns: list[tuple[list[str], Sender, ReadMessage | None]] = []
        for pattern, sender, read in claims:
            levels = pattern.split("/")
            if {DEVICE_LEVEL, "+", "#"}.isdisjoint(levels):
                self._exact.setdefault(pattern, []).append(Route(sender, "", read))
            else:
                self._patterns.append((levels, sender, read))
        self._known: dict[str, Route | Refusal] = {}
        self.filters = tuple(dict.fromkeys(pattern.replace(DEVICE_LEVEL, "+") for pattern, *_ in claims))
        """What to subscribe to."""

    def route(self, topic: str) -> Route | Refusal:
        """Return whose a topic is; what two clients claim is neither's."""
        found = self._known.get(topic)
        if found is None:
            found = self._find(topic)
            if len(topic) > PATTERN_CHARACTERS_MAX:
                return found
            if len(self._known) >= TOPICS_KNOWN_MAX:
                self._known.clear()
            self._known[topic] = found
        return found

    def _find(self, topic: str) -> Route | Refusal:
        levels = topic.split("/")
        found = self._exact.get(topic, []) + [
            Route(sender, device, read)
            for pattern, sender, read in self._patterns
            if (device := _device_in(levels, pattern)) is not None
        ]
        if not found or any((one.sender, one.read) != (found[0].sender, found[0].read) for one in found):
            return UNKNOWN_TOPIC
        # Of two patterns of one client, the one that says more.
        return next((route for route in found if route.device), found[0])


def _device_in(levels: list[str], pattern: list[str]) -> str | None:
    """Return the device that a topic names, empty where the pattern has none, None where they do not match."""
    if pattern[-1] == "#":
        pattern = pattern[:-1]
        if len(levels) < len(pattern):
            return None
    elif len(levels) != len(pattern):
        return None
    device = ""
    for level, wanted in zip(levels, pattern, strict=False):
        if wanted == DEVICE_LEVEL:
            if not level:
                return None
            device = level
        elif wanted not in ("+", level):
            return None
    return device
