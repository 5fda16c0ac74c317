"""Commands: what people tell the alarm system, and what it answers. Both travel on `vitals.commands`, keyed by patient.

A command takes effect at its place in the readings log, where the commands agent puts it under the key `~command`
(same partition; that of a whole ward in `vitals.wards`), so that it is decided by the log alone. It is applied once
however often it arrives, and answered once. The topic is the audit trail: who, when, why, and what came of it.
"""

import hashlib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from clinical.rules import AGE_BANDS
from streams.alerts import WARD
from streams.frames import EVENT_TS_MS_MAX, ID_PATTERN, VALUE_ABS_MAX, Identifier

COMMAND_KEY: Final = b"~command"
"""Key of a command in the readings log; starts with a character that no patient id may start with."""

COMMAND_BYTES_MAX: Final = 4_096
REASON_CHARS_MAX: Final = 500
ANSWER_ALERTS_MAX: Final = 100
"""Bound on the alerts that an answer names."""

PATIENT_OR_WARD_PATTERN: Final = f"^({WARD})?{ID_PATTERN.removeprefix('^')}"

PAUSE_S_DEFAULT: Final = 120
"""Two minutes: Draeger IACS p.83; Masimo offers 1, 2 and 3."""

PAUSE_S_MAX: Final = 600
"""Longest pause that ends by itself; our choice. Longer ones are `off`, which is shown until somebody resumes."""

PauseMode = Literal["audio-paused", "audio-off", "alarm-paused", "alarm-off"]
AgeBand = Literal[
    "adult", "paediatric", "neonate", "young-infant", "infant", "young-child", "child", "adolescent"
]
assert AgeBand.__args__ == AGE_BANDS  # type: ignore[attr-defined]

Limit = Annotated[float, Field(ge=-VALUE_ABS_MAX, le=VALUE_ABS_MAX)] | None


class _Order(BaseModel):
    """What every command says: which patient, who wants it, when and why."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    id: Identifier = Field(description="names the command; the same id is applied once per patient")
    patient: Identifier = Field(description="opaque stream id, equal to the record's key")
    actor: Identifier = Field(description="opaque id of the person or program that orders it")
    issued_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(
        description="when, Unix epoch, ms; a recording's time base counts it, the live one the record's append time"
    )
    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] = Field(default="", description="why")


class _OfEpisode(_Order):
    episode: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] = Field(description="the alert's `episode`")


class Acknowledge(_OfEpisode):
    """Somebody knows of the alarm: no reminders and no escalation; a latched alarm is reset.

    The one command that may be for a whole ward: it takes effect in `vitals.wards`, where the ward is judged.
    """

    patient: Annotated[str, Field(pattern=PATIENT_OR_WARD_PATTERN)] = Field(
        description="opaque stream id, or ~ward/NAME, equal to the record's key"
    )
    kind: Literal["acknowledge"] = "acknowledge"


class Accept(_OfEpisode):
    """The person asked takes responsibility for a high-priority alarm."""

    kind: Literal["accept"] = "accept"


class Reject(_OfEpisode):
    """The person asked cannot take responsibility: the next step is asked at once."""

    kind: Literal["reject"] = "reject"


class Pause(_Order):
    """Pauses the patient's alarms up to the highest priority that is open now, at least medium."""

    kind: Literal["pause"] = "pause"
    mode: PauseMode = Field(
        default="audio-paused", description="audio: told but silent; alarm: what begins is withheld"
    )
    seconds: Annotated[int, Field(ge=1, le=PAUSE_S_MAX)] = Field(
        default=PAUSE_S_DEFAULT, description="when a pause ends by itself; not for `off`, which does not"
    )


class Resume(_Order):
    """Ends a pause."""

    kind: Literal["resume"] = "resume"


class SetLimits(_Order):
    """Limits of one rule for this patient, in the signal's unit; neither of them brings back the rule's own."""

    kind: Literal["set-limits"] = "set-limits"
    rule: Annotated[str, Field(min_length=1, max_length=64)]
    low: Limit = None
    high: Limit = None


class SetProfile(_Order):
    """What is known about the patient; a field that is left out stays as it is."""

    kind: Literal["set-profile"] = "set-profile"
    age_band: AgeBand | None = None
    spo2_scale2: bool | None = Field(
        default=None,
        description="NEWS2 SpO2 scale 2 (target 88-92 %), by a clinician's order: needs a reason",
    )
    expected_oxygen: bool | None = Field(
        default=None, description="receives oxygen, where nothing is charted"
    )
    ward: Identifier | None = None

    @model_validator(mode="after")
    def _by_order(self) -> "SetProfile":
        if self.spo2_scale2 is not None and not self.reason:
            raise ValueError("spo2_scale2 needs a reason: it is by a clinician's order")
        return self


class Admit(_Order):
    """The patient is monitored from now on; a field that is left out stays as it is: at first adult, in no ward."""

    kind: Literal["admit"] = "admit"
    age_band: AgeBand | None = None
    ward: Identifier | None = None


class Transfer(_Order):
    """The patient moves to another ward."""

    kind: Literal["transfer"] = "transfer"
    ward: Identifier


class Discharge(_Order):
    """Monitoring ends: alarms, pauses, limits and profile with it."""

    kind: Literal["discharge"] = "discharge"


Order = Acknowledge | Accept | Reject | Pause | Resume | SetLimits | SetProfile | Admit | Transfer | Discharge


class Command(RootModel[Annotated[Order, Field(discriminator="kind")]]):
    """One command of any kind."""

    model_config = ConfigDict(strict=True, frozen=True)


class Answer(BaseModel):
    """What became of a command: the judge's answer, the same whenever the log is judged."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["answer"] = "answer"
    id: str = Field(description="the command's id")
    patient: str
    command: str = Field(description="the command's kind")
    outcome: Literal["accepted", "refused"]
    reason: str = Field(description="why it was refused, or what it did, in one plain sentence")
    alerts: tuple[str, ...] = Field(default=(), description="ids of the alerts that it led to")
    offset: int = Field(description="where in the patient's partition of the readings it was applied")
    append_ts_ms: int = Field(description="when the broker took it there, ms")


def command_key(command: str) -> int:
    """Return the 64-bit name under which a command's id is remembered; never 0."""
    return int.from_bytes(hashlib.blake2b(command.encode(), digest_size=8).digest(), "little") or 1
