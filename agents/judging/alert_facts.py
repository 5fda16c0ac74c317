"""What an alert says of a transition: every field of the public contract, and why in one sentence."""

from dataclasses import asdict
from math import isnan
from typing import Final

import msgspec

from agents.judging.alarms import (
    AGE_UNKNOWN,
    ALARMS_PAUSED,
    BREAK_GLASS,
    DRIFTING,
    LIMITS_WIDENED,
    MISPLACED,
    READINGS_WITHDRAWN,
    SILENT_DEVICE,
    TOO_MANY,
    UNASSOCIATED,
    UNPROVEN,
    WARD_SILENT,
    Alarm,
)
from agents.judging.transitions import Transition
from clinical.lifecycle import CLOSING, PAUSE_NAMES, PHASE_NAMES, Pause, Phase, State
from clinical.rules import PRIORITIES
from clinical.scores import Sheet
from clinical.vitals import FLAGS
from streams.contracts.alert import Alert, episode_id

MDC: Final = "urn:iso:std:iso:11073:10101"
LOINC: Final = "http://loinc.org"
SNOMED_CT: Final = "http://snomed.info/sct"
"""Code systems, as FHIR names them."""

ADVISORY_SOURCES: Final = {
    ALARMS_PAUSED: "pause",
    LIMITS_WIDENED: "limits",
    AGE_UNKNOWN: "profile",
    BREAK_GLASS: "access",
}
"""What an advisory alarm is about."""


def report(alarm: Alarm, transition: Transition) -> Alert:
    """Return the alert that tells of a transition."""
    return Alert.model_validate(facts(alarm, transition))


def encoded(alarm: Alarm, transition: Transition) -> bytes:
    """Return the same alert as JSON, past its model, which takes twice as long; tests hold it to that."""
    return msgspec.json.encode(facts(alarm, transition))


def facts(alarm: Alarm, transition: Transition) -> dict[str, object]:
    """Return what an alert says, every field of the model in its order."""
    phase = PHASE_NAMES[Phase(transition.phase)]
    episode = episode_id(transition.patient, alarm.id, transition.onset_ms)
    lasted_s = (transition.event_ms - transition.onset_ms) / 1000
    return {
        "id": f"{episode}-{transition.number}",
        "episode": episode,
        "patient": transition.patient,
        "rule": alarm.id,
        "event": _event(alarm, transition),
        "source": _source(alarm, transition),
        "phase": phase,
        "state": _state(transition),
        "inactivation": _inactivation(transition),
        "priority": PRIORITIES[transition.priority],
        "type": alarm.type,
        "onset_ts_ms": transition.onset_ms,
        "event_ts_ms": transition.event_ms,
        "append_ts_ms": transition.append_ms,
        "evidence": {
            "value": _number(transition.value),
            "low": _number(transition.low),
            "high": _number(transition.high),
            "delay_s": _number(alarm.delay_s),
            "extreme": _number(transition.extreme),
            "bound": transition.bound or None,
            "missing": transition.missing,
            "old": transition.old,
            "silent_s": lasted_s if alarm.type == "technical" else None,
        },
        "responsibility": None if transition.asked is None else asdict(transition.asked),
        "acknowledged_by": transition.actor if transition.acknowledges else None,
        "actor": transition.actor,
        "command": transition.command,
        "reason": _reason(alarm, transition, phase),
    }


def _state(transition: Transition) -> str:
    if transition.phase in CLOSING:
        return "inactive"
    return "latched" if transition.state == State.LATCHED else "active"


def _inactivation(transition: Transition) -> str:
    parts = [PAUSE_NAMES[Pause(transition.paused)]] if transition.paused != Pause.NONE else []
    if transition.state == State.ACKNOWLEDGED:
        parts.append("alert-acknowledged")
    return "~".join(parts) or "enabled"


def _number(value: float | None) -> float | None:
    return None if value is None or isnan(value) else float(value)


def _event(alarm: Alarm, transition: Transition) -> str:
    """MDC event of PCD-04 facet 1: limits cross high or low, everything else is a plain alarm."""
    if alarm.type == "technical" or alarm.signal is None:
        return "MDC_EVT_ALARM"
    if transition.bound:
        return "MDC_EVT_LO" if transition.bound.startswith("<") else "MDC_EVT_HI"
    worst = transition.extreme if transition.extreme is not None else transition.value
    low, high = transition.low, transition.high
    below = high is None or (low is not None and worst is not None and worst < low)
    return "MDC_EVT_LO" if below else "MDC_EVT_HI"


def _source(alarm: Alarm, transition: Transition) -> dict[str, object]:
    signal = alarm.signal
    if signal is not None and (alarm.type == "technical" or not alarm.holds):
        origin = _origin("signal", signal.name, signal.mdc, signal.loinc, unit=signal.ucum)
        return {**origin, "device": transition.device}
    if signal is not None:
        unit = "1" if alarm.holds == DRIFTING else f"{signal.ucum}/min"
        return _origin("trend", signal.name, signal.mdc, unit=unit)
    if alarm.sheet is not None:
        return _origin("score", alarm.id, snomed=alarm.sheet.snomed, unit="{score}")
    if alarm.id == WARD_SILENT:
        return _origin("ward", transition.patient.rpartition("/")[2])
    if alarm.id in (UNASSOCIATED, READINGS_WITHDRAWN):
        return _origin("alarm-system", "association")
    if alarm.id in (MISPLACED, TOO_MANY, UNPROVEN):
        return _origin("alarm-system", "partition")
    if alarm.type == "advisory":
        return _origin("alarm-system", ADVISORY_SOURCES[alarm.id])
    return _origin("device", "device")


def _origin(
    kind: str,
    name: str,
    mdc: int | None = None,
    loinc: str | None = None,
    snomed: str | None = None,
    unit: str | None = None,
) -> dict[str, object]:
    """Return a `streams.contracts.alert.Source`."""
    codings = ((MDC, str(mdc or "")), (LOINC, loinc or ""), (SNOMED_CT, snomed or ""))
    system, code = next(((system, code) for system, code in codings if code), (None, None))
    codes = {"mdc": mdc or None, "loinc": loinc or None, "system": system, "code": code}
    return {"kind": kind, "name": name, **codes, "unit": unit, "device": None}


def _reason(alarm: Alarm, transition: Transition, phase: str) -> str:
    """Return why, in one plain sentence with the numbers."""
    for_s = f"{(transition.event_ms - transition.onset_ms) / 1000:g} s"
    if transition.note:
        return f"{alarm.title}: {transition.note}"
    if transition.state == State.LATCHED and phase == "update":
        return f"{alarm.title}: condition over after {for_s}, latched until somebody acknowledges it"
    if phase == "end":
        return f"{alarm.title}: condition over after {for_s}"
    if alarm.id == SILENT_DEVICE:
        return f"no frame for {for_s}"
    if alarm.sheet is not None:
        return _score_reason(alarm.sheet, transition)
    if alarm.holds:
        return _condition_reason(alarm, transition, for_s)
    if alarm.type == "technical":
        return f"{alarm.title}: no valid reading for {for_s}"
    worst = (
        _number(transition.value) if _number(transition.value) is not None else _number(transition.extreme)
    )
    shown = transition.bound or "value unknown" if worst is None else f"{worst:g}"
    lasting = f" for {for_s}" if transition.event_ms > transition.onset_ms else ""
    if alarm.signal is None:
        return f"{alarm.title}{lasting}"
    if alarm.signal.name in FLAGS:
        return f"{alarm.title} by the device{lasting}"
    below = _event(alarm, transition) == "MDC_EVT_LO"
    limit = f"below {transition.low:g}" if below else f"above {transition.high:g}"
    return f"{alarm.title} {shown} {alarm.signal.unit}, {limit}{lasting}"


def _score_reason(sheet: Sheet, transition: Transition) -> str:
    """Return the score, what it lacks, and the response that the source names for this level."""
    lacking = f", without {', '.join(transition.missing)}" if transition.missing else ""
    if transition.old:
        lacking += f", not measured now: {', '.join(transition.old)}"
    value = _number(transition.value)
    shown = "unknown" if value is None else f"{value:g}"
    priority = PRIORITIES[transition.priority]
    level = next((level for level in sheet.levels if level.priority == priority), sheet.levels[-1])
    return f"{sheet.title} {'at least ' if transition.missing else ''}{shown}{lacking}; {level.name}: {level.response}"


def _condition_reason(alarm: Alarm, transition: Transition, for_s: str) -> str:
    value = _number(transition.value)
    if alarm.signal is None or value is None:
        what = alarm.holds if alarm.signal is None or alarm.type == "technical" else "its course"
        return f"{alarm.title}: {what}, for {for_s}"
    unit = "" if alarm.holds == DRIFTING else f" {alarm.signal.unit}"
    return f"{alarm.title} {value:+g}{unit} {alarm.holds}"
