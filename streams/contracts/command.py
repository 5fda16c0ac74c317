"""Commands: what people tell the alarm system, and what it answers. Both travel on `vitals.commands`, keyed by patient.

A command takes effect at its place in the readings log, where the commands agent puts it under the key `~command`,
sealed (`streams.contracts.seals`), so that it is decided by the log alone. It goes into every partition, because a
gateway may have put a patient's frames into another one than the hash of the name says: those who know the patient
apply and answer it, and the one where the patient belongs always does. That of a whole ward goes into `vitals.wards`
instead. Each applies it once however often it arrives. The topic is the audit trail: who, when, why, and what came of
it; an answer names the record that it answers.

Who orders it is the person who was signed in at the door that it came through; the door signs command and person
together (`Signed`), and the judge refuses what the person may not do in the patient's ward
(`streams.contracts.people`).
"""

import hashlib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from clinical.lifecycle import OFF, PAUSE_NAMES
from clinical.rules import AGE_BANDS
from streams.contracts.alert import WARD
from streams.contracts.frame import EVENT_TS_MS_MAX, ID_PATTERN, OWN_STREAM, VALUE_ABS_MAX, Identifier, Stream
from streams.contracts.partition_names import PARTITION
from streams.contracts.people import Person

COMMAND_KEY: Final = b"~command"
"""Key of a command in the readings log; starts with a character that no patient id may start with."""

COMMAND_BYTES_MAX: Final = 16_384
"""Of a command with the person who orders it; the longest reason, and the most wards, fit."""
REASON_CHARS_MAX: Final = 500
ANSWER_ALERTS_MAX: Final = 100
"""Bound on the alerts that an answer names."""

ADDRESSEE_PATTERN: Final = f"^({WARD}|{PARTITION}|{OWN_STREAM})?{ID_PATTERN.removeprefix('^')}"
GLASS_PATTERN: Final = f"^({WARD}|{OWN_STREAM})?{ID_PATTERN.removeprefix('^')}"

PAUSE_S_DEFAULT: Final = 120
"""Two minutes: Draeger IACS p.83; Masimo offers 1, 2 and 3."""

PAUSE_S_MAX: Final = 600
"""Longest time that somebody may give a pause; our choice. Longer ones are `off`, which the rules bound."""

PauseMode = Literal["audio-paused", "audio-off", "alarm-paused", "alarm-off"]
OFF_MODES: Final = frozenset(PAUSE_NAMES[mode] for mode in OFF)
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
    patient: Stream = Field(description="opaque stream id, also ~device/ID; equal to the record's key")
    episode: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] = Field(description="the alert's `episode`")


class Acknowledge(_OfEpisode):
    """Somebody knows of the alarm: no reminders and no escalation; a latched alarm is reset.

    The one command that may be for a whole ward: it takes effect in `vitals.wards`, where the ward is judged; or for a
    partition's own alarm.
    """

    patient: Annotated[str, Field(pattern=ADDRESSEE_PATTERN)] = Field(
        description="opaque stream id, ~device/ID, ~ward/NAME or ~partition/NUMBER, equal to the record's key"
    )
    kind: Literal["acknowledge"] = "acknowledge"


class Accept(_OfEpisode):
    """The person asked takes responsibility for a high-priority alarm."""

    kind: Literal["accept"] = "accept"


class Reject(_OfEpisode):
    """The person asked cannot take responsibility: the next step is asked at once."""

    kind: Literal["reject"] = "reject"


class Pause(_Order):
    """Pauses the patient's alarms up to medium priority, and those of high priority that are open now.

    `audio-off` and `alarm-off` need a reason and take no time: they end when the rules file says so.
    """

    kind: Literal["pause"] = "pause"
    mode: PauseMode = Field(
        default="audio-paused", description="audio: told but silent; alarm: what begins is withheld"
    )
    seconds: Annotated[int, Field(ge=1, le=PAUSE_S_MAX)] | None = Field(
        default=None,
        description=f"when the pause ends by itself, {PAUSE_S_DEFAULT} where nothing is said; not for `off`",
    )

    @model_validator(mode="after")
    def _off_is_bounded_by_the_rules(self) -> "Pause":
        if self.mode in OFF_MODES and self.seconds is not None:
            raise ValueError(f"{self.mode} takes no seconds: it ends when the rules file says so")
        if self.mode in OFF_MODES and not self.reason:
            raise ValueError(f"{self.mode} needs a reason")
        return self


class Resume(_Order):
    """Ends a pause."""

    kind: Literal["resume"] = "resume"


class SetLimits(_Order):
    """Limits of one rule for this patient, in the signal's unit; neither of them brings back the rule's own.

    Not of rules on what a device reports as yes or no. Past half the way to the rule's bound they need a reason.
    """

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

    patient: Stream = Field(description="opaque stream id, also ~device/ID; equal to the record's key")
    kind: Literal["discharge"] = "discharge"


class BreakGlass(_Order):
    """Somebody opens a patient, or a ward, that the person is not of; it changes nothing and is told of as an alarm."""

    patient: Annotated[str, Field(pattern=GLASS_PATTERN)] = Field(
        description="opaque stream id, ~device/ID or ~ward/NAME, equal to the record's key"
    )
    kind: Literal["break-glass"] = "break-glass"
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS_MAX)] = Field(description="why")


Order = (
    Acknowledge
    | Accept
    | Reject
    | Pause
    | Resume
    | SetLimits
    | SetProfile
    | Admit
    | Transfer
    | Discharge
    | BreakGlass
)


class Command(RootModel[Annotated[Order, Field(discriminator="kind")]]):
    """One command of any kind."""

    model_config = ConfigDict(strict=True, frozen=True)


class Commanded(BaseModel):
    """A command and who orders it: the person who was signed in, whose id is the command's actor."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    person: Person
    order: Command

    @model_validator(mode="after")
    def _by_the_person(self) -> "Commanded":
        if self.order.root.actor != self.person.id:
            raise ValueError("the command's actor is another than the person")
        return self


class Signed(BaseModel):
    """A command as it stands on `vitals.commands`: signed by the door where the person was signed in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seal: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="HMAC-SHA-256 under the command key over the record's key, 'signed' and content, joined by line "
        "feeds",
    )
    content: Commanded = Field(description="byte for byte what was signed")


class Unsigned(BaseModel):
    """Stands in the readings, sealed, for a record of `vitals.commands` that did not prove who ordered it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["unsigned"] = "unsigned"


UNSIGNED: Final = Unsigned().model_dump_json().encode()


class Sealed(BaseModel):
    """A command as it stands in the readings: what was ordered, from where, and the proof of that (`seals`)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    partition: int = Field(description="partition of the command's record on vitals.commands")
    offset: int = Field(description="its offset there")
    seal: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="HMAC-SHA-256 over '~command', partition, offset and content, joined by line feeds",
    )
    content: Commanded | Unsigned = Field(
        description="of a command byte for byte the content that was signed; unsigned where nobody has signed one"
    )


class Answer(BaseModel):
    """What became of a command in one partition: the judge's answer, the same whenever the log is judged."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["answer"] = "answer"
    id: str = Field(description="the command's id")
    patient: str
    command: str = Field(description="the command's kind")
    outcome: Literal["accepted", "refused"]
    reason: str = Field(description="why it was refused, or what it did, in one plain sentence")
    alerts: tuple[str, ...] = Field(default=(), description="ids of the alerts that it led to")
    offset: int = Field(
        description="where in the answer's partition of the readings it was applied; -1 = no judge has seen it"
    )
    append_ts_ms: int = Field(description="when the broker took it there, ms")
    order_partition: int | None = Field(
        default=None, description="partition of the command's record on this topic"
    )
    order_offset: int | None = Field(default=None, description="its offset there")
    monitored: bool = Field(
        default=True, description="frames of the patient are judged in the answer's partition"
    )


def said_in(value: bytes | None) -> Commanded | Answer | None:
    """Return what a record of `vitals.commands` says, as history and pages show it; None where it says neither.

    Nothing is proven by it: what counted has an answer that names the record.
    """
    for model in (Signed, Answer):
        try:
            found = model.model_validate_json(value or b"")
        except ValidationError:
            continue
        return found.content if isinstance(found, Signed) else found
    return None


def command_key(command: str) -> int:
    """Return the 64-bit name under which a command's id is remembered; never 0."""
    return int.from_bytes(hashlib.blake2b(command.encode(), digest_size=8).digest(), "little") or 1
