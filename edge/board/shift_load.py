"""Alarm load: how many alarms began, per bed and shift, by severity and rule. Pure."""

from collections import Counter, OrderedDict
from typing import Any, Final

from edge.ward_state import CANARY, SEVERITIES, severity_of
from streams.contracts.alert import Alert
from streams.contracts.topics import HOUR_MS

KEPT_MS: Final = 24 * HOUR_MS
STARTS_MAX: Final = 500_000
"""Alarms of a day that are counted: 250 a bed and day (some count 187 in intensive care [M]) of 2,000 beds."""

SHIFT_H_MAX: Final = 24
FIRST_H: Final = 7
"""When a day's first shift begins, in the hour of the offset that is asked for [M]."""


class Starts:
    """Alarms that began, by episode: one counts once, however often its start is written."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[str, str, str, int]] = OrderedDict()

    def take(self, alert: Alert) -> None:
        """Take an event of an alarm."""
        if alert.phase != "start" or alert.rule == CANARY or alert.episode in self._of:
            return
        self._of[alert.episode] = (alert.patient, severity_of(alert), alert.rule, alert.append_ts_ms)
        if len(self._of) > STARTS_MAX:
            self._of.popitem(last=False)

    def load(self, now_ms: int, shift_ms: int, offset_ms: int, wards: dict[str, str]) -> dict[str, Any]:
        """Return the load of the last 24 hours.

        Args:
            now_ms: the present, ms.
            shift_ms: length of a shift, ms.
            offset_ms: how far the ward's clock is ahead of UTC, ms; the first shift begins at `FIRST_H` of it.
            wards: ward of each patient who counts.
        """
        first_ms = FIRST_H * HOUR_MS - offset_ms
        since_ms = now_ms - KEPT_MS
        found: dict[tuple[str, int], Counter[str]] = {}
        rules: dict[tuple[str, int], Counter[str]] = {}
        while self._of and next(iter(self._of.values()))[3] < since_ms:
            self._of.popitem(last=False)
        for patient, severity, rule, append_ms in self._of.values():
            if patient not in wards or append_ms < since_ms:
                continue
            shift = (append_ms - first_ms) // shift_ms * shift_ms + first_ms
            found.setdefault((patient, shift), Counter())[severity] += 1
            rules.setdefault((patient, shift), Counter())[rule] += 1
        return {
            "now_ts_ms": now_ms,
            "since_ts_ms": since_ms,
            "shift_ms": shift_ms,
            "shifts": sorted({shift for _, shift in found}),
            "beds": [
                {
                    "patient": patient,
                    "ward": wards[patient],
                    "shift_ts_ms": shift,
                    "alarms": {severity: counts[severity] for severity in SEVERITIES},
                    "rules": dict(rules[patient, shift].most_common(5)),
                }
                for (patient, shift), counts in sorted(found.items())
            ],
        }
