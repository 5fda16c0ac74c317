"""Alarms as episodes: the alerts of one alarm from its onset to its end, cut at the end of the recording."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.contracts.alert import Alert

RANK: Final = {"low": 0, "medium": 1, "high": 2}
OVER: Final = frozenset({"end", "reset"})
"""Phases after which an alarm is no more."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm. Times in ms of the recording; `ended` is False when it was still open at the recording's end."""

    patient: str
    rule: str
    type: str
    priority: str
    signal: str | None
    onset_ms: int
    start_ms: int
    end_ms: int
    ended: bool
    value: float | None

    @property
    def duration_s(self) -> float:
        """How long the condition lasted, from its onset: the same whatever the delay."""
        return (self.end_ms - self.onset_ms) / 1000

    @property
    def latency_s(self) -> float:
        """How long after its onset the alarm started."""
        return (self.start_ms - self.onset_ms) / 1000

    def overlaps(self, other: "Episode") -> bool:
        """Whether the two have a moment in common."""
        return self.onset_ms <= other.end_ms and other.onset_ms <= self.end_ms


def episodes_of(alerts: Iterable[Alert], span_ms: Mapping[str, int]) -> list[Episode]:
    """Gather alerts, in order of the log, into episodes in the order of their starts.

    Args:
        alerts: of one rule set.
        span_ms: where each patient's recording ends; what starts after that is no alarm of the recording.
    """
    grouped: dict[str, list[Alert]] = {}
    for alert in alerts:
        grouped.setdefault(alert.episode, []).append(alert)
    found = [_episode(events, span_ms[events[0].patient]) for events in grouped.values()]
    return sorted((one for one in found if one), key=lambda one: (one.start_ms, one.patient, one.rule))


def _episode(events: Sequence[Alert], last_ms: int) -> Episode | None:
    first, final = events[0], events[-1]
    if first.event_ts_ms > last_ms:
        return None
    within = [event for event in events if event.event_ts_ms <= last_ms]
    ended = final.phase in OVER and final.event_ts_ms <= last_ms
    return Episode(
        patient=first.patient,
        rule=first.rule,
        type=first.type,
        priority=max((event.priority for event in within), key=RANK.__getitem__),
        signal=first.source.name if first.source.kind == "signal" else None,
        onset_ms=first.onset_ts_ms,
        start_ms=first.event_ts_ms,
        end_ms=final.event_ts_ms if ended else last_ms,
        ended=ended,
        value=first.evidence.value,
    )
