"""Episodes of alarms from their alerts, whatever order they come in: begun, acknowledged, over. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from edge.ward_state import CANARY
from streams.contracts.alert import Alert

EPISODES_MAX: Final = 2_000_000
"""More in one report would take more memory than a workstation has to give; ask for a shorter time."""

RANK: Final = {"low": 0, "medium": 1, "high": 2}
CLOSING: Final = ("end", "reset")

_withheld = re.compile(r"alarms withheld: (\d+)").search
"""As a pause's reminders say it, see `agents.judging.pauses`; a test holds the two together."""


@dataclass(slots=True)
class Episode:
    """One run of one alarm, as far as its alerts were read. Times are the broker's, ms; None = not in what was read."""

    id: str
    patient: str
    rule: str
    type: str
    priority: str
    onset_ms: int
    started_ms: int | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str = ""
    ended_ms: int | None = None
    last_ms: int = 0
    inactivation: str = "enabled"
    began_silent: bool = False
    withheld_max: int = 0
    reason: str = ""
    _last_number: int = field(default=-1, repr=False)

    @property
    def severity(self) -> str:
        """The highest priority that it had; `technical` where it is about data."""
        return "technical" if self.type == "technical" else self.priority

    @property
    def answered_s(self) -> float | None:
        """From the start to the first acknowledgement, s; None where either is missing."""
        if self.started_ms is None or self.acknowledged_ms is None:
            return None
        return max(0.0, (self.acknowledged_ms - self.started_ms) / 1000)

    def lasted_s(self, until_ms: int) -> float:
        """From the onset to the end, s; of one that is not over to `until_ms`."""
        end = until_ms if self.ended_ms is None else self.ended_ms
        return max(0.0, (end - self.onset_ms) / 1000)

    def take(self, alert: Alert) -> None:
        """Take one event; one that was delivered before changes nothing."""
        number = int(alert.id.rpartition("-")[2]) if alert.id.rpartition("-")[2].isdigit() else 0
        at = alert.append_ts_ms
        if RANK[alert.priority] > RANK[self.priority]:
            self.priority = alert.priority
        if alert.phase == "start" and (self.started_ms is None or at < self.started_ms):
            self.started_ms, self.began_silent = at, alert.inactivation.startswith("audio")
        if alert.acknowledged_by is not None and (self.acknowledged_ms is None or at < self.acknowledged_ms):
            self.acknowledged_ms, self.acknowledged_by = at, alert.acknowledged_by
        if alert.phase in CLOSING:
            self.ended_ms = at
        if (found := _withheld(alert.reason)) is not None:
            self.withheld_max = max(self.withheld_max, int(found[1]))
        if number > self._last_number:
            self._last_number, self.inactivation, self.reason = number, alert.inactivation, alert.reason
        self.last_ms = max(self.last_ms, at)


def episodes_of(alerts: Iterable[Alert]) -> Iterator[Episode]:
    """Return the episodes of alerts, but for canaries', by onset, patient and rule.

    Raises:
        OverflowError: there are more than `EPISODES_MAX`.
    """
    found: dict[str, Episode] = {}
    for alert in alerts:
        if alert.rule == CANARY:
            continue
        episode = found.get(alert.episode)
        if episode is None:
            if len(found) >= EPISODES_MAX:
                raise OverflowError(EPISODES_MAX)
            episode = found[alert.episode] = Episode(
                alert.episode, alert.patient, alert.rule, alert.type, alert.priority, alert.onset_ts_ms
            )
        episode.take(alert)
    return iter(sorted(found.values(), key=lambda one: (one.onset_ms, one.patient, one.rule, one.id)))
