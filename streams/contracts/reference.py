"""What a hospital says of its wards and beds, and the limits that it wants there: records of `vitals.reference`.

Compacted and small: whoever needs it reads it whole and follows (`edge.reference`). Nothing here decides anything by
itself: a line of the formulary takes effect as an order that the judge of a patient checks against the rules' bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from streams.contracts.command import AgeBand, Limit
from streams.contracts.frame import Identifier, Stream
from streams.contracts.zones import ZoneName, zone

REFERENCE_BYTES_MAX: Final = 4_096
NAME_CHARS_MAX: Final = 100
"""Names are drawn on walls and pagers; our choice [M]."""

UnitType = Literal[
    "general", "step-down", "intensive", "emergency", "theatre", "recovery", "maternity", "neonatal", "other"
]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]


class _Facts(BaseModel):
    """Who said it, and in which import: what an import has said before and says no longer is deleted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    reporter: Identifier = Field(description="opaque id of the person or program that said so")
    source: Annotated[str, Field(max_length=128)] = Field(
        default="", description="name of the import that it came with; empty where it was said by hand"
    )

    @field_validator("name", "label", "phone", "reason", check_fields=False)
    @classmethod
    def _drawable(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("it has characters that cannot be printed")
        return value


class WardFacts(_Facts):
    """A ward: what it is called, where its clock stands, and what holds for who is admitted there."""

    kind: Literal["ward"] = "ward"
    ward: Identifier = Field(description="opaque id, as orders and frames name it")
    name: Name | None = Field(default=None, description="what people call it")
    time_zone: ZoneName | None = Field(
        default=None, description="IANA name; the setting `time_zone` where none is"
    )
    unit_type: UnitType | None = None
    age_band: AgeBand | None = Field(
        default=None, description="of who is admitted there without one: never of who has one already"
    )
    phone: Annotated[str, Field(min_length=1, max_length=40)] | None = None

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"ward/{self.ward}".encode()


class BedFacts(_Facts):
    """A bed: what is written above it, for a patient stream that is a bed's."""

    kind: Literal["bed"] = "bed"
    patient: Stream = Field(description="opaque stream id of who lies there")
    label: Name
    ward: Identifier | None = None

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"bed/{self.patient}".encode()


class FormularyLine(_Facts):
    """Limits of one rule that a ward wants for an age band, in the signal's unit, within the rules' bounds."""

    kind: Literal["limits"] = "limits"
    ward: Identifier
    age_band: AgeBand
    rule: Annotated[str, Field(min_length=1, max_length=64)]
    low: Limit = None
    high: Limit = None
    reason: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="why, for the audit trail"
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low is not below high")
        return self

    @property
    def key(self) -> bytes:
        """The record's key."""
        return f"limits/{self.ward}/{self.age_band}/{self.rule}".encode()


Fact = WardFacts | BedFacts | FormularyLine


class ReferenceRecord(RootModel[Annotated[Fact, Field(discriminator="kind")]]):
    """A record of `vitals.reference`."""

    model_config = ConfigDict(strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Reference:
    """All of it as it is at one moment; never changed, so that it can be read while a newer one is made."""

    facts: Mapping[bytes, Fact] = field(default_factory=dict)

    def changed(self, records: Mapping[bytes, Fact | None]) -> "Reference":
        """Return it after records; None deletes a key."""
        facts = {key: fact for key, fact in self.facts.items() if key not in records}
        return Reference(facts | {key: fact for key, fact in records.items() if fact is not None})

    def ward(self, name: str) -> WardFacts | None:
        """Return what is known of a ward."""
        found = self.facts.get(f"ward/{name}".encode())
        return found if isinstance(found, WardFacts) else None

    def bed(self, patient: str) -> BedFacts | None:
        """Return what is known of the bed of a patient stream."""
        found = self.facts.get(f"bed/{patient}".encode())
        return found if isinstance(found, BedFacts) else None

    def ward_name(self, name: str) -> str:
        """Return what people call a ward, its id where nothing is known."""
        found = self.ward(name)
        return (found.name if found is not None else None) or name

    def bed_label(self, patient: str) -> str | None:
        """Return what is written above a bed, None where nothing is known."""
        found = self.bed(patient)
        return found.label if found is not None else None

    def label(self, patient: str) -> str:
        """Return what is written above a bed, the stream's id where nothing is known."""
        return self.bed_label(patient) or patient

    def zone(self, ward: str, default: str) -> ZoneInfo:
        """Return the time zone of a ward; `default` is an IANA name."""
        found = self.ward(ward)
        return zone((found.time_zone if found is not None else None) or default)

    def formulary(self, ward: str, age_band: str) -> tuple[FormularyLine, ...]:
        """Return the lines of a ward for an age band, by rule."""
        lines = (fact for fact in self.facts.values() if isinstance(fact, FormularyLine))
        chosen = [line for line in lines if (line.ward, line.age_band) == (ward, age_band)]
        return tuple(sorted(chosen, key=lambda line: line.rule))

    def says_of(self, ward: str) -> bool:
        """Tell whether anything follows for who is admitted to a ward."""
        found = self.ward(ward)
        lines = (fact for fact in self.facts.values() if isinstance(fact, FormularyLine))
        return (found is not None and found.age_band is not None) or any(line.ward == ward for line in lines)

    def of_source(self, source: str) -> frozenset[bytes]:
        """Return the keys that came with an import of this name."""
        return frozenset(key for key, fact in self.facts.items() if fact.source == source)
