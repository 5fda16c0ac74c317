"""The ward as its alerts tell it: which alarms are open, which bed is how ill, what began and ended. Pure."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final, Literal

from streams.contracts.alert import Alert

SEVERITIES: Final = ("high", "medium", "low", "technical")
"""Most severe first; an alarm about data is `technical` whatever its priority: no patient is the cause."""

QUIET: Final = "none"
CANARY: Final = "canary"
"""Rule by which workers measure themselves on patients who are none."""

ENDED_KEPT_MAX: Final = 10_000
"""Episodes remembered after their end, so that an event that is delivered again does not open them again."""


def severity_of(alert: Alert) -> str:
    """Return the alarm's severity, one of `SEVERITIES`."""
    return "technical" if alert.type == "technical" else alert.priority


def state_of(alert: Alert) -> Literal["active", "acknowledged", "latched"]:
    """Return the state of an open alarm: whether it lasts, and whether somebody knows of it."""
    if alert.state == "latched":
        return "latched"
    return "acknowledged" if alert.inactivation.endswith("alert-acknowledged") else "active"


class Ward:
    """Open alarms by episode, for a ward of `beds` beds (more if more patients than that alarm)."""

    def __init__(self, beds: int = 0) -> None:
        self._beds = beds
        self._open: dict[str, Alert] = {}
        self._ended_episodes: OrderedDict[str, None] = OrderedDict()
        self._started: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    @property
    def started(self) -> Mapping[str, int]:
        """Alarms that started, by their severity at the start."""
        return {severity: self._started[severity] for severity in SEVERITIES}

    @property
    def ended(self) -> Mapping[str, int]:
        """Alarms that ended, by their severity at the end."""
        return {severity: self._ended[severity] for severity in SEVERITIES}

    @property
    def open_alarms(self) -> list[Alert]:
        """The latest event of every open alarm, most severe first, then the longest open."""
        return sorted(
            self._open.values(),
            key=lambda alert: (SEVERITIES.index(severity_of(alert)), alert.onset_ts_ms, alert.id),
        )

    @property
    def beds(self) -> Mapping[str, int]:
        """Beds by the severity of their most severe open alarm; `none` = without any."""
        worst: dict[str, int] = {}
        for alert in self._open.values():
            rank = SEVERITIES.index(severity_of(alert))
            worst[alert.patient] = min(rank, worst.get(alert.patient, rank))
        counts = Counter(worst.values())
        by_severity = {severity: counts[rank] for rank, severity in enumerate(SEVERITIES)}
        return {**by_severity, QUIET: max(0, self._beds - len(worst))}

    def apply(self, alert: Alert) -> None:
        """Take one event, in the order of the log; one that was delivered before, or a canary's, changes nothing."""
        if alert.episode in self._ended_episodes or alert.rule == CANARY:
            return
        known = self._open.get(alert.episode)
        if alert.phase in ("end", "reset"):
            self._open.pop(alert.episode, None)
            self._ended[severity_of(alert)] += 1
            self._ended_episodes[alert.episode] = None
            if len(self._ended_episodes) > ENDED_KEPT_MAX:
                self._ended_episodes.popitem(last=False)
        elif known is None:
            self._open[alert.episode] = alert
            # Whoever starts to look later meets alarms in the middle: open, but not started in our time.
            if alert.phase == "start":
                self._started[severity_of(alert)] += 1
        elif alert.event_ts_ms >= known.event_ts_ms and alert.phase != "start":
            self._open[alert.episode] = alert
