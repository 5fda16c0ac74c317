"""Records of `vitals.wards`, where a ward's patients of all partitions come together, and the answer that goes back.

A partition says how many of a ward's patients it has and how many of them are silent; the wards agent decides and
writes what the ward's alarm is by then. All of a ward lies in one partition of the topic, which its name chooses; keys
differ, so that compaction keeps the newest word of each partition. Acknowledgements come under `~command`, time under
`~tick`. The answer goes into the readings of the partitions concerned, and takes effect at its place there.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from streams.contracts.frame import EVENT_TS_MS_MAX, Identifier

RULING_KEY: Final = b"~ward"
"""Key of an answer in the readings; starts with a character that no patient id may start with."""

RECORD_BYTES_MAX: Final = 4_096
COMMANDS_KEPT: Final = 8
"""Acknowledgements of a ward that are remembered, so that none is applied twice."""

PARTITIONS_MAX: Final = 100_000

Time = Annotated[int, Field(ge=-1, le=EVENT_TS_MS_MAX)]
Number = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WardReport(_Record):
    """What one partition has of a ward at a tick; who was told of singly counts in neither number."""

    kind: Literal["report"] = "report"
    ward: Identifier
    partition: Annotated[int, Field(ge=0, lt=PARTITIONS_MAX)] = Field(description="of the readings")
    tick_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(
        description="the tick that it was counted at, ms; one that is not newer than another changes nothing"
    )
    patients: Number = Field(description="patients of the ward whose devices have been heard")
    silent: Number = Field(description="how many of them are silent")
    first_ts_ms: Time = Field(
        description="the oldest of the silent ones' last frames, ms; -1 = nobody is silent"
    )
    last_ts_ms: Time = Field(
        description="the newest of the silent ones' last frames, ms; -1 = nobody is silent"
    )

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"{self.ward}/{self.partition}".encode()


class WardState(_Record):
    """A ward's alarm after a record of the topic: what a worker that takes the partition over goes on from."""

    kind: Literal["state"] = "state"
    ward: Identifier
    offset: Number = Field(description="the record of this partition up to which it was decided")
    state: Literal["normal", "active", "acknowledged"]
    onset_ts_ms: Time = Field(description="onset of the alarm, or of the last one, ms; -1 = there was none")
    told_ts_ms: Time = Field(description="when it was last told of, ms")
    events: Number = Field(description="number of the next event")
    known_ts_ms: Time = Field(description="newest last frame of those whom somebody knows to be silent, ms")
    commands: Annotated[tuple[Identifier, ...], Field(max_length=COMMANDS_KEPT, strict=False)] = Field(
        default=(), description="ids of the last acknowledgements"
    )

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.ward.encode()


class WardRecord(RootModel[Annotated[WardReport | WardState, Field(discriminator="kind")]]):
    """A record of `vitals.wards` that is neither a command nor a tick."""

    model_config = ConfigDict(strict=True, frozen=True)


class WardRuling(_Record):
    """An answer to a partition: whether its silent patients of a ward are part of the ward's alarm."""

    ward: Identifier
    lost: bool = Field(description="withheld are their single alarms for a while if so, told if not")
    partition: Annotated[int, Field(ge=0, lt=PARTITIONS_MAX)] = Field(
        description="partition of vitals.wards whose record decided it"
    )
    offset: Number = Field(description="offset of that record")
