"""The work in plain Python, one frame and one rule at a time: what every system's alerts are compared with.

Written to be read, not to be fast; `bench.peers.step` is the same work as the Python peers do it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.peers.spec import SIGNALS, Limit, News2

Frame = Mapping[str, Any]
"""A decoded record: `patient`, `event_ts_ms`, and signals that are a number, None or absent."""

HALF_UP_SLACK: Final = 1e-6
"""As `clinical.scores`: above the error of a float, far below a step of the chart."""

# Royal College of Physicians, NEWS2, 2017, chart 1: a reading up to and including the edge scores the points.
Chart = tuple[tuple[float, int], ...]
RESP: Final[Chart] = ((8, 3), (11, 1), (20, 0), (24, 2), (math.inf, 3))
SPO2: Final[Chart] = ((91, 3), (93, 2), (95, 1), (math.inf, 0))
SYSTOLIC: Final[Chart] = ((90, 3), (100, 2), (110, 1), (219, 0), (math.inf, 3))
PULSE: Final[Chart] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (math.inf, 3))

RED_POINTS: Final = 3  # RCP 2017 chart 2: 3 in a single parameter, low-medium risk
MEDIUM_FROM: Final = 5  # RCP 2017 chart 2: 5-6 urgent response threshold
HIGH_FROM: Final = 7  # RCP 2017 chart 2: 7 or more emergency response threshold


@dataclass(frozen=True, slots=True)
class Alert:
    """One start or end of one alarm; the fields of the record in the alerts topic."""

    patient: str
    rule: str
    phase: str
    onset_ts_ms: int
    event_ts_ms: int
    value: float


@dataclass(slots=True)
class Alarm:
    """One rule of one patient: `onset_ms` of the present run, if there is one, and since when it has been well."""

    active: bool = False
    onset_ms: int | None = None
    clear_ms: int | None = None


@dataclass(slots=True)
class Patient:
    """All that is remembered of one patient."""

    alarms: dict[str, Alarm] = field(default_factory=dict)
    value: dict[str, float] = field(default_factory=dict)
    value_ms: dict[str, int] = field(default_factory=dict)
    stretch: int | None = None


def alerts(limits: Sequence[Limit], news2: News2, frames: Iterable[Frame]) -> Iterator[Alert]:
    """Yield every start and end that the frames lead to; each patient's frames are in order."""
    patients: dict[str, Patient] = {}
    for frame in frames:
        yield from judge(limits, news2, patients.setdefault(frame["patient"], Patient()), frame)


def starts(limits: Sequence[Limit], news2: News2, frames: Iterable[Frame]) -> list[Alert]:
    """Return the starts, which is what systems are compared by."""
    return [alert for alert in alerts(limits, news2, frames) if alert.phase == "start"]


def judge(limits: Sequence[Limit], news2: News2, patient: Patient, frame: Frame) -> list[Alert]:
    """Judge one frame and make it part of the patient's state."""
    now_ms = frame["event_ts_ms"]
    found: list[tuple[str, str, int, float]] = []
    for limit in limits:
        if limit.signal in frame:
            alarm = patient.alarms.setdefault(limit.id, Alarm())
            if (change := _judge_limit(limit, alarm, frame[limit.signal], now_ms)) is not None:
                found.append((limit.id, *change, frame[limit.signal]))
    for signal in SIGNALS:
        if frame.get(signal) is not None:
            patient.value[signal] = frame[signal]
            patient.value_ms[signal] = now_ms
    stretch = now_ms // news2.every_ms
    if stretch != patient.stretch:
        patient.stretch = stretch
        if (score := score_news2(patient.value, news2.inputs_min)) is not None:
            alarm = patient.alarms.setdefault(news2.id, Alarm())
            if (change := _judge_level(news2, alarm, level_of(*score), now_ms)) is not None:
                found.append((news2.id, *change, score[0]))
    return [
        Alert(frame["patient"], rule, phase, onset_ms, now_ms, value)
        for rule, phase, onset_ms, value in found
    ]


def _judge_limit(limit: Limit, alarm: Alarm, value: float | None, now_ms: int) -> tuple[str, int] | None:
    """Return the phase and the onset to report, if any. The rules: `clinical.limits`, `clinical.lifecycle`."""
    if value is None:
        return None
    low = -math.inf if limit.low is None else limit.low
    high = math.inf if limit.high is None else limit.high
    if value < low or value > high:
        alarm.clear_ms = None
        if alarm.onset_ms is None:
            alarm.onset_ms = now_ms
        if not alarm.active and now_ms - alarm.onset_ms >= limit.delay_ms:
            alarm.active = True
            return "start", alarm.onset_ms
    elif alarm.onset_ms is not None:
        if not low + limit.clear_margin <= value <= high - limit.clear_margin:
            alarm.clear_ms = None
            return None
        if alarm.clear_ms is None:
            alarm.clear_ms = now_ms
        if now_ms - alarm.clear_ms >= limit.clear_delay_ms:
            return _end(alarm)
    return None


def _judge_level(news2: News2, alarm: Alarm, level: int, now_ms: int) -> tuple[str, int] | None:
    """Return the phase and the onset to report, if any: a level that has held for the delay."""
    if level > 0:
        alarm.clear_ms = None
        if alarm.onset_ms is None:
            alarm.onset_ms = now_ms
        if not alarm.active and now_ms - alarm.onset_ms >= news2.delay_ms:
            alarm.active = True
            return "start", alarm.onset_ms
    elif not alarm.active:
        alarm.onset_ms = None
    else:
        if alarm.clear_ms is None:
            alarm.clear_ms = now_ms
        if now_ms - alarm.clear_ms >= news2.delay_ms:
            return _end(alarm)
    return None


def _end(alarm: Alarm) -> tuple[str, int] | None:
    """Bring the alarm to rest; only one that was active is reported."""
    was_active, onset_ms = alarm.active, alarm.onset_ms
    alarm.active, alarm.onset_ms, alarm.clear_ms = False, None, None
    return ("end", onset_ms) if was_active and onset_ms is not None else None


def points(chart: Chart, value: float) -> int:
    """Return the chart's points of a reading, rounded half up to a whole number first."""
    step = math.floor(value + 0.5 + HALF_UP_SLACK)
    return next(score for edge, score in chart if step <= edge)


def score_news2(values: Mapping[str, float], inputs_min: int) -> tuple[int, int] | None:
    """Return the total and the most points of one parameter; None with fewer inputs than needed.

    Oxygen supply, consciousness and temperature are not measured here and score 0: a lower bound.
    """
    pulse = values.get("pulse", values.get("hr"))
    inputs = (
        (RESP, values.get("resp")),
        (SPO2, values.get("spo2")),
        (SYSTOLIC, values.get("abp_sys")),
        (PULSE, pulse),
    )
    scores = [points(chart, value) for chart, value in inputs if value is not None]
    return (sum(scores), max(scores)) if len(scores) >= max(inputs_min, 1) else None


def level_of(total: int, highest: int) -> int:
    """Return the risk band of a score: 0 low, 1 low-medium, 2 medium, 3 high."""
    if total >= HIGH_FROM:
        return 3
    if total >= MEDIUM_FROM:
        return 2
    return 1 if highest >= RED_POINTS else 0
