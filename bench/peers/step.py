"""The work on one frame as the Python peers do it: `bench.peers.reference` with the calm case made short.

Standard library only. A property test holds it to the reference.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.peers.reference import HALF_UP_SLACK, PULSE, RESP, SPO2, SYSTOLIC, Chart, level_of
from bench.peers.spec import SIGNALS, Limit, News2

_ABSENT: Final = object()
_HR, _PULSE, _SPO2, _RESP, _SYSTOLIC = (
    SIGNALS.index(name) for name in ("hr", "pulse", "spo2", "resp", "abp_sys")
)


def _bands(chart: Chart) -> tuple[list[float], list[int]]:
    """Return the chart's edges and points apart, for bisection."""
    return [edge for edge, _ in chart], [points for _, points in chart]


_RESP_BANDS, _SPO2_BANDS, _SYSTOLIC_BANDS, _PULSE_BANDS = map(_bands, (RESP, SPO2, SYSTOLIC, PULSE))

_ACTIVE, _ONSET, _CLEAR = 0, 1, 2
"""A run is a list, because stores keep JSON: is it an alarm, its onset and since when it has been well, ms."""


@dataclass(slots=True)
class Patient:
    """All that is remembered of one patient; `values` and `values_ms` are in the order of `SIGNALS`.

    `runs` holds the rules that are not at rest, nearly always none.
    """

    values: list[float | None] = field(default_factory=lambda: [None] * len(SIGNALS))
    values_ms: list[int | None] = field(default_factory=lambda: [None] * len(SIGNALS))
    stretch: int = -1
    runs: dict[str, list[Any]] = field(default_factory=dict)

    def stored(self) -> tuple[Any, ...]:
        """Return the state as plain values: what goes into a store; `Patient(*stored)` reads it back."""
        return self.values, self.values_ms, self.stretch, self.runs


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    low: float
    high: float
    inside_low: float
    inside_high: float
    delay_ms: int
    clear_delay_ms: int


class Step:
    """The compiled rules of a run."""

    def __init__(self, limits: Sequence[Limit], news2: News2) -> None:
        self._news2 = news2
        self._signals = []
        for column, signal in enumerate(SIGNALS):
            rules = [_compiled(limit) for limit in limits if limit.signal == signal]
            low = max((rule.low for rule in rules), default=-math.inf)
            high = min((rule.high for rule in rules), default=math.inf)
            self._signals.append((column, signal, low, high, rules))

    def take(self, patient: Patient, frame: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Judge one frame, make it part of the patient's state, and return the alerts as they are written."""
        now_ms = frame["event_ts_ms"]
        values, values_ms, runs = patient.values, patient.values_ms, patient.runs
        found: list[dict[str, Any]] = []
        for column, signal, low, high, rules in self._signals:
            value = frame.get(signal, _ABSENT)
            if value is _ABSENT or value is None:
                continue
            values[column] = value
            values_ms[column] = now_ms
            if runs or not low <= value <= high:  # otherwise nothing can begin or end
                for rule in rules:
                    change = _judge(rule, runs, value, now_ms)
                    if change is not None:
                        found.append(_alert(frame, rule.id, change, now_ms, value))
        stretch = now_ms // self._news2.every_ms
        if stretch != patient.stretch:
            patient.stretch = stretch
            self._score(patient, frame, now_ms, found)
        return found

    def _score(
        self, patient: Patient, frame: Mapping[str, Any], now_ms: int, found: list[dict[str, Any]]
    ) -> None:
        values, news2 = patient.values, self._news2
        pulse = values[_PULSE] if values[_PULSE] is not None else values[_HR]
        inputs = (
            (_RESP_BANDS, values[_RESP]),
            (_SPO2_BANDS, values[_SPO2]),
            (_SYSTOLIC_BANDS, values[_SYSTOLIC]),
            (_PULSE_BANDS, pulse),
        )
        scores = [_points(bands, value) for bands, value in inputs if value is not None]
        if len(scores) < max(news2.inputs_min, 1):
            return
        total = sum(scores)
        run = patient.runs.get(news2.id)
        if level_of(total, max(scores)) > 0:
            if run is None:
                run = patient.runs[news2.id] = [False, now_ms, None]
            run[_CLEAR] = None
            if not run[_ACTIVE] and now_ms - run[_ONSET] >= news2.delay_ms:
                run[_ACTIVE] = True
                found.append(_alert(frame, news2.id, ("start", run[_ONSET]), now_ms, total))
        elif run is not None:
            if not run[_ACTIVE]:
                del patient.runs[news2.id]
                return
            if run[_CLEAR] is None:
                run[_CLEAR] = now_ms
            if now_ms - run[_CLEAR] >= news2.delay_ms:
                del patient.runs[news2.id]
                found.append(_alert(frame, news2.id, ("end", run[_ONSET]), now_ms, total))


def _compiled(limit: Limit) -> _Rule:
    low = -math.inf if limit.low is None else limit.low
    high = math.inf if limit.high is None else limit.high
    inside = low + limit.clear_margin, high - limit.clear_margin
    return _Rule(limit.id, low, high, *inside, limit.delay_ms, limit.clear_delay_ms)


def _judge(rule: _Rule, runs: dict[str, list[Any]], value: float, now_ms: int) -> tuple[str, int] | None:
    run = runs.get(rule.id)
    if not rule.low <= value <= rule.high:
        if run is None:
            run = runs[rule.id] = [False, now_ms, None]
        run[_CLEAR] = None
        if not run[_ACTIVE] and now_ms - run[_ONSET] >= rule.delay_ms:
            run[_ACTIVE] = True
            return "start", run[_ONSET]
    elif run is not None:
        if not rule.inside_low <= value <= rule.inside_high:
            run[_CLEAR] = None
            return None
        if run[_CLEAR] is None:
            run[_CLEAR] = now_ms
        if now_ms - run[_CLEAR] >= rule.clear_delay_ms:
            del runs[rule.id]
            return ("end", run[_ONSET]) if run[_ACTIVE] else None
    return None


def _points(bands: tuple[list[float], list[int]], value: float) -> int:
    edges, points = bands
    return points[bisect_left(edges, math.floor(value + 0.5 + HALF_UP_SLACK))]


def _alert(
    frame: Mapping[str, Any], rule: str, change: tuple[str, int], now_ms: int, value: float
) -> dict[str, Any]:
    phase, onset_ms = change
    return {
        "patient": frame["patient"],
        "rule": rule,
        "phase": phase,
        "onset_ts_ms": onset_ms,
        "event_ts_ms": now_ms,
        "value": value,
    }
