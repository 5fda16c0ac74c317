"""What is known of one alarm's way to people: its routes, its deliveries, and the record that brings it back."""

from typing import Final

import msgspec

from streams.contracts.alert import AlertType, Priority
from streams.contracts.deliveries import FINAL, Delivery, Milestone, delivery_id

RANK: Final[dict[Milestone, int]] = {"queued": 0, "sent": 1, "taken": 2, "delivered": 3, "shown": 4}
"""How far a message has come; what is not here is no step of the way."""

TAKEN: Final = RANK["taken"]


class Sent(msgspec.Struct):
    """One delivery. Times in ms."""

    id: str
    alert: str
    step: int
    recipient: str
    channel: str
    queued_ms: int
    until_ms: int
    """When it ends without an answer."""
    is_person: bool = False
    is_pushed: bool = True
    """Whether a sender brings it; boards look for themselves, and perhaps nobody does."""
    asked: int = 0
    """Step of the rules' responsibility that it asks for; 0 = of a route."""
    reached: int = 0
    ended: Milestone | None = None

    @property
    def is_open(self) -> bool:
        """Whether its final state is still to come."""
        return self.ended is None


class Plan(msgspec.Struct):
    """How far one route has come; `step` counts its steps from 0."""

    route: str
    step: int
    firing: int
    """Number of the episode's step that told this one."""
    fired_ms: int
    told: list[str] = []
    """Deliveries of that step."""
    is_over: bool = False


class Episode(msgspec.Struct):
    """All of one alarm. Times in ms; `position` is the offset of the last record that changed it."""

    episode: str
    patient: str
    ward: str
    rule: str
    type: AlertType
    priority: Priority
    alert: str
    number: int
    """Of the newest event of the alarm that was taken."""
    heard_ms: int
    position: int = -1
    steps: int = 0
    """How often somebody was told: the number of the last step."""
    told_ms: int = 0
    """When the first of those was told who are to be reached now."""
    first: int = 0
    """Number of that step."""
    asking: int = 0
    """Step of the rules' responsibility that is to be asked once people are told."""
    asking_role: str = ""
    waits_ms: int = 0
    """Since when nobody was told yet, because the log is being caught up with; 0 = not so."""
    plans: list[Plan] = []
    sent: list[Sent] = []
    paused: bool = False
    asked: int = 0
    """Step of the rules' responsibility that is asked now; 0 = nobody is."""
    answered: bool = False
    failed_ms: int = 0
    """Since when a technical alert tells that nobody was reached; 0 = none does."""
    unassigned_ms: int = 0
    """Likewise, that nobody is assigned."""
    closed_ms: int = 0

    def open(self) -> list[Sent]:
        """Return the deliveries whose final state is still to come."""
        return [sent for sent in self.sent if sent.is_open]

    def milestone(self, sent: Sent, milestone: Milestone, now_ms: int, reason: str = "") -> Delivery:
        """Return the record of a milestone of one delivery; a final one ends it."""
        if milestone in FINAL:
            sent.ended = milestone
        return Delivery(
            id=sent.id,
            alert=sent.alert,
            episode=self.episode,
            patient=self.patient,
            ward=self.ward,
            rule=self.rule,
            priority=self.priority,
            step=sent.step,
            recipient=sent.recipient,
            channel=sent.channel,
            milestone=milestone,
            at_ts_ms=now_ms,
            reason=reason,
        )

    def new(self, recipient: str, channel: str, now_ms: int, until_ms: int) -> Sent:
        """Return a delivery of the newest step."""
        name = delivery_id(self.episode, self.steps, recipient, channel)
        return Sent(name, self.alert, self.steps, recipient, channel, now_ms, until_ms)


encode_episode: Final = msgspec.json.Encoder().encode
decode_episode: Final = msgspec.json.Decoder(Episode).decode
