"""Whether NEWS2's alarms say what the chart says: exact totals and bands, hour by hour. Pure.

The hours come from `edge.evaluation.early_warning`, which shares nothing with the judge.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edge.evaluation.early_warning import HOUR_MS, Hour
from edge.evaluation.rcp_2017 import BANDS
from edge.evaluation.recorded_episodes import OVER
from streams.contracts.alert import Alert

RULE: Final = "news2"
BAND_OF: Final = {None: 0, "low": 1, "medium": 2, "high": 3}
"""The band by the priority of the open alarm, None = none is open: the lowest band raises none."""

WRONG_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Agreement:
    """Scored hours; those that are right in all; of them those whose band is, and at which an alarm told a total.

    `held` are scored hours at which an input was too old: there every total from without it to with its last points
    is right. `wrong` says what was told and what the chart says, the first `WRONG_SHOWN` of them.
    """

    hours: int
    hours_right: int
    bands_right: int
    totals: int
    totals_right: int
    held: int
    wrong: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether all is right."""
        return self.hours_right == self.hours


def agreement(hours: Mapping[str, Sequence[Hour]], alerts: Iterable[Alert]) -> Agreement:
    """Compare each scored hour of each patient with what the alarm last said of it, at the hour's end.

    The last hour of a stay is none: the log ends in it, before a change has been told.
    """
    own: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.rule == RULE:
            own.setdefault(alert.patient, []).append(alert)
    compared = bands = totals = totals_right = held = 0
    wrong: list[str] = []
    for name, stay in hours.items():
        for hour, following in pairwise(stay):
            if hour.band is None:
                continue
            over_ms = min(hour.t_ms + HOUR_MS, following.t_ms)
            priority, total = _told(own.get(name, ()), over_ms)
            band_right = hour.band <= BAND_OF[priority] <= hour.band_held
            total_right = total is None or hour.total <= total <= hour.total_held
            compared += 1
            held += bool(hour.held)
            bands += band_right
            totals += total is not None
            totals_right += total is not None and total_right
            if not (band_right and total_right):
                told = f"{BANDS[BAND_OF[priority]]}{'' if total is None else f', {total:g}'}"
                wrong.append(
                    f"{name} at {hour.t_ms / HOUR_MS:g} h: told {told}; the chart {BANDS[hour.band]}, {hour.total}"
                )
    return Agreement(compared, compared - len(wrong), bands, totals, totals_right, held, wrong[:WRONG_SHOWN])


def _told(alerts: Sequence[Alert], over_ms: int) -> tuple[str | None, float | None]:
    """Return priority and total of the alarm that is open just before `over_ms`, (None, None) without one."""
    before = [alert for alert in alerts if alert.event_ts_ms < over_ms]
    if not before or before[-1].phase in OVER:
        return None, None
    return before[-1].priority, before[-1].evidence.value
