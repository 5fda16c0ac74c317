"""The way of an alert to people: one record a milestone on `vitals.deliveries`, keyed by patient.

A channel's success is never the end: that a provider took a message says nothing of anybody who has seen it.
"""

import hashlib
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.alert import Priority

Milestone = Literal[
    "queued", "sent", "taken", "delivered", "shown", "accepted", "rejected", "undefined", "failed", "expired"
]

FINAL: Final[frozenset[Milestone]] = frozenset({"accepted", "rejected", "undefined", "expired"})
"""After these nothing more comes of a delivery. `failed` is of one attempt."""


class Delivery(BaseModel):
    """One milestone of one alert's way to one recipient over one channel."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["delivery"] = "delivery"
    id: str = Field(
        description="names the delivery: hash of episode, step, recipient and channel; the same for each milestone"
    )
    alert: str = Field(description="the alert's id")
    episode: str
    patient: str = Field(description="the alert's patient, equal to the record's key")
    ward: str = Field(description="ward of the patient when it was queued")
    rule: str
    priority: Priority
    step: int = Field(description="of the escalation, from 1")
    recipient: str = Field(description="opaque id of who is told: a person, a role or a receiver")
    channel: str = Field(description="name of the channel in the routing file")
    milestone: Milestone
    at_ts_ms: int = Field(description="when it was reached, ms")
    attempt: int = Field(default=0, description="which attempt of sending, from 1; 0 where none is meant")
    reason: str = Field(default="", description="why it failed or expired, in one plain sentence")
    reference: str = Field(default="", description="the provider's own id of the message")


class Assignment(BaseModel):
    """Who is responsible for a bed or a ward, in a role, from when to when; on `vitals.assignments`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["assignment"] = "assignment"
    place: str = Field(description="~ward/NAME or the patient's stream id of the bed")
    role: str = Field(description="role of the rules' responsibility steps or of the routing file")
    person: str = Field(description="opaque id of who is told")
    from_ts_ms: int = Field(description="beginning of the shift, ms")
    until_ts_ms: int = Field(description="its end, ms")
    reporter: str = Field(description="opaque id of who said so")

    def key(self) -> bytes:
        """Return the record's key: several may be on in one role, and shifts are planned ahead of each other."""
        return "\x1f".join((self.place, self.role, str(self.from_ts_ms), self.person)).encode()


def delivery_id(episode: str, step: int, recipient: str, channel: str) -> str:
    """Return the 16 hex digits that name a delivery, a pure function of its arguments."""
    text = f"{episode}\x1f{step}\x1f{recipient}\x1f{channel}".encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()
