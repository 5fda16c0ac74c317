"""The canary: a patient in each partition who crosses a limit every ten seconds.

So the way of an alert is measured all the time, not only when somebody is ill. Its frames and alerts are like any
others; boards leave out alerts of the rule `canary`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from clinical.rules import RULES_MAX, LimitRule, RuleSet
from streams.contracts.partition_names import canary_name
from streams.kafka.publisher import Publisher
from tables.partition import Partition

CANARY: Final = "canary"
CANARY_RULE: Final = LimitRule(
    CANARY,
    "fio2",
    low=18.5,
    priority="low",
    source="ours: below the 21 % of room air and any breathing gas in use, so that no patient crosses it",
)
BEYOND: Final = b"18"
INSIDE: Final = b"21"
"""Inspired oxygen fractions, %, beyond the canary's limit and inside it."""

EVERY_S: Final = 10
JITTER_S: Final = 0.5
"""Of the timer that calls once a second."""

INTERVAL_MS: Final = 86_400_000
"""Announced, so that a partition that changes its owner raises no alarm about a silent canary."""


def with_canary(rules: RuleSet) -> RuleSet:
    """Return the rules and the canary's, unless they have one of that name or room for no other."""
    if len(rules.limits) >= RULES_MAX or any(rule.id == CANARY for rule in rules.limits):
        return rules
    return replace(rules, limits=(*rules.limits, CANARY_RULE))


@dataclass(slots=True)
class Crossing:
    """The canary of one partition."""

    crossed_s: float | None = None
    """When it crossed its limit last."""
    is_beyond: bool = False


@dataclass(slots=True)
class Canary:
    """Writes canaries' frames to the partitions that `owned` returns: this worker's, none while they change."""

    publisher: Publisher
    topic: str
    owned: Callable[[], Iterable[Partition]]
    wall_s: Callable[[], float]
    _boot: int = field(init=False)
    _seq: int = 0

    def __post_init__(self) -> None:
        self._boot = int(self.wall_s() * 1000)

    async def probe(self) -> None:
        """Called once a second: let each canary cross its limit every ten, in turns, and come back the next time."""
        now_s = self.wall_s()
        for partition in self.owned():
            number, crossing = partition.number, partition.of(Crossing)
            if crossing.crossed_s is None:
                crossing.crossed_s = now_s - number % EVERY_S
            if crossing.is_beyond:
                crossing.is_beyond = False
                await self._send(number, now_s, INSIDE)
            elif now_s - crossing.crossed_s > EVERY_S - JITTER_S:
                crossing.crossed_s, crossing.is_beyond = now_s, True
                await self._send(number, now_s, BEYOND)

    async def _send(self, partition: int, now_s: float, fio2: bytes) -> None:
        patient = canary_name(partition).encode()
        self._seq += 1
        frame = (
            b'{"patient":"%s","device":"%s","boot":%d,"seq":%d,"event_ts_ms":%d,"interval_ms":%d,"fio2":%s}'
            % (
                patient,
                patient,
                self._boot,
                self._seq,
                int(now_s * 1000),
                INTERVAL_MS,
                fio2,
            )
        )
        await self.publisher.publish(self.topic, patient, frame, partition=partition)
