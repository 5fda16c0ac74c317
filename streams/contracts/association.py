"""Records of `vitals.associations`: what is known of which device is on which patient, and what follows from it.

What is told is kept as it was told, one record a report, a placement of a device at a bed, a movement of a patient
(HL7 v2 ADT), or a visit (FHIR Encounter); who is on a device at a moment is a pure function of the newest record of
each key, whatever the order (`edge.gateway.associations`). So gateways that write at once lose nothing, and compaction
changes nothing. The topic has one partition: every gateway's view is a place in it. Where a device no longer belongs to
a stream that its frames went to, a `~left` record in the readings says so, sealed like a command.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from streams.contracts.frame import EVENT_TS_MS_MAX, Identifier, Stream

LEFT_KEY: Final = b"~left"
"""Key of a departure in the readings; starts with a character that no patient id may start with."""

RECORD_BYTES_MAX: Final = 2_048
PLACE_CHARS_MAX: Final = 200

KEPT_MS: Final = 8 * 24 * 3_600_000
"""What ended longer ago is forgotten: a day more than the readings are kept, so that no frame hangs on it."""

REPORTS_MAX: Final = 64
"""Associations that are kept of one device; a further one is refused. Ended ones go after `KEPT_MS`."""

Time = Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)]
Place = Annotated[str, Field(min_length=1, max_length=PLACE_CHARS_MAX)]
MessageId = Annotated[str, Field(min_length=1, max_length=PLACE_CHARS_MAX)]

STAYS_MAX: Final = 64
"""Places of one visit that are kept; those that ended before what is kept are left out."""

NAMED_PLACES_MAX: Final = 10_000
"""Places that one sender may give names of its own."""

MovementKind = Literal[
    "admit", "transfer", "discharge", "update", "cancel-transfer", "cancel-discharge", "merge"
]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Association(_Record):
    """A device is on a patient in [`from_ts_ms`, `until_ts_ms`): the same `id` again replaces what it said."""

    kind: Literal["association"] = "association"
    id: Identifier
    device: Identifier
    patient: Identifier
    from_ts_ms: Time = Field(description="when it begins, ms")
    until_ts_ms: Time | None = Field(default=None, description="when it ends, ms; null = it lasts")
    reporter: Identifier = Field(description="who said so")
    source: Literal["pcim", "fhir", "command"] = Field(
        description="pcim: IHE PCIM; fhir: a DeviceAssociation; command: the command line"
    )
    validated: bool = Field(description="a person has confirmed it")

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"{self.device}/patient/{self.id}".encode()


class Placement(_Record):
    """A device stands at a place from a moment on, or nowhere: until the next placement of it."""

    kind: Literal["placement"] = "placement"
    id: Identifier
    device: Identifier
    place: Place | None = Field(default=None, description="bed, as ADT messages name it; null = none")
    from_ts_ms: Time
    reporter: Identifier

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"{self.device}/place/{self.id}".encode()


class Movement(_Record):
    """What one ADT message said of where a patient is."""

    kind: Literal["movement"] = "movement"
    id: MessageId = Field(description="the message's own, MSH-10")
    what: MovementKind
    patient: Identifier
    place: Place | None = Field(default=None, description="PV1-3")
    prior_patient: Identifier | None = Field(default=None, description="MRG-1: the one merged away")
    prior_place: Place | None = Field(default=None, description="PV1-6")
    event_ts_ms: Time = Field(description="when it happened, ms")
    reporter: Identifier = Field(description="the sender of the messages")

    @property
    def key(self) -> bytes:
        """The record's key: a message that comes again is the same record."""
        return f"{self.patient}/{self.what}/{self.event_ts_ms}/{self.reporter}/{self.id}".encode()


class Heard(_Record):
    """Up to when a sender's ADT messages have come: what they say is believed for a bounded time beyond it."""

    kind: Literal["heard"] = "heard"
    reporter: Identifier
    event_ts_ms: Time = Field(description="time of the newest message, ms")

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"~heard/{self.reporter}".encode()


class VisitStay(_Record):
    """A patient is at a place in [`from_ts_ms`, `until_ts_ms`), during a visit."""

    place: Place
    from_ts_ms: Time
    until_ts_ms: Time | None = Field(default=None, description="null = still there")


class Visit(_Record):
    """Where a patient is and was during one visit, all of it: a newer version replaces what the one before said."""

    kind: Literal["visit"] = "visit"
    id: Identifier = Field(description="the Encounter's own")
    patient: Identifier
    stays: tuple[VisitStay, ...] = Field(max_length=STAYS_MAX, description="rising, none beside another")
    reporter: Identifier = Field(description="the sender of the messages")
    event_ts_ms: Time | None = Field(description="when it was said, ms: its newest time; null = it has none")
    version_ts_ms: Time | None = Field(
        default=None, description="meta.lastUpdated, ms: an older one is refused"
    )

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"~visit/{self.reporter}/{self.id}".encode()


class NamedPlace(_Record):
    """How a sender's messages call a place (FHIR Location): a visit may refer to it by this id."""

    kind: Literal["named-place"] = "named-place"
    id: Identifier = Field(description="the Location's own")
    place: Place | None = Field(description="bed, as placements name it; null = it is in use no more")
    reporter: Identifier = Field(description="the sender of the messages")

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"~place/{self.reporter}/{self.id}".encode()


Fact = Association | Placement | Movement | Heard | Visit | NamedPlace


class AssociationRecord(RootModel[Annotated[Fact, Field(discriminator="kind")]]):
    """A record of `vitals.associations`."""

    model_config = ConfigDict(strict=True, frozen=True)


class Departure(_Record):
    """In [`from_ts_ms`, `until_ts_ms`) a device does not belong to a stream that its frames went to."""

    patient: Stream = Field(description="the stream, equal to that of the frames")
    device: Identifier
    from_ts_ms: Time
    until_ts_ms: Time | None = Field(default=None, description="null = from then on")
    withdrawn: bool = Field(description="readings were on the patient that are somebody else's")
