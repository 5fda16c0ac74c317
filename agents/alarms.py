"""Every alarm that can exist under a rule set, in the column order of the patient table, and how it is reported."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from clinical.lifecycle import CLOSING, PAUSE_NAMES, PHASE_NAMES, Pause, Phase, State
from clinical.rules import PRIORITIES, RuleSet
from clinical.vitals import INDEX, SIGNALS, Signal
from streams.alerts import (
    Alert,
    AlertType,
    Evidence,
    Responsibility,
    ResponsibilityStatus,
    Source,
    episode_id,
)

SILENT_DEVICE: Final = "silent-device"
SIGNAL_LOSS: Final = "signal-loss-"
NEWS2: Final = "news2"
ALARMS_PAUSED: Final = "alarms-paused"
NEWS2_LOINC: Final = "88330-6"

LOSS_SIGNALS: Final = tuple(signal for signal in SIGNALS if signal.periodic)
"""Signals whose loss is an alarm; an aperiodic one is expected to be absent."""

LOSS_COLUMNS: Final = np.array([INDEX[signal.name] for signal in LOSS_SIGNALS])


@dataclass(frozen=True, slots=True)
class Alarm:
    """One column of the patient table's alarms; limits and delay in the signal's unit and s."""

    id: str
    type: AlertType
    title: str
    signal: Signal | None = None
    low: float | None = None
    high: float | None = None
    delay_s: float | None = None


def alarms_of(rules: RuleSet) -> tuple[Alarm, ...]:
    """Return all alarms: one a limit rule, then silent device, signal losses, NEWS2 and the pause itself."""
    limits = tuple(
        Alarm(
            rule.id,
            "physiological",
            SIGNALS[INDEX[rule.signal]].title,
            SIGNALS[INDEX[rule.signal]],
            rule.low,
            rule.high,
            rule.delay_s,
        )
        for rule in rules.limits
    )
    silent = Alarm(SILENT_DEVICE, "technical", "device", delay_s=rules.technical.silent_device_s)
    losses = tuple(
        Alarm(
            SIGNAL_LOSS + signal.name,
            "technical",
            signal.title,
            signal,
            delay_s=rules.technical.signal_loss_s,
        )
        for signal in LOSS_SIGNALS
    )
    news2 = Alarm(NEWS2, "physiological", "NEWS2 score", delay_s=rules.news2.delay_s)
    paused = Alarm(ALARMS_PAUSED, "advisory", "alarms")
    return (*limits, silent, *losses, news2, paused)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked to answer for an alarm; see `streams.alerts.Responsibility`."""

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
    phase = PHASE_NAMES[Phase(happening.phase)]
    episode = episode_id(happening.patient, alarm.id, happening.onset_ms)
    return Alert(
        id=f"{episode}-{happening.number}",
        episode=episode,
        patient=happening.patient,
        rule=alarm.id,
        event=_event(alarm, happening),
        source=_source(alarm, happening),
        phase=phase,
        state=_state(happening),
        inactivation=_inactivation(happening),
        priority=PRIORITIES[happening.priority],
        type=alarm.type,
        onset_ts_ms=happening.onset_ms,
        event_ts_ms=happening.event_ms,
        append_ts_ms=happening.append_ms,
        evidence=Evidence(
            value=_number(happening.value),
            low=happening.low,
            high=happening.high,
            delay_s=alarm.delay_s,
            extreme=_number(happening.extreme),
            missing=happening.missing,
            silent_s=(happening.event_ms - happening.onset_ms) / 1000 if alarm.type == "technical" else None,
        ),
        responsibility=_responsibility(happening.asked),
        acknowledged_by=happening.actor if happening.acknowledges else None,
        actor=happening.actor,
        command=happening.command,
        reason=_reason(alarm, happening, phase),
    )


def _state(happening: Happening) -> Literal["active", "inactive", "latched"]:
    if happening.phase in CLOSING:
        return "inactive"
    return "latched" if happening.state == State.LATCHED else "active"


def _inactivation(happening: Happening) -> str:
    parts = [PAUSE_NAMES[Pause(happening.paused)]] if happening.paused != Pause.NONE else []
    if happening.state == State.ACKNOWLEDGED:
        parts.append("alert-acknowledged")
    return "~".join(parts) or "enabled"


def _responsibility(asked: Asked | None) -> Responsibility | None:
    if asked is None:
        return None
    return Responsibility(step=asked.step, to=asked.to, status=asked.status, previous=asked.previous)


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _event(alarm: Alarm, happening: Happening) -> str:
    """MDC event of PCD-04 facet 1: limits cross high or low, everything else is a plain alarm."""
    if alarm.type == "technical" or alarm.signal is None:
        return "MDC_EVT_ALARM"
    worst = happening.extreme if happening.extreme is not None else happening.value
    low, high = happening.low, happening.high
    below = high is None or (low is not None and worst is not None and worst < low)
    return "MDC_EVT_LO" if below else "MDC_EVT_HI"


def _source(alarm: Alarm, happening: Happening) -> Source:
    if alarm.signal is not None:
        return Source(
            kind="signal",
            name=alarm.signal.name,
            mdc=alarm.signal.mdc or None,
            loinc=alarm.signal.loinc,
            unit=alarm.signal.ucum,
            device=happening.device,
        )
    if alarm.id == NEWS2:
        return Source(kind="score", name=NEWS2, loinc=NEWS2_LOINC, unit="{score}")
    if alarm.id == ALARMS_PAUSED:
        return Source(kind="alarm-system", name="pause")
    return Source(kind="device", name="device")


def _reason(alarm: Alarm, happening: Happening, phase: str) -> str:
    for_s = f"{(happening.event_ms - happening.onset_ms) / 1000:g} s"
    if happening.note:
        return f"{alarm.title}: {happening.note}"
    if happening.state == State.LATCHED and phase == "update":
        return f"{alarm.title}: condition over after {for_s}, latched until somebody acknowledges it"
    if phase == "end":
        return f"{alarm.title}: condition over after {for_s}"
    if alarm.id == SILENT_DEVICE:
        return f"no frame for {for_s}"
    if alarm.type == "technical":
        return f"{alarm.title}: no valid reading for {for_s}"
    worst = _number(happening.value) if _number(happening.value) is not None else _number(happening.extreme)
    shown = "value unknown" if worst is None else f"{worst:g}"
    if alarm.signal is None:
        lacking = f", without {', '.join(happening.missing)}" if happening.missing else ""
        return f"NEWS2 {'at least ' if lacking else ''}{shown}{lacking}"
    below = _event(alarm, happening) == "MDC_EVT_LO"
    limit = f"below {happening.low:g}" if below else f"above {happening.high:g}"
    lasting = f" for {for_s}" if happening.event_ms > happening.onset_ms else ""
    return f"{alarm.title} {shown} {alarm.signal.unit}, {limit}{lasting}"
