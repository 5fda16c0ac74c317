"""Missing readings: they raise technical alarms, never one of the patient's. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clinical.vitals import INDEX, SIGNALS
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.series import Series, runs

SignalSeries = Mapping[str, Series]


@dataclass(frozen=True, slots=True)
class MissingLine:
    """One signal of a dataset: how often it was attached without a reading, and what each rule set made of it.

    `technical` counts alarms that it is lost; `physiological` the patient's alarms on it that started at a moment
    without a valid reading, which must be none.
    """

    signal: str
    title: str
    readings: int
    missing: int
    longest_s: float
    technical: Mapping[str, int]
    physiological: Mapping[str, int]


def missing_lines(
    patients: Mapping[str, SignalSeries], episodes: Mapping[str, Sequence[Episode]]
) -> list[MissingLine]:
    """Return one line a signal that lacks readings.

    Args:
        patients: series by signal of every patient.
        episodes: alarms by rule set.
    """
    lines = []
    for signal in INDEX:
        own = {name: series[signal] for name, series in patients.items() if signal in series}
        gaps = [np.isnan(series.values) for series in own.values()]
        missing = sum(int(gap.sum()) for gap in gaps)
        if not missing:
            continue
        lines.append(
            MissingLine(
                signal=signal,
                title=SIGNALS[INDEX[signal]].title,
                readings=sum(len(series.values) for series in own.values()),
                missing=missing,
                longest_s=max(_longest_s(series) for series in own.values()),
                technical={name: len(_of(some, signal, "technical")) for name, some in episodes.items()},
                physiological={
                    name: sum(
                        bool(np.isnan(own[one.patient].at(one.start_ms)))
                        for one in _of(some, signal, "physiological")
                    )
                    for name, some in episodes.items()
                },
            )
        )
    return lines


def _of(episodes: Iterable[Episode], signal: str, kind: str) -> list[Episode]:
    return [one for one in episodes if one.signal == signal and one.type == kind]


def _longest_s(series: Series) -> float:
    """Return the longest time from a missing reading to the next valid one, or to the last of all."""
    last = len(series.values) - 1
    spans = [
        series.t_ms[min(behind + 1, last)] - series.t_ms[first]
        for first, behind in runs(np.isnan(series.values))
    ]
    return float(max(spans, default=0)) / 1000
