"""The audit of what people see: who opened which bed, signed in or broke the glass; one record each on `vitals.audit`.

What people order stands with its answer on `vitals.commands`; both together are the audit trail.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.frame import EVENT_TS_MS_MAX
from streams.contracts.people import Role

AuditedAct = Literal[
    "view", "acknowledge", "pause", "limits", "configure", "sign-in", "sign-out", "break-glass"
]
"""The acts of `streams.contracts.people.Act`, and what a sign-in is."""

Outcome = Literal["granted", "refused"]


class Audited(BaseModel):
    """One thing that a person did or was refused, keyed by the person."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["audited"] = "audited"
    id: str = Field(description="names the record; one that is written twice has the same")
    at_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(
        description="when, ms, Unix epoch, by the clock of the door"
    )
    person: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        description="opaque id of who did it, equal to the record's key; ~unknown where a sign-in named nobody known"
    )
    role: Role | None = Field(default=None, description="the person's role; null of who is not signed in")
    station: Annotated[str, Field(max_length=128)] = Field(default="", description="which door was used")
    session: Annotated[str, Field(max_length=128)] = Field(
        default="", description="opaque id of the sign-in, never the secret"
    )
    act: AuditedAct
    patient: Annotated[str, Field(max_length=128)] = Field(
        default="", description="opaque stream id of whose data it was; empty where of nobody's"
    )
    ward: Annotated[str, Field(max_length=128)] = Field(
        default="", description="of the patient, or the ward itself; empty where none is known"
    )
    outcome: Outcome
    break_glass: Annotated[str, Field(max_length=500)] = Field(
        default="", description="why the person acted beyond the own wards; empty where not"
    )
    reason: Annotated[str, Field(max_length=500)] = Field(
        default="", description="why it was refused, in one plain sentence"
    )
