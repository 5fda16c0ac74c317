"""What two rule sets told of the same log, side by side: pure, episodes in and differences out.

Alarms are compared by patient and rule. Episodes of one patient and rule that have a moment in common, directly or
through others, are one condition that both told of; where one set has an episode and the other none at that time, only
one told of it. Times are those of the deciding samples, ms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from streams.contracts.alert import Alert

Outcome = Literal["only-new", "only-present", "later", "earlier", "lower", "higher", "more", "fewer", "same"]

OUTCOMES: Final[tuple[Outcome, ...]] = Outcome.__args__  # type: ignore[attr-defined]
"""In the order of how much they matter to whoever decides; of a condition the first that is true counts."""

RANK: Final = {"low": 0, "medium": 1, "high": 2}
CLOSING: Final = frozenset({"end", "reset"})


@dataclass(frozen=True, slots=True)
class Told:
    """One episode as far as it was told within the stretch that is compared; `end_ms` is its end there if still open.

    `began` tells whether it started within the stretch, and `start` is then the alert that began it.
    """

    patient: str
    rule: str
    signal: str
    onset_ms: int
    start_ms: int
    end_ms: int
    priority: str
    began: bool
    start: Alert


@dataclass(frozen=True, slots=True)
class Condition:
    """Episodes of one patient and rule that belong together, of the rules in force and of the new ones."""

    patient: str
    rule: str
    present: tuple[Told, ...]
    new: tuple[Told, ...]

    @property
    def outcome(self) -> Outcome:
        """What matters most of how the two differ."""
        if not self.present or not self.new:
            return "only-new" if self.new else "only-present"
        start = min(one.start_ms for one in self.new) - min(one.start_ms for one in self.present)
        rank = _highest(self.new) - _highest(self.present)
        count = len(self.new) - len(self.present)
        if start:
            return "later" if start > 0 else "earlier"
        if rank:
            return "higher" if rank > 0 else "lower"
        return "same" if not count else "more" if count > 0 else "fewer"

    @property
    def start_ms(self) -> int:
        """When either set first told of it."""
        return min(one.start_ms for one in (*self.present, *self.new))

    @property
    def shift_s(self) -> float:
        """How much later the new set told of it, s; 0 where only one did."""
        if not self.present or not self.new:
            return 0.0
        return (min(one.start_ms for one in self.new) - min(one.start_ms for one in self.present)) / 1000

    @property
    def began(self) -> bool:
        """Whether all of it began within the stretch: else one set may have told of it before."""
        return all(one.began for one in (*self.present, *self.new))


@dataclass(frozen=True, slots=True)
class Difference:
    """A condition that the two sets told differently of.

    `instead` are rules of the same signal by which the other set told of that patient at that time, where only one set
    told of the condition.
    """

    condition: Condition
    outcome: Outcome
    instead: tuple[str, ...]


def episodes(alerts: Iterable[Alert], until_ms: Mapping[str, int]) -> list[Told]:
    """Gather alerts, in the order of each partition, into episodes; repeated ones count once.

    Args:
        alerts: of one rule set.
        until_ms: up to when each patient's log is compared.
    """
    grouped: dict[str, dict[str, Alert]] = defaultdict(dict)
    for alert in alerts:
        grouped[alert.episode].setdefault(alert.id, alert)
    return [_episode(list(events.values()), until_ms) for events in grouped.values()]


def _episode(events: Sequence[Alert], until_ms: Mapping[str, int]) -> Told:
    first, last = events[0], events[-1]
    began = first.phase == "start"
    is_over = last.phase in CLOSING
    start_ms = first.event_ts_ms if began else first.onset_ts_ms
    end_ms = last.event_ts_ms if is_over else max(last.event_ts_ms, until_ms.get(first.patient, 0))
    return Told(
        patient=first.patient,
        rule=first.rule,
        signal=first.source.name if first.source.kind in ("signal", "trend") else "",
        onset_ms=first.onset_ts_ms,
        start_ms=start_ms,
        end_ms=max(start_ms, end_ms),
        priority=max((event.priority for event in events), key=RANK.__getitem__),
        began=began,
        start=first,
    )


def conditions(present: Iterable[Told], new: Iterable[Told]) -> list[Condition]:
    """Join episodes of the same patient and rule that have a moment in common; in the order of their starts."""
    by_rule: dict[tuple[str, str], list[tuple[Told, bool]]] = defaultdict(list)
    for told, is_new in ((present, False), (new, True)):
        for one in told:
            by_rule[one.patient, one.rule].append((one, is_new))
    found = [
        Condition(
            *key,
            tuple(one for one, is_new in group if not is_new),
            tuple(one for one, is_new in group if is_new),
        )
        for key, told in by_rule.items()
        for group in _joined(told)
    ]
    return sorted(found, key=lambda one: (one.start_ms, one.patient, one.rule))


def _joined(told: Sequence[tuple[Told, bool]]) -> list[list[tuple[Told, bool]]]:
    """Cut episodes into stretches of time that one or the other covers without a gap."""
    groups: list[list[tuple[Told, bool]]] = []
    reach_ms = 0
    for one in sorted(told, key=lambda each: (each[0].start_ms, each[0].end_ms, each[1])):
        if not groups or one[0].start_ms > reach_ms:
            groups.append([])
            reach_ms = one[0].end_ms
        groups[-1].append(one)
        reach_ms = max(reach_ms, one[0].end_ms)
    return groups


def differences(found: Sequence[Condition]) -> list[Difference]:
    """Return what the two sets told differently, of what began within the stretch."""
    by_signal: dict[tuple[str, str], list[Condition]] = defaultdict(list)
    for one in found:
        if signal := _signal(one):
            by_signal[one.patient, signal].append(one)
    return [
        Difference(one, one.outcome, _instead(one, by_signal.get((one.patient, _signal(one)), [])))
        for one in found
        if one.began and one.outcome != "same"
    ]


def _instead(one: Condition, others: Sequence[Condition]) -> tuple[str, ...]:
    if one.outcome not in ("only-new", "only-present"):
        return ()
    end_ms = max(told.end_ms for told in (*one.present, *one.new))
    return tuple(
        sorted(
            {
                told.rule
                for other in others
                for told in (other.present if one.new else other.new)
                if told.start_ms <= end_ms and one.start_ms <= told.end_ms
            }
        )
    )


def _signal(one: Condition) -> str:
    return (*one.present, *one.new)[0].signal


def _highest(told: Iterable[Told]) -> int:
    return max(RANK[one.priority] for one in told)


def counted(found: Iterable[Condition], ward_of: Mapping[str, str]) -> dict[tuple[str, str], dict[str, int]]:
    """Return how many conditions of each outcome there were by (ward, rule), of what began within the stretch."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for one in found:
        if one.began:
            line = counts.setdefault(
                (ward_of.get(one.patient, ""), one.rule), dict.fromkeys((*OUTCOMES, "present", "new"), 0)
            )
            line[one.outcome] += 1
            line["present"] += len(one.present)
            line["new"] += len(one.new)
    return dict(sorted(counts.items()))
