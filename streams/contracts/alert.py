"""The alert: one event in the life of an alarm, as written to `vitals.alerts`, keyed by patient.

Carries the seven facets of IHE PCD-04 (event, source, phase, state, inactivation, priority, type). An episode is
one run of one alarm from start to end; `id` names one event of it and is a pure function of the log, so a replay
writes the same id again and every consumer can drop what it has seen.
"""

import hashlib
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Phase = Literal["start", "continue", "update", "escalate", "deescalate", "end", "reset"]
Priority = Literal["high", "medium", "low"]
AlertType = Literal["physiological", "technical", "advisory"]
ResponsibilityStatus = Literal["requested", "accepted", "rejected", "undefined"]

WARD: Final = "~ward/"
"""Begins the `patient` of an alarm of a whole ward; no patient may be called so."""

CHANNEL: Final = "~channel/"
"""Begins the `patient` of an alarm about a channel by which people are told; no patient may be called so."""

OF_DELIVERY: Final = ("delivery-failed", "nobody-assigned")
"""Rules of delivery's own alarms: nobody was reached, nobody is assigned. No judge of patients tells them."""

INACTIVATION_PATTERN = (
    r"^(enabled|((audio|alarm)-(paused|off)~)?alert-acknowledged|(audio|alarm)-(paused|off))$"
)
"""PCD-04 facet 5; a pause and an acknowledgement are joined by `~`, as there."""


class Source(BaseModel):
    """Where the alarm comes from: a signal with its codes, a score, the device, or the alarm system itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["signal", "trend", "score", "device", "ward", "alarm-system"]
    name: str = Field(
        description="name of signal or score, 'device', 'pause', 'limits', 'profile', 'partition', 'monitoring', "
        "'association', 'delivery'"
    )
    mdc: int | None = Field(default=None, description="ISO/IEEE 11073-10101 CF_CODE10 of the signal")
    loinc: str | None = Field(default=None, description="LOINC code of the signal")
    system: str | None = Field(default=None, description="URI of the code system that `code` is from")
    code: str | None = Field(
        default=None, description="the signal in ISO/IEEE 11073-10101 or else LOINC, the score in SNOMED CT"
    )
    unit: str | None = Field(default=None, description="UCUM unit of the evidence's values")
    device: str | None = Field(
        default=None, description="device of the causing frame, where a frame caused it"
    )


class Evidence(BaseModel):
    """The numbers behind the decision; a field that does not apply is null."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    value: float | None = Field(
        default=None, description="value of the causing sample or score, in source.unit"
    )
    low: float | None = Field(default=None, description="lower limit in force, in source.unit")
    high: float | None = Field(default=None, description="upper limit in force, in source.unit")
    delay_s: float | None = Field(default=None, description="how long the violation had to last, s")
    extreme: float | None = Field(
        default=None, description="worst value of the episode so far, in source.unit"
    )
    bound: str | None = Field(
        default=None,
        description="the worst of the episode so far where it is a bound, as <40; `extreme` is null then",
    )
    missing: tuple[str, ...] = Field(default=(), description="inputs that a partial score lacked")
    old: tuple[str, ...] = Field(
        default=(), description="inputs of a score that are not measured now and count with their last points"
    )
    silent_s: float | None = Field(default=None, description="time without a valid reading or frame, s")


class Responsibility(BaseModel):
    """Who is asked to answer for a high-priority alarm, and what came of it (IEC TR 80001-2-5)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: int = Field(description="which step of the rules, from 1")
    to: str = Field(description="role or group that is asked")
    status: ResponsibilityStatus = Field(
        description="requested: asked just now; undefined: no answer in time, and nobody left to ask"
    )
    previous: ResponsibilityStatus | None = Field(
        default=None, description="how the step before ended, in the event that asks the next one"
    )


class Alert(BaseModel):
    """One lifecycle event of one alarm."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(description="episode id and the event's number in the episode: stable over replays")
    episode: str = Field(description="hash of patient, rule and onset")
    patient: str = Field(
        description="opaque stream id, ~device/ID of a device on no patient; ~ward/NAME, ~partition/NUMBER, "
        "~adt/SENDER and ~channel/NAME for alarms of those"
    )
    rule: str = Field(description="id of the rule that decided")
    event: str = Field(description="MDC event, for example MDC_EVT_LO (PCD-04 facet 1)")
    source: Source = Field(description="PCD-04 facet 2")
    phase: Phase = Field(description="PCD-04 facet 3")
    state: Literal["active", "inactive", "latched"] = Field(description="PCD-04 facet 4")
    inactivation: str = Field(
        default="enabled",
        pattern=INACTIVATION_PATTERN,
        description="PCD-04 facet 5: paused, off, acknowledged, or enabled",
    )
    priority: Priority = Field(description="PCD-04 facet 6")
    type: AlertType = Field(description="PCD-04 facet 7")
    onset_ts_ms: int = Field(description="first violating sample of the run, ms")
    event_ts_ms: int = Field(description="the sample or tick that decided this event, ms")
    append_ts_ms: int = Field(description="when the broker took the deciding record (its timestamp), ms")
    evidence: Evidence
    responsibility: Responsibility | None = Field(
        default=None, description="who is asked to answer for it; null where nobody is"
    )
    acknowledged_by: str | None = Field(default=None, description="who has just acknowledged it")
    actor: str | None = Field(default=None, description="who ordered the command that led to this event")
    command: str | None = Field(default=None, description="id of that command")
    reason: str = Field(description="one plain sentence with the numbers")


def episode_id(patient: str, rule: str, onset_ts_ms: int) -> str:
    """Return the 16 hex digits that name an episode, a pure function of its arguments."""
    text = f"{patient}\x1f{rule}\x1f{onset_ts_ms}".encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def system_alert(
    patient: str,
    rule: str,
    *,
    source: str,
    priority: Priority,
    onset_ms: int,
    now_ms: int,
    append_ms: int,
    is_over: bool,
    reason: str,
    named: str = "",
    evidence: Evidence | None = None,
) -> Alert:
    """Return a technical alert of the alarm system about itself, its start or its end.

    `patient` stands for what it is about, as a partition's name does; `named`, else the rule, tells episodes of one
    onset apart. Times in ms.
    """
    episode = episode_id(patient, named or rule, onset_ms)
    return Alert(
        id=f"{episode}-{1 if is_over else 0}",
        episode=episode,
        patient=patient,
        rule=rule,
        event="MDC_EVT_ALARM",
        source=Source(kind="alarm-system", name=source),
        phase="end" if is_over else "start",
        state="inactive" if is_over else "active",
        priority=priority,
        type="technical",
        onset_ts_ms=onset_ms,
        event_ts_ms=now_ms,
        append_ts_ms=append_ms,
        evidence=evidence or Evidence(),
        reason=reason,
    )
