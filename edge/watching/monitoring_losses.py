"""Times of lost monitoring as alerts, each kept until it is written. Pure.

While the brokers are away nothing can be written: what is unwritten waits here, of each partition in order (or of each
channel, `edge.watching.hops`). Beyond `UNWRITTEN_MAX` times of one the newest are joined, so that the oldest start is
never forgotten.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from streams.contracts.alert import Alert, system_alert
from streams.contracts.partition_names import partition_name

MONITORING_LOST: Final = "monitoring-lost"
"""Rule of the alert that a watcher writes: no worker has decided it."""

UNWRITTEN_MAX: Final = 50
"""Times of one partition that wait to be written."""


def monitoring_alert(partition: int, onset_ms: int, now_ms: int, why: str | None) -> Alert:
    """Return the alert that monitoring of all patients of a partition is lost, or with no `why` that it is back.

    Its patient stands for the partition. The onset is when the watcher noticed; both times by its own clock.
    """
    back = f"partition {partition} is monitored again"
    return system_alert(
        partition_name(partition),
        MONITORING_LOST,
        source="monitoring",
        priority="high",
        onset_ms=onset_ms,
        now_ms=now_ms,
        append_ms=now_ms,
        is_over=not why,
        reason=f"no patient of partition {partition} is monitored: {why}" if why else back,
    )


@dataclass(slots=True)
class _Loss:
    """One time of a loss, by the watcher's clock, ms; `back_ms` None while it lasts."""

    onset_ms: int
    why: str
    back_ms: int | None = None
    start_written: bool = False


Lost = int | str
"""A partition by its number, a channel by its name."""

AlertOf = Callable[[Any, int, int, str | None], Alert]
"""Given what is lost, its onset, the time now (ms) and why, None where it is back."""


class Losses:
    """What is lost now, and what of it has still to be written.

    Attributes:
        joined: times that were joined to the one before, because too many were unwritten.
    """

    def __init__(self, alert_of: AlertOf = monitoring_alert) -> None:
        self._alert_of = alert_of
        self._of: dict[Lost, deque[_Loss]] = {}
        self.joined = 0

    @property
    def lost(self) -> set[Lost]:
        """What is lost now."""
        return {number for number, losses in self._of.items() if losses and losses[-1].back_ms is None}

    @property
    def unwritten(self) -> int:
        """Alerts that wait to be written."""
        return sum(
            (not loss.start_written) + (loss.back_ms is not None)
            for losses in self._of.values()
            for loss in losses
        )

    def begin(self, of: Lost, why: str, now_ms: int) -> None:
        """Note that one is lost."""
        losses = self._of.setdefault(of, deque())
        if len(losses) >= UNWRITTEN_MAX:
            losses[-1].back_ms = None
            self.joined += 1
        else:
            losses.append(_Loss(now_ms, why))

    def end(self, of: Lost, now_ms: int) -> None:
        """Note that one that was lost is back."""
        self._of[of][-1].back_ms = now_ms

    def next_alerts(self) -> dict[Lost, Alert]:
        """Return the alert of each that is to be written next; its start goes before its end."""
        found = {}
        for of, losses in self._of.items():
            if not losses:
                continue
            first = losses[0]
            if not first.start_written:
                found[of] = self._alert_of(of, first.onset_ms, first.onset_ms, first.why)
            elif first.back_ms is not None:
                found[of] = self._alert_of(of, first.onset_ms, first.back_ms, None)
        return found

    def written(self, of: Lost, alert: Alert) -> None:
        """Note that an alert of `next_alerts` is in the topic."""
        losses = self._of[of]
        if alert.phase == "start":
            losses[0].start_written = True
        else:
            losses.popleft()
