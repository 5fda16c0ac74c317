"""What devices sent through gateways and had acknowledged, and what the topic of the readings says to it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

MARKS: Final = (b'"device":"gw-', b'"device":"urn:uuid:')
"""How a frame of these devices is found among all others; an SDC provider is a device by its endpoint reference."""

Identity = tuple[bytes, int, int, tuple[Any, Any]]
"""Key, boot, seq and content."""


def measured(event_ts_ms: int) -> tuple[float, float]:
    """Return heart rate, /min, and SpO2, %, that each device measures at a moment: no alarm's, to be told apart."""
    return 60.0 + event_ts_ms % 37, 94.0 + event_ts_ms % 5


@dataclass(slots=True)
class DeviceLedger:
    """By device, event times (ms) in the order of sending: those sent at all, and those acknowledged.

    A device's frames differ in their event times. `answers` counts what came back, by status or code.
    """

    sent: dict[str, list[int]] = field(default_factory=dict)
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    again: int = 0
    """Frames that were sent another time."""

    def send(self, device: str, event_ts_ms: int) -> None:
        """Note that a frame leaves for the first time."""
        self.sent.setdefault(device, []).append(event_ts_ms)

    def acknowledge(self, device: str, event_ts_ms: int) -> None:
        """Note that a gateway says it is in Kafka."""
        self.acknowledged.setdefault(device, []).append(event_ts_ms)

    def answer(self, kind: str) -> None:
        """Count an answer."""
        self.answers[kind] = self.answers.get(kind, 0) + 1

    @property
    def frames(self) -> tuple[int, int]:
        """How many were sent, and how many acknowledged."""
        return len(_places(self.sent)), len(_places(self.acknowledged))

    def add(self, other: "DeviceLedger") -> None:
        """Add what another ledger has."""
        for mine, others in ((self.sent, other.sent), (self.acknowledged, other.acknowledged)):
            for device, times in others.items():
                mine.setdefault(device, []).extend(times)
        for kind, count in other.answers.items():
            self.answers[kind] = self.answers.get(kind, 0) + count
        self.again += other.again

    def only(self, prefix: str) -> "DeviceLedger":
        """Return the part of the devices whose names begin so."""
        sent, acknowledged = (
            {device: times for device, times in each.items() if device.startswith(prefix)}
            for each in (self.sent, self.acknowledged)
        )
        return DeviceLedger(sent, acknowledged)

    def save(self, path: Path) -> None:
        """Write it to a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "DeviceLedger":
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(slots=True)
class DeviceCounts:
    """Promises as numbers: each must be zero."""

    missing: int = 0
    """Acknowledged, and not in the topic."""
    out_of_order: int = 0
    """First there after a later one of the same device, or with a number that is not higher."""
    changed: int = 0
    """There twice with different identities, or with another content than was sent."""
    invented: int = 0
    """There, and never sent."""


class Reader:
    """Is handed the readings in the topic's order and then compares them with a ledger."""

    def __init__(self) -> None:
        self.records = 0
        self._first: dict[tuple[str, int], Identity] = {}
        self._order: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._changed: set[tuple[str, int]] = set()

    def take(self, _: int, records: Sequence[Any]) -> None:
        """Take the next records of a partition."""
        for record in records:
            if record.value is not None and any(mark in record.value for mark in MARKS):
                self._take(record.key, json.loads(record.value))

    def _take(self, key: bytes, frame: dict[str, Any]) -> None:
        self.records += 1
        device, at_ms = frame["device"], frame["event_ts_ms"]
        values = frame.get("hr"), frame.get("spo2")
        identity = key, frame["boot"], frame["seq"], values
        first = self._first.setdefault((device, at_ms), identity)
        if first is identity:
            self._order[device].append((frame["boot"], frame["seq"], at_ms))
        if first != identity or values != measured(at_ms):
            self._changed.add((device, at_ms))

    def judge(self, ledger: DeviceLedger) -> DeviceCounts:
        """Compare what was taken with what was sent and acknowledged."""
        acknowledged, sent = _places(ledger.acknowledged), _places(ledger.sent)
        return DeviceCounts(
            missing=len(acknowledged - self._first.keys()),
            out_of_order=sum(
                later[:2] <= earlier[:2] or later[2] <= earlier[2]
                for firsts in self._order.values()
                for earlier, later in pairwise(firsts)
            ),
            changed=len(self._changed),
            invented=len(self._first.keys() - sent),
        )

    def there(self, places: dict[str, list[int]]) -> int:
        """Return how many of some devices' frames, by event times (ms), are there."""
        return len(_places(places) & self._first.keys())

    @property
    def repeated(self) -> int:
        """How many records are there another time."""
        return self.records - len(self._first)


def _places(times: dict[str, list[int]]) -> set[tuple[str, int]]:
    return {(device, at_ms) for device, each in times.items() for at_ms in each}
