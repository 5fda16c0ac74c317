"""One bed's page: state, limits, commands, live windows and history, asked for at once and each within its deadline."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from clinical.vitals import SIGNALS, WINDOWED
from edge.board.asked_at_once import gathered
from edge.board.history import AskedHistory, Points
from edge.board.metrics import BoardMetrics
from edge.board.record_intake import Intake
from streams.contracts.topics import DAY_MS, HOUR_MS
from streams.contracts.window_query import WindowsAnswer

TREND_MS: Final = 24 * HOUR_MS
SPAN_MS_MAX: Final = 31 * DAY_MS
"""Of one question for a trend."""

COURSES: Final = tuple(signal.name for signal in SIGNALS[:WINDOWED])
"""Signals that are numbers whose course says something."""


class Windows(Protocol):
    """Live windows of a patient, where a worker keeps them."""

    async def last_minutes(self, partition: int, patient: str) -> WindowsAnswer | None:
        """Return what is known of the last minutes, None where nobody says where to ask."""


class BedView:
    """Assembles what a bed's page shows."""

    def __init__(
        self, intake: Intake, history: AskedHistory, windows: Windows, metrics: BoardMetrics
    ) -> None:
        self._intake, self._history, self._windows, self._metrics = intake, history, windows, metrics

    async def bed(self, patient: str, now_ms: int) -> dict[str, Any] | None:
        """Return a bed with all that is known of it, None where there is none."""
        state = self._intake.live.state

        async def shown() -> Any:
            return state.bed(patient)

        async def limits() -> Any:
            found = state.limits(patient)
            return found.model_dump(mode="json") if found else None

        async def commands() -> Any:
            return self._intake.orders.of(patient)

        async def past() -> Points:
            return await self.past(patient, now_ms - TREND_MS, now_ms, None)

        if (bed := await shown()) is None:
            return None

        async def live() -> WindowsAnswer | None:
            return await self._windows.last_minutes(bed["partition"], patient)

        said, late = await gathered(
            {"limits": limits, "commands": commands, "history": past, "windows": live}, self._metrics
        )
        windows: WindowsAnswer | None = said.get("windows")
        return {
            "bed": bed,
            "limits": said.get("limits"),
            "commands": said.get("commands", []),
            "trend": joined(said.get("history", {}), means_of(windows)),
            "windows": windows.model_dump(include={"minutes", "whole"}) if windows else None,
            "history": self._history.is_kept,
            "late": late,
        }

    async def trend(
        self, patient: str, from_ms: int, until_ms: int, signals: Sequence[str] | None
    ) -> dict[str, Any]:
        """Return the trend of a time."""

        async def past() -> Points:
            return await self.past(patient, from_ms, until_ms, signals)

        said, late = await gathered({"history": past}, self._metrics)
        return {"trend": said.get("history", {}), "history": self._history.is_kept, "late": late}

    async def past(self, patient: str, from_ms: int, until_ms: int, signals: Sequence[str] | None) -> Points:
        """Return what history knows of a time, of all that has a course where no signals are named."""
        return await self._history.trend(patient, from_ms, until_ms, signals or COURSES)


def means_of(windows: WindowsAnswer | None) -> Points:
    """Return the mean of each bucket, by signal; a bucket without a reading is a gap of its own length."""
    found = Points()
    for signal, course in windows.signals.items() if windows else ():
        points = found.setdefault(signal, [])
        for ts_ms, mean in zip(course.ts_ms, course.mean, strict=True):
            if points and windows and ts_ms - points[-1][0] > windows.bucket_ms:
                points.append((points[-1][0] + windows.bucket_ms, None))
            points.append((ts_ms, mean))
    return found


def joined(past: Points, live: Points) -> Points:
    """Return the past of each signal, and behind its end what is live."""
    found = {signal: list(points) for signal, points in past.items()}
    for signal, points in live.items():
        known = found.setdefault(signal, [])
        newest_ms = known[-1][0] if known else -1
        known += [point for point in points if point[0] > newest_ms]
    return found
