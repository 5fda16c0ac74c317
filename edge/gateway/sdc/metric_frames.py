"""An SDC report as frames: which metric is a reading of which signal, and how old; a pure function of the report."""

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from edge.gateway.hl7.codes import signal_of
from edge.gateway.numbering import BOOT, numbered
from edge.gateway.sdc.state_copies import Code, Metric, StateReport
from edge.gateway.terms import Known
from streams.contracts.frame import EVENT_TS_MS_MAX, INTERVAL_MS_MAX
from streams.decoding.wire_frames import WireFrame

VALID: Final = frozenset({"Vld", "Vldated", "Qst"})
"""BICEPS MeasurementValidity of a reading. Questionable ones are readings, as HL7's QUES is: bedside monitors raise
alarms of them, and what is left out can raise none."""

ONGOING: Final = "Ong"
"""A measurement has begun: what the state holds is the last one's, so it is neither new nor gone."""

TOGETHER_MS: Final = 250
"""Metrics of one report whose times are this close are one frame, of the newest of these times."""

MDC_SYSTEMS: Final = frozenset({"", "urn:oid:1.2.840.10004.1.1.1.0.0.1", "MDC"})
LOINC_SYSTEMS: Final = frozenset({"urn:oid:2.16.840.1.113883.6.1", "http://loinc.org"})
_MARKS: Final = "|^~\\&"
_PLAIN_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


@dataclass(slots=True)
class Framed:
    """Frames in the order of their times, and why something in the report became none or null."""

    frames: list[WireFrame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


Said = tuple[int, int, str, str, float | None]
"""Moment (ms), place in the table of codes, handle, signal, reading (None = attached without a valid one)."""


def framed(report: StateReport, device: str, patient: str, age_s_max: float) -> Framed:
    """Return a report's frames.

    The number of a frame is made of its time and of MdibVersion, so the same report is one reading wherever it is
    heard. A value older than `age_s_max` when it came, or further ahead of our clock, is left out.
    """
    found = Framed()
    said = [one for metric in report.metrics if (one := _said(metric, report, age_s_max, found.faults))]
    said.sort(key=lambda one: one[:3])
    while said:
        together = [one for one in said if one[0] <= said[0][0] + TOGETHER_MS]
        said = said[len(together) :]
        at_ms = together[-1][0]
        frame = WireFrame(
            patient,
            device,
            BOOT,
            numbered(at_ms, str(report.mdib_version)),
            at_ms,
            min(max(report.interval_ms, 1), INTERVAL_MS_MAX),
        )
        # Of several metrics of a signal the one that stands last here counts: the first in the table of codes.
        for _, _, _, signal, value in sorted(together, key=lambda one: (-one[1], one[2])):
            setattr(frame, signal, value)
        found.frames.append(frame)
    return found


def _said(metric: Metric, report: StateReport, age_s_max: float, faults: list[str]) -> Said | None:
    known = known_of(metric.codes, metric.unit)
    if isinstance(known, str):
        if known:
            faults.append(known)
        return None
    value, fault = reading_of(metric, known)
    if fault:
        faults.append(fault)
    if metric.validity == ONGOING and metric.activation == "On":
        return None
    now_s, at_s = report.heard_s, metric.determined_s
    fresh = at_s is not None and math.isfinite(at_s) and abs(now_s - at_s) <= age_s_max
    if value is not None and not fresh:
        behind = at_s is None or not math.isfinite(at_s)
        faults.append("no-time" if behind else "stale" if at_s < now_s else "clock-ahead")  # type: ignore[operator]
        return None
    # What is no reading any more is none from the moment that we hear it: its time may be that of the last reading.
    at_ms = round((at_s if fresh and at_s is not None else now_s) * 1_000)
    if not 0 <= at_ms <= EVENT_TS_MS_MAX:
        faults.append("no-time")
        return None
    return at_ms, known.place, metric.handle, known.signal, value


@lru_cache(maxsize=4_096)
def known_of(codes: tuple[Code, ...], unit: str) -> Known | str:
    """Return the signal that a metric's codes name, with its unit; "" if it is none of ours, else why not."""
    unit = f"{unit}^^MDC" if _PLAIN_CODE(unit) else "none"
    for code, system in codes:
        if not _PLAIN_CODE(code):
            continue
        if system in MDC_SYSTEMS:
            found = signal_of(f"{code}^^MDC", unit, _MARKS)
        elif system in LOINC_SYSTEMS:
            found = signal_of(f"{code}^^LN", unit, _MARKS)
        else:
            continue
        if found:
            return found
    return ""


def reading_of(metric: Metric, known: Known) -> tuple[float | None, str]:
    """Return a metric's reading in Vigil's unit, None if it is none that is valid; and what is wrong, or empty."""
    if metric.mode != "Real":
        return None, "not-real"
    if metric.activation != "On" or metric.validity not in VALID:
        return None, ""
    if metric.value is None:
        return None, "no-number"
    try:
        number = float(metric.value)
    except (ValueError, OverflowError):
        return None, "no-number"
    if not math.isfinite(number):
        return None, "no-number"
    if known.unit is None:
        return None, "unknown-unit"
    value = known.unit.convert(number)
    return (value, "") if known.low <= value <= known.high else (None, "implausible")
