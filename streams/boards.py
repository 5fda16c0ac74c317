"""State for those who start up: what is in force and how each patient is, one compacted record a patient.

Derived from the readings log like alerts, and written after them: a board reads these topics from their beginning
and then follows. The heartbeat tells a watcher outside that a partition is being judged.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.commands import AgeBand, PauseMode


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
    spo2_scale2: bool
    expected_oxygen: bool | None
    ward: str
    since_ts_ms: int | None = Field(description="when the patient was admitted by command, ms")


class OpenAlarm(_Record):
    """One alarm that was announced and is not over."""

    rule: str
    episode: str
    state: Literal["active", "acknowledged", "latched"]
    priority: Literal["high", "medium", "low"]
    onset_ts_ms: int


class LastValue(_Record):
    """A signal's last valid reading, in its unit."""

    value: float
    ts_ms: int


class LastScore(_Record):
    """A score as it is now, with the last points of what is not measured now."""

    total: float = Field(description="sum of the points that are known; a lower bound while any are missing")
    band: str = Field(description="the level that the total reaches, in the words of the score's source")
    missing: tuple[str, ...] = Field(description="parameters of which nothing is known")
    old: tuple[str, ...] = Field(
        description="parameters that are not measured now and count with their last points"
    )
    ts_ms: int = Field(description="the tick by which its readings count as measured now, ms")


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
    scores: dict[str, LastScore] = Field(
        default_factory=dict,
        description="by the score's id: those in use that are made for this age and of which anything is known",
    )
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
