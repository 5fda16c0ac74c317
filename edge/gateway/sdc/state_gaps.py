"""How many changes of a provider's metrics never came, by the number that each of its states counts."""

from typing import Final

from edge.gateway.sdc.state_copies import METRICS_MAX, StateReport


class StateGaps:
    """Counts for one provider. A new sequence begins anew: what it numbers is not what the former one did."""

    def __init__(self) -> None:
        self._sequence = ""
        self._versions: dict[str, int] = {}

    def of(self, report: StateReport) -> int:
        """Return how many reports are missing before this one: the largest step of any of its metrics."""
        if report.sequence != self._sequence:
            self._sequence, self._versions = report.sequence, {}
        missing = 0
        for metric in report.metrics:
            last = self._versions.get(metric.handle)
            if last is not None:
                missing = max(missing, metric.version - last - 1)
            elif len(self._versions) >= HANDLES_MAX:
                continue
            self._versions[metric.handle] = max(metric.version, last or 0)
        return missing


HANDLES_MAX: Final = 2 * METRICS_MAX
"""Metrics of a provider whose number is kept in mind."""
