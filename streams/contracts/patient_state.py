"""State for those who start up: what is in force and how each patient is, one compacted record a patient.

Derived from the readings log like alerts, and written after them: a board reads these topics from their beginning
and then follows. The heartbeat tells a watcher outside that a partition is being judged.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.alert import AlertType, ResponsibilityStatus
from streams.contracts.command import AgeBand, PauseMode


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class LimitPair(_Record):
    """Limits of one rule in the signal's unit; null is no limit on that side."""

    low: float | None
    high: float | None
    own: bool = Field(description="set for this patient, not by the rule or the age band")
    unit_low: float | None = Field(
        default=None, description="the unit's at this age, where it is not the same"
    )
    unit_high: float | None = Field(
        default=None, description="the unit's at this age, where it is not the same"
    )
    wider: bool = Field(default=False, description="wider than the unit's: told by `limits-widened`")


class Limits(_Record):
    """A patient's limits and profile now in force."""

    patient: str
    limits: dict[str, LimitPair] = Field(description="by the rule's id")
    age_band: AgeBand
    age_known: bool | None = Field(default=None, description="whether anybody has said it; else adult holds")
    spo2_scale2: bool
    expected_oxygen: bool | None
    ward: str
    since_ts_ms: int | None = Field(description="when the patient was admitted by command, ms")


class Asked(_Record):
    """Who is asked to answer for an alarm of high priority, and what came of it; see `streams.contracts.alert`."""

    step: int = Field(description="which step of the rules, from 1")
    to: str = Field(description="role or group that is asked")
    status: ResponsibilityStatus


class OpenAlarm(_Record):
    """One alarm that was announced and is not over, with its numbers as they were when this was written."""

    rule: str
    episode: str
    state: Literal["active", "acknowledged", "latched"]
    priority: Literal["high", "medium", "low"]
    onset_ts_ms: int
    type: AlertType | None = None
    event: str | None = Field(default=None, description="MDC event, as in the alert")
    signal: str | None = Field(default=None, description="name of the signal that it is of; null for others")
    value: float | None = Field(
        default=None,
        description="the signal's last valid reading, or the score, in `unit`; null where none is",
    )
    extreme: float | None = Field(default=None, description="worst value of the episode, in `unit`")
    bound: str | None = Field(
        default=None, description="the worst where it is a bound, as <40; `extreme` is null then"
    )
    low: float | None = Field(default=None, description="lower limit in force, in `unit`")
    high: float | None = Field(default=None, description="upper limit in force, in `unit`")
    unit: str | None = Field(default=None, description="UCUM unit of the numbers")
    reason: str = Field(default="", description="what a reminder would say now, in one plain sentence")
    paused: PauseMode | None = Field(
        default=None, description="the patient's pause, where it covers this alarm"
    )
    asked: Asked | None = Field(default=None, description="who is asked to answer; null where nobody is")
    acknowledged_by: str | None = Field(
        default=None,
        description="who has acknowledged it; null also where a worker that took over has not seen that: "
        "the alert of the acknowledgement says it",
    )


class ScoreNow(_Record):
    """An early-warning score as it was when this was written."""

    total: float = Field(description="without what is missing, which adds 0: the score is at least so much")
    band: str | None = Field(
        description="name of the level in the score's source; null: too little is measured now to say"
    )
    missing: tuple[str, ...] = Field(description="inputs that it lacks")
    old: tuple[str, ...] = Field(
        description="inputs that are not measured now and count with their last points"
    )
    ts_ms: int = Field(description="the time up to which readings counted, ms")


class LastValue(_Record):
    """A signal's last valid reading, in its unit."""

    value: float
    ts_ms: int


class Patient(_Record):
    """How a patient is, as far as the log was judged."""

    patient: str = Field(
        description="opaque stream id; ~ward/NAME while the ward is lost; ~partition/NUMBER while it has an open alarm"
    )
    ward: str
    seen_ts_ms: int | None = Field(description="arrival of the last frame, ms")
    pause: PauseMode | None
    pause_until_ts_ms: int | None = Field(description="when the pause ends by itself, ms")
    limits_widened: tuple[str, ...] = Field(
        default=(), description="ids of the rules whose limits are wider than the unit's for this patient"
    )
    alarms: tuple[OpenAlarm, ...]
    values: dict[str, LastValue] = Field(description="by the signal's name")
    scores: dict[str, ScoreNow] = Field(
        default={},
        description="by the score's id: those that the rules judge, made for this age, with any input",
    )
    age_band: AgeBand | None = Field(default=None, description="as judged: adult where nobody has said it")
    age_known: bool | None = Field(default=None, description="whether anybody has said it")
    spo2_scale2: bool | None = Field(default=None, description="whether SpO2 scale 2 was ordered")
    judged_ts_ms: int | None = Field(
        default=None,
        description="append time of the newest record of the log that was judged, ms: alerts of earlier ones are in it",
    )


class Heartbeat(_Record):
    """A sign of life of one partition, written after a tick was judged."""

    partition: int
    worker: str = Field(description="names the worker process")
    sent_ts_ms: int = Field(description="when it was written, by the worker's clock, ms")
    judged_ts_ms: int = Field(description="append time of the newest tick that was judged, ms")
    lag: int = Field(description="records that wait to be judged")
    open_alarms: int
    waiting_s: float = Field(description="how long the oldest record waits for the broker to take it, s")
    windows: str | None = Field(
        default=None, description="address of the worker that tells a patient's live windows (host:port)"
    )
    partitions: int | None = Field(
        default=None,
        description="how many partitions the readings have; this topic has as many or a fraction, and `partition` lies "
        "in the one that is the remainder",
    )
