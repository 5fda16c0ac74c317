"""What an alarm is, what can happen to it, and how that is reported."""

from dataclasses import asdict, dataclass
from math import isnan
from typing import Final

import msgspec
import numpy as np

from clinical.lifecycle import CLOSING, PAUSE_NAMES, PHASE_NAMES, Pause, Phase, State
from clinical.rules import PRIORITIES
from clinical.scores import Sheet
from clinical.vitals import FLAGS, INDEX, SIGNALS, Signal
from streams.contracts.alert import Alert, AlertType, ResponsibilityStatus, episode_id

SILENT_DEVICE: Final = "silent-device"
SIGNAL_LOSS: Final = "signal-loss-"
ALARMS_PAUSED: Final = "alarms-paused"
LIMITS_WIDENED: Final = "limits-widened"
CHECK_SENSOR: Final = "check-sensor"
BABBLING: Final = "babbling-device"
UNRELIABLE: Final = "unreliable-signal-"
IDENTITY_CONFLICT: Final = "identity-conflict"
TOO_MANY_DEVICES: Final = "too-many-devices"
CLOCK_SUSPECT: Final = "clock-suspect"
BACKLOG: Final = "backlog"
WARD_SILENT: Final = "ward-silent"
MISPLACED: Final = "misplaced-patient"
TOO_MANY: Final = "too-many-patients"
UNPROVEN: Final = "unproven-command"
UNASSOCIATED: Final = "unassociated-device"
READINGS_WITHDRAWN: Final = "readings-withdrawn"
VITAL_LOSS: Final = "vital-loss"
AGE_UNKNOWN: Final = "age-unknown"
BREAK_GLASS: Final = "break-glass"

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

DRIFTING: Final = "standard deviations of drift in 15 min"

LOSS_SIGNALS: Final = tuple(signal for signal in SIGNALS if signal.periodic)
"""Signals whose loss is an alarm; an aperiodic one is expected to be absent."""

LOSS_COLUMNS: Final = np.array([INDEX[signal.name] for signal in LOSS_SIGNALS])


@dataclass(frozen=True, slots=True)
class Alarm:
    """One column of the patient table's alarms; limits and delay in the signal's unit and s.

    `holds` says in words what the condition is, where it is neither a limit nor a loss nor a score;
    `never_withheld` that no pause covers it unless it was open when the pause began.
    """

    id: str
    type: AlertType
    title: str
    signal: Signal | None = None
    low: float | None = None
    high: float | None = None
    delay_s: float | None = None
    sheet: Sheet | None = None
    holds: str = ""
    never_withheld: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked to answer for an alarm; see `streams.contracts.alert.Responsibility`."""

    step: int
    to: str
    status: ResponsibilityStatus
    previous: ResponsibilityStatus | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One transition of one alarm, as the judge found it. Times in ms, values in the signal's unit."""

    offset: int
    column: int
    patient: str
    phase: int
    number: int
    priority: int
    onset_ms: int
    event_ms: int
    append_ms: int
    value: float | None = None
    extreme: float | None = None
    device: str | None = None
    missing: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    note: str = ""
    state: int = State.ACTIVE
    paused: int = Pause.NONE
    low: float | None = None
    high: float | None = None
    asked: Asked | None = None
    actor: str | None = None
    command: str | None = None
    acknowledges: bool = False


def report(alarm: Alarm, happening: Happening) -> Alert:
    """Return the alert that tells of a transition."""
    return Alert.model_validate(facts(alarm, happening))


def encoded(alarm: Alarm, happening: Happening) -> bytes:
    """Return the same alert as JSON, past its model, which takes twice as long; tests hold it to that."""
    return msgspec.json.encode(facts(alarm, happening))


def facts(alarm: Alarm, happening: Happening) -> dict[str, object]:
    """Return what an alert says, every field of the model in its order."""
    phase = PHASE_NAMES[Phase(happening.phase)]
    episode = episode_id(happening.patient, alarm.id, happening.onset_ms)
    lasted_s = (happening.event_ms - happening.onset_ms) / 1000
    return {
        "id": f"{episode}-{happening.number}",
        "episode": episode,
        "patient": happening.patient,
        "rule": alarm.id,
        "event": _event(alarm, happening),
        "source": _source(alarm, happening),
        "phase": phase,
        "state": _state(happening),
        "inactivation": _inactivation(happening),
        "priority": PRIORITIES[happening.priority],
        "type": alarm.type,
        "onset_ts_ms": happening.onset_ms,
        "event_ts_ms": happening.event_ms,
        "append_ts_ms": happening.append_ms,
        "evidence": {
            "value": _number(happening.value),
            "low": _number(happening.low),
            "high": _number(happening.high),
            "delay_s": _number(alarm.delay_s),
            "extreme": _number(happening.extreme),
            "missing": happening.missing,
            "old": happening.old,
            "silent_s": lasted_s if alarm.type == "technical" else None,
        },
        "responsibility": None if happening.asked is None else asdict(happening.asked),
        "acknowledged_by": happening.actor if happening.acknowledges else None,
        "actor": happening.actor,
        "command": happening.command,
        "reason": _reason(alarm, happening, phase),
    }


def _state(happening: Happening) -> str:
    if happening.phase in CLOSING:
        return "inactive"
    return "latched" if happening.state == State.LATCHED else "active"


def _inactivation(happening: Happening) -> str:
    parts = [PAUSE_NAMES[Pause(happening.paused)]] if happening.paused != Pause.NONE else []
    if happening.state == State.ACKNOWLEDGED:
        parts.append("alert-acknowledged")
    return "~".join(parts) or "enabled"


def _number(value: float | None) -> float | None:
    return None if value is None or isnan(value) else float(value)


def _event(alarm: Alarm, happening: Happening) -> str:
    """MDC event of PCD-04 facet 1: limits cross high or low, everything else is a plain alarm."""
    if alarm.type == "technical" or alarm.signal is None:
        return "MDC_EVT_ALARM"
    worst = happening.extreme if happening.extreme is not None else happening.value
    low, high = happening.low, happening.high
    below = high is None or (low is not None and worst is not None and worst < low)
    return "MDC_EVT_LO" if below else "MDC_EVT_HI"


def _source(alarm: Alarm, happening: Happening) -> dict[str, object]:
    signal = alarm.signal
    if signal is not None and (alarm.type == "technical" or not alarm.holds):
        return _origin(
            "signal", signal.name, signal.mdc, signal.loinc, unit=signal.ucum, device=happening.device
        )
    if signal is not None:
        unit = "1" if alarm.holds == DRIFTING else f"{signal.ucum}/min"
        return _origin("trend", signal.name, signal.mdc, unit=unit)
    if alarm.sheet is not None:
        return _origin("score", alarm.id, snomed=alarm.sheet.snomed, unit="{score}")
    if alarm.id == WARD_SILENT:
        return _origin("ward", happening.patient.rpartition("/")[2])
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
    device: str | None = None,
) -> dict[str, object]:
    """Return a `streams.contracts.alert.Source`."""
    codings = ((MDC, str(mdc or "")), (LOINC, loinc or ""), (SNOMED_CT, snomed or ""))
    system, code = next(((system, code) for system, code in codings if code), (None, None))
    codes = {"mdc": mdc or None, "loinc": loinc or None, "system": system, "code": code}
    return {"kind": kind, "name": name, **codes, "unit": unit, "device": device}


def _reason(alarm: Alarm, happening: Happening, phase: str) -> str:
    """Return why, in one plain sentence with the numbers."""
    for_s = f"{(happening.event_ms - happening.onset_ms) / 1000:g} s"
    if happening.note:
        return f"{alarm.title}: {happening.note}"
    if happening.state == State.LATCHED and phase == "update":
        return f"{alarm.title}: condition over after {for_s}, latched until somebody acknowledges it"
    if phase == "end":
        return f"{alarm.title}: condition over after {for_s}"
    if alarm.id == SILENT_DEVICE:
        return f"no frame for {for_s}"
    if alarm.sheet is not None:
        return _score_reason(alarm.sheet, happening)
    if alarm.holds:
        return _condition_reason(alarm, happening, for_s)
    if alarm.type == "technical":
        return f"{alarm.title}: no valid reading for {for_s}"
    worst = _number(happening.value) if _number(happening.value) is not None else _number(happening.extreme)
    shown = "value unknown" if worst is None else f"{worst:g}"
    lasting = f" for {for_s}" if happening.event_ms > happening.onset_ms else ""
    if alarm.signal is None:
        return f"{alarm.title}{lasting}"
    if alarm.signal.name in FLAGS:
        return f"{alarm.title} by the device{lasting}"
    below = _event(alarm, happening) == "MDC_EVT_LO"
    limit = f"below {happening.low:g}" if below else f"above {happening.high:g}"
    return f"{alarm.title} {shown} {alarm.signal.unit}, {limit}{lasting}"


def _score_reason(sheet: Sheet, happening: Happening) -> str:
    """Return the score, what it lacks, and the response that the source names for this level."""
    lacking = f", without {', '.join(happening.missing)}" if happening.missing else ""
    if happening.old:
        lacking += f", not measured now: {', '.join(happening.old)}"
    value = _number(happening.value)
    shown = "unknown" if value is None else f"{value:g}"
    priority = PRIORITIES[happening.priority]
    level = next((level for level in sheet.levels if level.priority == priority), sheet.levels[-1])
    return f"{sheet.title} {'at least ' if happening.missing else ''}{shown}{lacking}; {level.name}: {level.response}"


def _condition_reason(alarm: Alarm, happening: Happening, for_s: str) -> str:
    value = _number(happening.value)
    if alarm.signal is None or value is None:
        what = alarm.holds if alarm.signal is None or alarm.type == "technical" else "its course"
        return f"{alarm.title}: {what}, for {for_s}"
    unit = "" if alarm.holds == DRIFTING else f" {alarm.signal.unit}"
    return f"{alarm.title} {value:+g}{unit} {alarm.holds}"
